import net from 'node:net';
import { parseEnsemble } from '../../../src/backend/zookeeper/hosts.js';
import { Session } from '../../../src/backend/zookeeper/session.js';
import type { SessionOptions } from '../../../src/backend/zookeeper/session-options.js';
import { systemClock } from '../../../src/util/clock.js';
import { silentLog } from '../../../src/util/log.js';

export const never = new AbortController().signal;

/** Options of a session as a test wants them: servers tried in the order given, unless told otherwise. */
export function sessionOptions(address: string, part: Partial<SessionOptions> = {}): SessionOptions {
  return {
    ensemble: parseEnsemble(address),
    ttlMs: 2000,
    connectLimitMs: 10_000,
    connectAttempts: Number.POSITIVE_INFINITY,
    digest: undefined,
    acl: 'open',
    tls: undefined,
    clock: systemClock,
    random: () => 0,
    log: silentLog,
    ...part,
  };
}

/** An open session that is closed at the end of the scope. */
export async function openSession(
  address: string,
  part: Partial<SessionOptions> = {},
): Promise<Session & AsyncDisposable> {
  const session = await Session.open(sessionOptions(address, part), never);
  return Object.assign(session, { [Symbol.asyncDispose]: () => session.close() });
}

/** A server that a test plays byte by byte. */
export interface PlayedServer extends AsyncDisposable {
  readonly address: string;
  readonly accepted: () => number;
}

/** @param play called with each connection and its number, from 1 */
export async function playServer(play: (socket: net.Socket, number: number) => void): Promise<PlayedServer> {
  const sockets = new Set<net.Socket>();
  let accepted = 0;
  const server = net.createServer((socket) => {
    accepted += 1;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    play(socket, accepted);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const at = server.address();
  const port = typeof at === 'object' && at !== null ? at.port : 0;
  return {
    address: `127.0.0.1:${port}`,
    accepted: () => accepted,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
