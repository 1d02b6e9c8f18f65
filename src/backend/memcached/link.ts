import type { MemcacheNode } from 'memcache';
import type { Clock } from '../../util/clock.js';
import { messageOf, NotPermittedError, UsageError } from '../../util/errors.js';
import { type Found, readValue } from './value.js';

/** What came of a write or removal that named what it expected to find. */
export type Swapped =
  | { readonly how: 'done'; readonly cas: string }
  /** Something else is there. */
  | { readonly how: 'changed' }
  | { readonly how: 'gone' };

/** What a server says of itself. */
interface Facts {
  readonly uptimeSeconds: number;
  readonly evictions: number;
  readonly receivedAt: number;
}

/**
 * One TCP connection with one server *process*: a restart ends it, and cas numbers and the server's age are good for
 * as long as it lasts. It is never used again after an error: the library's own `reconnect` lets the end of the old
 * socket fail what is asked over the new one.
 *
 * The commands are those of the meta protocol, since a `cas` of the library is of no use: its `gets` does not ask for
 * the number. Removing by cas (`md … C`) exists only there, too.
 */
export class Link {
  readonly #node: MemcacheNode;
  readonly facts: Facts;

  private constructor(node: MemcacheNode, facts: Facts) {
    this.#node = node;
    this.facts = facts;
  }

  /**
   * Connects, and asks the server what it is.
   * @throws UsageError for a server that is too old, or has no cas; NotPermittedError for one that wants credentials
   */
  static async open(node: MemcacheNode, clock: Clock): Promise<Link> {
    await node.connect();
    const [version, stats, settings] = await whatItIs(node);
    const receivedAt = clock.now();
    if (!speaksMeta(version)) {
      throw new UsageError(`memcached ${node.id}: expected version ${OLDEST} or later, got ${version}`);
    }
    if (settings.get('cas_enabled') === 'no') {
      throw new UsageError(
        `memcached ${node.id}: expected a server with cas, got one that was started with -C`,
        {
          hint: 'without cas a lock cannot be renewed or given back safely: start memcached without -C',
        },
      );
    }
    const evictions = Number(stats.get('evictions') ?? 0);
    return new Link(node, { uptimeSeconds: uptimeOf(stats), evictions, receivedAt });
  }

  /** What the server's clock says, in whole seconds since its start. */
  async uptime(): Promise<number> {
    return uptimeOf(await statistics(this.#node, 'stats'));
  }

  /** Writes the key if it is not there. @returns the number of what was written, or `undefined` when it is there */
  async add(key: string, value: string, seconds: number): Promise<string | undefined> {
    const [code, , cas] = await this.#write(key, value, `ME T${seconds}`);
    if (code === 'HD' && cas !== undefined) return cas;
    if (code === 'NS') return undefined;
    throw unexpected('ms', code);
  }

  /** Writes the key if it is still what `cas` numbers. */
  async replace(key: string, value: string, seconds: number, cas: string): Promise<Swapped> {
    const [code, , now] = await this.#write(key, value, `C${cas} T${seconds}`);
    return swapped('ms', code, now);
  }

  /** Removes the key if it is still what `cas` numbers. */
  async remove(key: string, cas: string): Promise<Swapped> {
    const [code] = tokens(await this.#command(`md ${key} C${cas}`));
    return swapped('md', code, cas);
  }

  /**
   * The key as it is. The number comes first and the text after it: whoever then names that number to `replace` or
   * `remove` acts on this text or on nothing, since a number is never used twice.
   */
  async read(key: string): Promise<Found | undefined> {
    const [head, body] = await Promise.all([
      this.#command(`mg ${key} c t`),
      this.#node.command(`get ${key}`, { isMultiline: true, requestedKeys: [key] }) as Promise<unknown>,
    ]);
    const text = textOf(body);
    const [code, left, cas] = tokens(head);
    if (text === undefined || code === 'EN') return undefined;
    if (code !== 'HD' || cas === undefined) throw unexpected('mg', code);
    return { value: readValue(text), cas, left: Number(left) };
  }

  /** Whatever was asked and is not answered yet fails. */
  close(): void {
    // It destroys the socket, and has nothing that could fail.
    void this.#node.disconnect();
  }

  async #write(key: string, value: string, flags: string) {
    const length = Buffer.byteLength(value);
    return tokens(await this.#command(`ms ${key} ${length} ${flags} c\r\n${value}`));
  }

  #command(command: string): Promise<unknown> {
    return this.#node.command(command);
  }
}

/** The meta commands have had these names, flags and answers from here on. */
const OLDEST = '1.6.12';

function speaksMeta(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  return major > 1 || (major === 1 && (minor > 6 || (minor === 6 && patch >= 12)));
}

type Statistics = ReadonlyMap<string, string>;

/** Its version, its statistics and its settings, asked for at once. */
async function whatItIs(
  node: MemcacheNode,
): Promise<readonly [version: string, stats: Statistics, settings: Statistics]> {
  try {
    return await Promise.all([
      versionOf(node),
      statistics(node, 'stats'),
      statistics(node, 'stats settings'),
    ]);
  } catch (error) {
    if (!/unauthenticated/i.test(messageOf(error))) throw error;
    throw new NotPermittedError(
      `memcached ${node.id} asks for credentials, and lockex has none for memcached`,
      { cause: error },
    );
  }
}

/** Asked first, since the library hands out any line as its answer: of what answers and is no memcached, that tells more. */
async function versionOf(node: MemcacheNode): Promise<string> {
  const line = String(await node.command('version'));
  const [, version] = /^VERSION (\S+)/.exec(line) ?? [];
  if (version !== undefined) return version;
  throw new Error(`${JSON.stringify(line.slice(0, SHOWN))}, which is not what memcached answers`);
}

/** How much, characters, is shown of an answer that makes no sense. */
const SHOWN = 60;

async function statistics(node: MemcacheNode, command: string): Promise<Statistics> {
  const stats: unknown = await node.command(command, { isStats: true });
  return new Map(Object.entries(stats ?? {}).map(([name, value]) => [name, String(value)]));
}

function uptimeOf(stats: Statistics): number {
  const uptime = Number(stats.get('uptime'));
  if (Number.isFinite(uptime)) return uptime;
  throw new Error('statistics without an uptime, which is not what memcached answers');
}

/** `HD t15 c7` as its code, its time left and its number, wherever they stand. */
function tokens(line: unknown): readonly [code: string, left: string | undefined, cas: string | undefined] {
  const [code = '', ...flags] = String(line).split(' ');
  const flag = (letter: string) => flags.find((each) => each.startsWith(letter))?.slice(1);
  return [code, flag('t'), flag('c')];
}

function swapped(command: string, code: string, cas: string | undefined): Swapped {
  if (code === 'HD' && cas !== undefined) return { how: 'done', cas };
  if (code === 'EX') return { how: 'changed' };
  if (code === 'NF') return { how: 'gone' };
  throw unexpected(command, code);
}

/** The library hands out `{ values, foundKeys }` for what it found. */
function textOf(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null || !('values' in body)) return undefined;
  const { values } = body;
  const text: unknown = Array.isArray(values) ? values[0] : undefined;
  return typeof text === 'string' ? text : undefined;
}

function unexpected(command: string, code: string): Error {
  return new Error(`memcached answered ${JSON.stringify(code)} to ${command}`);
}
