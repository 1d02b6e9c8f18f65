import { type Client, createClient, Exception } from 'node-zookeeper-client';

/** States of the library's connection manager. */
export const STATE = {
  disconnected: 0,
  connecting: 1,
  connected: 2,
  closing: -1,
  closed: -2,
  expired: -3,
  refused: -4,
} as const;

/** The private members that are replaced, called or set; 1.1.3 is pinned because they are private. */
const METHODS = [
  'connect',
  'onSocketConnected',
  'onSocketData',
  'onSocketDrain',
  'onSocketClosed',
  'onSocketTimeout',
  'setState',
  'updateTimeout',
  'cleanupPendingQueue',
] as const;

/**
 * `Exception.create` throws on codes it does not know (-118, -125, -127…), inside the socket's data handler,
 * which ends the process. Made total here, once for the one copy of the library in this process.
 */
const createKnown = Exception.create;
Exception.create = (code, path) => {
  try {
    return createKnown(code, path);
  } catch {
    const stand_in = createKnown(-1, path);
    stand_in.code = code;
    return stand_in;
  }
};

/**
 * A client of the library whose servers, connecting and reading are still to be replaced by a `Connection`.
 * @throws Error when the library is not the one that the hardening was made for
 */
export function createLibraryClient(ttlMs: number): Client {
  // The address is a stand-in: the library's own parser is never used. Retries stay 0: a create that is
  // retried blindly makes more than one node.
  const client = createClient('127.0.0.1:1', { sessionTimeout: ttlMs, spinDelay: 0, retries: 0 });
  const manager = client.connectionManager;
  for (const method of METHODS) {
    if (typeof manager[method] !== 'function') {
      throw new Error(`node-zookeeper-client is not version 1.1.3: it has no connectionManager.${method}`);
    }
  }
  // The server never counts a reply to xid 0, so that the session has one request outstanding for ever.
  manager.xid = 1;
  return client;
}
