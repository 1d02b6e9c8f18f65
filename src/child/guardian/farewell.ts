import { connect, type Socket } from 'node:net';
import { connect as connectSecurely } from 'node:tls';

/** The longest that one server may take to hear a farewell, ms. */
const SERVER_LIMIT_MS = 2000;

/**
 * Gives the lock back: connects to the first address that answers, sends the bytes, waits until the other side hangs up.
 * @param words as `farewellWords` makes them
 * @returns what became of it, for a log line; never rejects
 */
export async function sayFarewell([hex, tls, ...addresses]: readonly string[]): Promise<string> {
  if (!hex) return 'nothing to give back';
  for (let at = 0; at + 1 < addresses.length; at += 2) {
    const [host = '', port = ''] = addresses.slice(at, at + 2);
    if (await heard(host, Number(port), tls, Buffer.from(hex, 'hex')))
      return `gave the lock back at ${host}:${port}`;
  }
  return 'no server took the lock back: it ends with the session';
}

function heard(host: string, port: number, tls: string | undefined, bytes: Buffer): Promise<boolean> {
  return new Promise((resolve) => {
    const socket: Socket = tls
      ? connectSecurely({ host, port, ...JSON.parse(tls) })
      : connect({ host, port });
    const end = (done: boolean) => {
      socket.destroy();
      resolve(done);
    };
    socket.setTimeout(SERVER_LIMIT_MS, () => end(false));
    socket.once(tls ? 'secureConnect' : 'connect', () => socket.write(bytes));
    socket.once('end', () => end(true));
    socket.once('error', () => end(false));
    socket.resume();
  });
}
