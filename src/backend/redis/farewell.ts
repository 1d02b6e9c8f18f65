import type { Place } from './contend.js';
import { LEAVE } from './scripts.js';

export interface FarewellOf {
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly db: number;
  readonly places: readonly Pick<Place, 'keys' | 'owner'>[];
}

/**
 * What takes our locks and our places among the waiters away when it is sent over a fresh connection (RESP2). The server
 * answers in order and hangs up after QUIT. A minimum hold stays.
 */
export function farewellBytes({ user, password, db, places }: FarewellOf): Buffer {
  const login = password === undefined ? [] : [['AUTH', ...(user === undefined ? [] : [user]), password]];
  const select = db === 0 ? [] : [['SELECT', String(db)]];
  const leave = places.map(({ keys, owner }) => [
    ...['EVAL', LEAVE, '3', keys.lock, keys.hold, keys.waiters],
    ...[owner, keys.channel, 'release'],
  ]);
  return Buffer.concat([...login, ...select, ...leave, ['QUIT']].map(command));
}

/** One answer of LEAVE's for each of so many places, and the one to QUIT. A login that was not asked for says so before. */
export function taken(places: number): RegExp {
  return new RegExp(String.raw`(?:\$4\r\nleft\r\n){${places}}\+OK\r\n$`);
}

function command(words: readonly string[]): Buffer {
  const bulks = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  return Buffer.from(`*${words.length}\r\n${bulks.join('')}`);
}
