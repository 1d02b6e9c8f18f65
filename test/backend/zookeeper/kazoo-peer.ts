import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { until } from '../../../src/testing/until.js';

const SCRIPT = join(import.meta.dirname, '..', '..', 'fixtures', 'kazoo_peer.py');

/** A contender of kazoo itself, in a Python of Debian's. */
export interface KazooPeer extends AsyncDisposable {
  /** Sends one word and returns the answer. */
  ask(word: 'acquire' | 'try' | 'release' | 'contenders'): Promise<string>;
  /** `kill -9`. */
  kill(): void;
}

export async function kazoo(
  hosts: string,
  kind: 'lock' | 'read' | 'write' | 'semaphore',
  path: string,
  identifier: string,
  permits = 1,
): Promise<KazooPeer> {
  const child = spawn('/usr/bin/python3', [SCRIPT, hosts, kind, path, identifier, String(permits)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  const next = () => until(() => lines.length > 0, 'an answer of kazoo').then(() => lines.shift() ?? '');
  await next();
  return {
    ask(word) {
      child.stdin.write(`${word}\n`);
      return next();
    },
    kill: () => child.kill('SIGKILL'),
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await exited;
    },
  };
}
