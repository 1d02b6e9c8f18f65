/** `closeSession` of ZooDefs.OpCode. */
const CLOSE_SESSION = -11;
/** The xid of the one request. */
const XID = 1;

/**
 * What ends a session when it is sent over a fresh connection: a ConnectRequest that takes the session over, and behind it
 * the request to close it (zookeeper.jute). The server reads no further before the session is reopened, so that both can be
 * sent at once.
 * @param id the session's
 * @param password the session's; who has it can act as the session
 * @param ttlMs its timeout
 */
export function farewellBytes(id: bigint, password: Buffer, ttlMs: number): Buffer {
  // protocolVersion, lastZxidSeen, timeOut, sessionId, the password with its length, readOnly.
  const connect = Buffer.alloc(4 + 8 + 4 + 8 + 4 + password.length + 1);
  // No zxid seen: a server that lags behind is as good as any.
  connect.writeInt32BE(ttlMs, 12);
  connect.writeBigUInt64BE(id, 16);
  connect.writeInt32BE(password.length, 24);
  password.copy(connect, 28);
  const close = Buffer.alloc(8);
  close.writeInt32BE(XID, 0);
  close.writeInt32BE(CLOSE_SESSION, 4);
  return Buffer.concat([connect, close].map(frame));
}

/** The header of the reply to the request, with no error; what goes before it answers the ConnectRequest. */
export const TAKEN = new RegExp(String.raw`\x00\x00\x00\x10\x00\x00\x00\x0${XID}.{8}\x00\x00\x00\x00$`, 's');

function frame(body: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length);
  return Buffer.concat([length, body]);
}
