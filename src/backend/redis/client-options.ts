import type { RedisOptions } from 'ioredis';
import { silenceMs } from './timing.js';

/** How long a connection may take to be made, at least, ms: names are resolved, TLS is agreed on. */
const CONNECT_MS = 1000;

/**
 * How ioredis is to behave: nothing is sent again behind our back, and nothing hangs. What was found in ioredis 6:
 * - A command that is given while there is no connection is kept for later (`enableOfflineQueue`), and one that was
 *   not answered is sent again over the next connection (`autoResendUnfulfilledCommands`): a lock could be granted, or
 *   renewed, long after its caller gave up.
 * - With the second switched off, such a command is forgotten, and its promise never settles; unless
 *   `maxRetriesPerRequest` is 0, which rejects it when the connection closes.
 * - `commandTimeout` rejects a command, and keeps the silent connection. `socketTimeout` ends that: it counts from
 *   a command on and destroys the socket. `disconnect` alone waits for the other side's goodbye for two seconds
 *   (`disconnectTimeout`).
 * - Protocol 3 begins with HELLO, which asks for rights of its own; nothing here needs it.
 */
export function clientOptions(ttlMs: number, random: () => number) {
  return {
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    socketTimeout: Math.round(silenceMs(ttlMs)),
    connectTimeout: Math.max(CONNECT_MS, silenceMs(ttlMs)),
    disconnectTimeout: 100,
    retryStrategy: (times: number) => Math.min(25 * 2 ** Math.min(times, 5), 500) * (0.5 + random() / 2),
    reconnectOnError: null,
    enableReadyCheck: false,
    enableAutoPipelining: false,
    disableClientInfo: true,
    protocol: 2,
    keepAlive: 10_000,
    // The evidence and the farewell name keys in full.
    keyPrefix: '',
  } as const satisfies RedisOptions;
}

/**
 * The same for the connection that listens. Nothing but SUBSCRIBE goes over it, which may well be sent later and again.
 * It may be silent for as long as it likes: waiters look every so often.
 */
export function listenerOptions(ttlMs: number, random: () => number) {
  return {
    ...clientOptions(ttlMs, random),
    enableOfflineQueue: true,
    maxRetriesPerRequest: null,
    autoResubscribe: true,
  } as const satisfies RedisOptions;
}
