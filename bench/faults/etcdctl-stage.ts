import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { until } from '../../src/testing/until.js';
import { Daemon } from '../../test/helpers/daemon.js';
import { freePort } from '../../test/helpers/ports.js';
import { startProxy } from '../../test/helpers/proxy.js';
import { Run } from '../../test/helpers/run.js';
import { tempDir } from '../../test/helpers/temp.js';
import { SESSION_S, type Stage } from './stage.js';
import type { Place } from './witness.js';

const run = promisify(execFile);

/** `etcdctl version: 3.4.23` → `3.4.23`; rejects when it is not installed (`bench/install.sh`). */
export async function etcdctlVersion(): Promise<string> {
  const { stdout } = await run('etcdctl', ['version']);
  return /version:\s*(\S+)/.exec(stdout)?.[1] ?? stdout.trim();
}

/** One server; the holder reaches it through a proxy that can go silent. */
export async function etcdServer(): Promise<Stage> {
  const dir = await tempDir('etcd');
  const [client, peer] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
  const server = Daemon.start(
    'etcd',
    [
      ...['--name', 'bench', '--data-dir', dir.join('data')],
      ...['--listen-client-urls', `http://${client}`, '--advertise-client-urls', `http://${client}`],
      ...['--listen-peer-urls', `http://${peer}`, '--initial-advertise-peer-urls', `http://${peer}`],
      ...['--initial-cluster', `bench=http://${peer}`],
    ],
    { logFile: dir.join('log') },
  );
  const proxy = await startProxy(client, { protocol: 'raw' });
  const hosts: Record<Place, string> = { holder: proxy.address, next: client };
  const stage: Stage = {
    contend: async (place, lock, command) =>
      new Run('etcdctl', [
        ...['--endpoints', hosts[place], 'lock', '--ttl', String(SESSION_S), lock],
        ...command,
      ]),
    inLine: async (_, lock) => {
      const keys = ['--endpoints', client, 'get', '--prefix', '--keys-only', `${lock}/`];
      await until(
        async () => (await run('etcdctl', keys)).stdout.trim().split(/\n+/).length === 2,
        'the second etcdctl is in line',
      );
    },
    cut: () => {
      proxy.mode = 'blackhole';
    },
    heal: () => {
      proxy.mode = 'pass';
    },
    [Symbol.asyncDispose]: async () => {
      await proxy[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
      await dir[Symbol.asyncDispose]();
    },
  };
  try {
    await until(async () => (await fetch(`http://${client}/health`)).ok, 'etcd serves');
    return stage;
  } catch (cause) {
    const log = server.log(20);
    await stage[Symbol.asyncDispose]();
    throw new Error(`etcd did not come up; its log ends:\n${log}`, { cause });
  }
}
