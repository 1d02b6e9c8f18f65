import { connect, type Socket } from 'node:net';
import { connect as connectSecurely } from 'node:tls';

/** The longest that one server may take to hear a farewell, ms. */
const SERVER_LIMIT_MS = 2000;

/**
 * Gives the lock back: connects to the first address that answers, sends the bytes, waits for the word that it is
 * done. Where that does not come, the next one is tried.
 * @param words as `farewellWords` makes them
 * @returns what became of it, for a log line; never rejects
 */
export async function sayFarewell([
  hex,
  tls = '',
  taken = '',
  ...addresses
]: readonly string[]): Promise<string> {
  if (!hex) return 'nothing to give back';
  for (let at = 0; at + 1 < addresses.length; at += 2) {
    const [host = '', port = ''] = addresses.slice(at, at + 2);
    if (
      await heard({
        host,
        port: Number(port),
        tls,
        bytes: Buffer.from(hex, 'hex'),
        taken: new RegExp(taken, 's'),
      })
    )
      return `gave the lock back at ${host}:${port}`;
  }
  return 'no server took the lock back: it ends with the session';
}

interface Call {
  readonly host: string;
  readonly port: number;
  readonly tls: string;
  readonly bytes: Buffer;
  readonly taken: RegExp;
}

function heard({ host, port, tls, bytes, taken }: Call): Promise<boolean> {
  return new Promise((resolve) => {
    const socket: Socket = tls
      ? connectSecurely({ host, port, ...JSON.parse(tls) })
      : connect({ host, port });
    let answer = '';
    const end = (done: boolean) => {
      socket.destroy();
      resolve(done);
    };
    socket.setEncoding('latin1');
    socket.setTimeout(SERVER_LIMIT_MS, () => end(false));
    socket.once(tls ? 'secureConnect' : 'connect', () => socket.write(bytes));
    socket.on('data', (chunk: string) => {
      answer += chunk;
      if (taken.test(answer)) end(true);
    });
    socket.once('end', () => end(false));
    socket.once('error', () => end(false));
  });
}
