import { fileURLToPath } from 'node:url';
import { messageOf, UsageError } from '../util/errors.js';
import type { LockBackend } from './contract.js';
import type { FileOptions } from './file/index.js';
import type { MemoryService } from './memory/index.js';
import type { ZooKeeperOptions } from './zookeeper/index.js';

/** What a session is opened with; a service takes from it what it has a use for. */
export type OpenOptions = ZooKeeperOptions & Pick<FileOptions, 'askOnly'>;

type Open = (url: string, options: OpenOptions, signal: AbortSignal) => Promise<LockBackend>;

/** By scheme. Each is loaded when it is asked for: nobody waits for the code of a service that is not used. */
const BACKENDS: ReadonlyMap<string, Open> = new Map([
  ['zk', openZk],
  ['zookeeper', openZk],
  ['file', openFileUrl],
  ['memory', openMemory],
]);

/**
 * Opens a session with the lock service at `url`.
 * - `zk://host:port,…[/chroot]`, also `zookeeper://`
 * - `file:///directory`: between the processes of this host
 * - `memory:` or `memory:name`: within this process; one name is one service
 *
 * @throws UsageError for a URL that names no service, and what the service's own open throws
 */
export async function openBackend(
  url: string,
  options: OpenOptions,
  signal: AbortSignal,
): Promise<LockBackend> {
  signal.throwIfAborted();
  const scheme = /^[A-Za-z][A-Za-z0-9+.-]*(?=:)/.exec(url)?.[0].toLowerCase();
  const open = scheme === undefined ? undefined : BACKENDS.get(scheme);
  if (open === undefined) {
    const known = [...BACKENDS.keys()].map((name) => `${name}:`).join(' ');
    // The rest of the URL may hold a password.
    const got = scheme === undefined ? 'one without a scheme' : `${scheme}:`;
    throw new UsageError(`expected a URL that begins with one of ${known}, got ${got}`);
  }
  return open(url, options, signal);
}

async function openFileUrl(url: string, { clock, log, askOnly = false }: OpenOptions): Promise<LockBackend> {
  const path = filePath(url);
  const { openFile } = await import('./file/index.js');
  return openFile(path, { clock, log, askOnly });
}

/** The services of this process: what is shared by all its sessions is made once. */
const memoryServices = new Map<string, MemoryService>();

async function openMemory(url: string): Promise<LockBackend> {
  const { MemoryBackend, MemoryService } = await import('./memory/index.js');
  const name = url.slice('memory:'.length);
  const service = memoryServices.get(name) ?? new MemoryService();
  memoryServices.set(name, service);
  return new MemoryBackend(service);
}

async function openZk(url: string, options: OpenOptions, signal: AbortSignal): Promise<LockBackend> {
  const [, address] = /^[^:]+:\/\/(.*)$/s.exec(url) ?? [];
  if (address === undefined) {
    throw new UsageError(`expected zk://host:port, got ${JSON.stringify(url)}`, {
      hint: 'two slashes, then the host',
    });
  }
  const { openZooKeeper } = await import('./zookeeper/index.js');
  return openZooKeeper(address, options, signal);
}

/**
 * The directory that a `file:` URL names.
 * @throws UsageError when it is not absolute, or is on another host
 */
export function filePath(url: string): string {
  const refuse = (hint: string, cause?: unknown) =>
    new UsageError(`expected file:///directory, got ${JSON.stringify(url)}`, { hint, cause });
  if (!/^file:\/\/\//i.test(url))
    throw refuse('three slashes: the directory is an absolute path on this host');
  if (/[?#]/.test(url)) throw refuse('"?" and "#" in a path are written %3F and %23');
  try {
    return fileURLToPath(url);
  } catch (error) {
    throw refuse(messageOf(error), error);
  }
}
