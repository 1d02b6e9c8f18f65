/** Every reply has a header of 16 bytes, the connect reply 36 or more. */
const SHORTEST_FRAME = 16;
/** ZooKeeper's own limit on a packet is 1 MiB (jute.maxbuffer); a long directory listing may exceed it a little. */
const LONGEST_FRAME = 4 << 20;

/** The peer sent what is no ZooKeeper frame. */
export class BadFrameError extends Error {}

/**
 * Cuts a connection's bytes into whole frames, length prefix included. One instance a connection: what is left
 * over from a broken one must never be put before the bytes of the next.
 */
export class FrameSplitter {
  #pending: Buffer = Buffer.alloc(0);

  /**
   * @returns the frames that are whole now, none to many
   * @throws BadFrameError on a length that no ZooKeeper server sends; the connection is of no use then
   */
  push(chunk: Buffer): Buffer[] {
    let rest = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    const frames: Buffer[] = [];
    while (rest.length >= 4) {
      const length = rest.readInt32BE(0);
      if (length < SHORTEST_FRAME || length > LONGEST_FRAME) {
        throw new BadFrameError(
          `expected a ZooKeeper reply of ${SHORTEST_FRAME} to ${LONGEST_FRAME} bytes, got the length ${length}: is this a ZooKeeper client port?`,
        );
      }
      if (rest.length < length + 4) break;
      frames.push(rest.subarray(0, length + 4));
      rest = rest.subarray(length + 4);
    }
    this.#pending = rest;
    return frames;
  }
}
