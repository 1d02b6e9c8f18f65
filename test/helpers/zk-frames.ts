/** Operation codes of ZooKeeper's protocol (`ZooDefs.OpCode`), those that the tests name. */
export const OPCODE = {
  NOTIFICATION: 0,
  CREATE: 1,
  DELETE: 2,
  EXISTS: 3,
  GET_DATA: 4,
  SET_DATA: 5,
  GET_ACL: 6,
  SET_ACL: 7,
  GET_CHILDREN: 8,
  PING: 11,
  GET_CHILDREN2: 12,
  AUTH: 100,
  SET_WATCHES: 101,
  CLOSE: -11,
} as const;

/** One request, as it stands in the stream: `frame` with its length before it. */
export interface Request {
  readonly xid: number;
  readonly opcode: number;
  readonly frame: Buffer;
}

/** More than any server's `jute.maxbuffer` in a test: what announces more is no frame of this protocol. */
const LARGEST_FRAME = 16 * 1024 * 1024;

/** Cuts a byte stream into frames: a length of four bytes, then so many bytes. */
export class FrameSplitter {
  #rest = Buffer.alloc(0);
  #foreign = false;

  /**
   * The frames that are now complete, each with its length before it. Once the stream turns out to be no frames
   * (a four-letter word and its answer), every chunk is returned as it came, `foreign`.
   */
  push(chunk: Buffer): { readonly foreign: boolean; readonly frames: readonly Buffer[] } {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    const frames: Buffer[] = [];
    while (!this.#foreign && this.#rest.length >= 4) {
      const length = this.#rest.readInt32BE(0);
      this.#foreign = length < 0 || length > LARGEST_FRAME;
      if (this.#foreign || this.#rest.length < 4 + length) break;
      frames.push(this.#rest.subarray(0, 4 + length));
      this.#rest = this.#rest.subarray(4 + length);
    }
    if (this.#foreign && this.#rest.length > 0) {
      frames.push(this.#rest);
      this.#rest = Buffer.alloc(0);
    }
    return { foreign: this.#foreign, frames };
  }
}

/** Reads a request's header. Not for the first frame of a connection, which has none. */
export function decodeRequest(frame: Buffer): Request {
  return {
    frame,
    xid: frame.length >= 8 ? frame.readInt32BE(4) : 0,
    opcode: frame.length >= 12 ? frame.readInt32BE(8) : 0,
  };
}

/** The path that a request is about, for those that begin with one: all that the tests name but PING, AUTH and CLOSE. */
export function pathOf({ frame }: Request): string {
  return frame.toString('utf8', 16, 16 + frame.readInt32BE(12));
}

/** Puts the length before the bytes. */
export function frame(...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([int32(body.length), body]);
}

export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

export function int64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(value);
  return bytes;
}

/** Text as the protocol writes it: its length in bytes, then UTF-8. */
export function ustring(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  return Buffer.concat([int32(bytes.length), bytes]);
}

/** The answer to the connect request: protocol version 0, the negotiated timeout (ms), session id, password. */
export function connectResponse(timeoutMs: number, sessionId: bigint): Buffer {
  return frame(int32(0), int32(timeoutMs), int64(sessionId), int32(16), Buffer.alloc(16, 7));
}

/** A reply: header (xid, zxid, error code) and what the operation returns. */
export function reply(xid: number, error = 0, body: Buffer = Buffer.alloc(0), zxid = 1n): Buffer {
  return frame(int32(xid), int64(zxid), int32(error), body);
}

/** A watch event (xid −1): type and state are `Watcher.Event`'s numbers; 3 is SyncConnected. */
export function watchEvent(type: number, path: string, state = 3): Buffer {
  return reply(-1, 0, Buffer.concat([int32(type), int32(state), ustring(path)]), -1n);
}
