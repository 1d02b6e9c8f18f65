import { connect } from 'node:net';

/** The lines of `redis.conf` for a server that keeps every acknowledged write. */
export function redisConfig(port: number, dir: string): string {
  return [
    'bind 127.0.0.1',
    `port ${port}`,
    `dir ${dir}`,
    'daemonize no',
    'appendonly yes',
    'appendfsync always',
    'save ""',
    '',
  ].join('\n');
}

/** The end of one reply, and the reply to QUIT. */
const GOODBYE = '\r\n+OK\r\n';

/**
 * Sends one inline command over a connection of its own; resolves to the whole reply as it came over the wire,
 * `+OK` or `$5\r\nhello`. Rejects when nobody listens.
 */
export function ask(port: number, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    const chunks: Buffer[] = [];
    // The server answers both in order and closes: the end of the stream is the end of the reply.
    socket.on('connect', () => socket.write(`${command}\r\nQUIT\r\n`));
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', reject);
    socket.on('close', () => {
      const reply = Buffer.concat(chunks).toString('utf8');
      if (reply.endsWith(GOODBYE)) resolve(reply.slice(0, -GOODBYE.length));
      else reject(new Error(`no whole reply to ${command} from port ${port}: ${reply}`));
    });
    socket.setTimeout(5_000, () => socket.destroy(new Error(`no answer to ${command} from port ${port}`)));
  });
}

/** The pid of the server that listens. */
export async function serverPid(port: number): Promise<number> {
  return Number(/^process_id:(\d+)/m.exec(await ask(port, 'INFO server'))?.[1]);
}

/** One server's life as its log tells it: from its first line to its last, ms since 1970. */
export interface Life {
  readonly pid: number;
  readonly from: number;
  /** Infinite for one that has not said goodbye. */
  readonly to: number;
}

/** `1234:M 21 Nov 2026 05:48:01.234 * Ready to accept connections`, in UTC. */
const LINE = /^(\d+):[A-Z] (\d+ \w+ \d+) ([\d:.]+) . (.*)$/gm;

/** The lives in the log of redis-servers that ran one after the other. */
export function livesIn(log: string): readonly Life[] {
  const lives = new Map<number, Life>();
  for (const [, pid, date, time, text = ''] of log.matchAll(LINE)) {
    const at = Date.parse(`${date} ${time} UTC`);
    const life = lives.get(Number(pid)) ?? { pid: Number(pid), from: at, to: Number.POSITIVE_INFINITY };
    lives.set(life.pid, text.includes('bye bye') ? { ...life, to: at } : life);
  }
  return [...lives.values()];
}

/** The pairs of lives that have a moment in common. */
export function overlaps(lives: readonly Life[]): readonly (readonly [Life, Life])[] {
  const sorted = [...lives].sort((a, b) => a.from - b.from);
  return sorted.flatMap((life, index) =>
    sorted.slice(index + 1).flatMap((later) => (later.from < life.to ? [[life, later] as const] : [])),
  );
}
