import { connect, type Socket } from 'node:net';
import { connect as connectSecurely } from 'node:tls';

/** The longest that one server may take to hear a farewell, ms. */
const SERVER_LIMIT_MS = 2000;

/**
 * Gives the lock back: says each of the farewells, all at once, since the next one may have the lock as soon as most servers
 * have heard theirs. Of each it connects to the first address that answers, sends the bytes, waits for the word that it is
 * done. Where that does not come, the next address is tried.
 * @param words as `farewellWords` makes them
 * @returns what became of it, for a log line; never rejects
 */
export async function sayFarewells(words: readonly string[]): Promise<string> {
  const calls = [...callsOf(words)];
  if (calls.length === 0) return 'nothing to give back';
  const heard = await Promise.all(calls.map(say));
  const at = heard.filter((address) => address !== undefined);
  if (at.length === 0) return 'no server took the lock back: it ends with the session';
  return `gave the lock back at ${at.join(', ')}`;
}

interface Call {
  readonly bytes: Buffer;
  readonly tls: string;
  readonly taken: RegExp;
  readonly addresses: readonly Address[];
}

interface Address {
  readonly host: string;
  readonly port: number;
}

function* callsOf(words: readonly string[]): Iterable<Call> {
  let rest = words;
  while (rest.length > 0) {
    const [hex = '', tls = '', taken = '', count = ''] = rest;
    const end = 4 + 2 * Number(count);
    const addresses: Address[] = [];
    for (let at = 4; at < end; at += 2) addresses.push({ host: rest[at] ?? '', port: Number(rest[at + 1]) });
    yield { bytes: Buffer.from(hex, 'hex'), tls, taken: new RegExp(taken, 's'), addresses };
    rest = rest.slice(end);
  }
}

/** @returns the address that took it, if one did */
async function say(call: Call): Promise<string | undefined> {
  for (const address of call.addresses) {
    if (await heard(call, address)) return `${address.host}:${address.port}`;
  }
  return undefined;
}

function heard({ bytes, tls, taken }: Call, { host, port }: Address): Promise<boolean> {
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
