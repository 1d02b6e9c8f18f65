import { UsageError } from '../../util/errors.js';
import type { Identity } from '../contract.js';

/**
 * The data of a contender's node: `host:pid`, as the Python lockex writes it, then a space and the command.
 * Readable by whoever may read the node; nothing secret is in it.
 */
export function encodeIdentity(identity: Identity): Buffer {
  return Buffer.from(`${identity.host}:${identity.pid} ${identity.command}`, 'utf8');
}

/** Reads a contender's data, ours or another program's; what cannot be read is left out. */
export function decodeIdentity(data: Buffer | undefined): Partial<Identity> {
  const text = data?.toString('utf8') ?? '';
  const match = /^(\S+):(\d+)(?: (.*))?$/s.exec(text);
  if (match === null) return text === '' ? {} : { command: text };
  const [, host = '', pid, command] = match;
  return { host, pid: Number(pid), ...(command === undefined ? {} : { command }) };
}

/** The data of a semaphore's node: the number of permits as text, as kazoo's `Semaphore` writes it. */
export function encodeLimit(permits: number): Buffer {
  return Buffer.from(String(permits), 'utf8');
}

/**
 * What the data of a resource's node says about its kind: a number of permits, nothing (a lock, or a node that
 * nobody has used as a semaphore yet), or something else that is not ours to change.
 */
export type Limit = { readonly permits: number } | 'none' | { readonly foreign: string };

/** Reads the data of a resource's node. */
export function decodeLimit(data: Buffer | undefined): Limit {
  const text = data?.toString('utf8').trim() ?? '';
  if (text === '') return 'none';
  return /^\d{1,9}$/.test(text) ? { permits: Number(text) } : { foreign: text.slice(0, 40) };
}

/**
 * The node of a resource.
 * @throws UsageError when a segment is no node name, or is one that what stands beside a resource would use
 */
export function resourcePath(chroot: string, resource: string): string {
  const bad = resource
    .split('/')
    .find(
      (segment) => /^\.{0,2}$|-__(lock|unreleased|held)__$/.test(segment) || [...segment].some(isRefused),
    );
  if (bad !== undefined) {
    throw new UsageError(
      `lock path and id: expected plain names that do not end in "-__lock__", "-__unreleased__" or "-__held__", got ${JSON.stringify(bad)} in ${JSON.stringify(resource)}`,
    );
  }
  return `${chroot}/${resource}`;
}

/** Where contenders for a permit queue up, beside the semaphore's own node: kazoo's name for it. */
export function semaphoreQueuePath(path: string): string {
  return `${path}-__lock__`;
}

/** Where the markers of a resource's holders are, beside its own node. */
export function unreleasedPath(path: string): string {
  return `${path}-__unreleased__`;
}

/** Where the markers of minimum holds are, beside a resource's own node. */
export function heldPath(path: string): string {
  return `${path}-__held__`;
}

/** Characters that ZooKeeper refuses in paths (PathUtils.validatePath): half of each beyond the first plane is one. */
function isRefused(character: string): boolean {
  const code = character.codePointAt(0) ?? 0;
  return (
    code <= 0x1f || (code >= 0x7f && code <= 0x9f) || (code >= 0xd800 && code <= 0xf8ff) || code >= 0xfff0
  );
}
