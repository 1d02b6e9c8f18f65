import { connect } from 'node:net';

/**
 * Sends a four-letter word to a ZooKeeper server and resolves to the whole answer.
 * Rejects when the server is not there, or has not answered within `limitMs` (a frozen one).
 */
export function fourLetter(port: number, word: string, limitMs = 2_000): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    const chunks: Buffer[] = [];
    const timer = setTimeout(() => {
      socket.destroy(new Error(`no answer to ${word} from port ${port} within ${limitMs} ms`));
    }, limitMs);
    socket.on('connect', () => socket.write(word));
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(Buffer.concat(chunks).toString('utf8'));
    });
  });
}

/** A server's part. */
export type ServerMode = 'leader' | 'follower' | 'standalone';

/** What `srvr` says about the part; `undefined` for a server that is not serving. */
export function parseMode(srvr: string): ServerMode | undefined {
  const mode = /^Mode: (\w+)$/m.exec(srvr)?.[1];
  return mode === 'leader' || mode === 'follower' || mode === 'standalone' ? mode : undefined;
}

/** How many watches a server holds: what `wchs` says. */
export interface WatchCount {
  readonly connections: number;
  readonly paths: number;
  readonly total: number;
}

/** Reads the answer to `wchs`. */
export function parseWatchCount(wchs: string): WatchCount {
  const match = /^(\d+) connections watching (\d+) paths\nTotal watches:(\d+)$/m.exec(wchs);
  if (match === null) throw new Error(`expected the answer to wchs, got: ${wchs}`);
  return { connections: Number(match[1]), paths: Number(match[2]), total: Number(match[3]) };
}

/** Reads the answer to `wchp`: the sessions that watch each path. */
export function parseWatchers(wchp: string): ReadonlyMap<string, readonly string[]> {
  const watchers = new Map<string, string[]>();
  let sessions: string[] = [];
  for (const line of wchp.split('\n')) {
    if (line.startsWith('/')) {
      sessions = [];
      watchers.set(line, sessions);
    } else if (line.startsWith('\t')) {
      sessions.push(line.trim());
    }
  }
  return watchers;
}
