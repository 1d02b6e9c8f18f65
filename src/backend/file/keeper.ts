import { type LockexError, ServiceUnreachableError } from '../../util/errors.js';
import type { Claim } from '../contract.js';
import type { Entry } from './entry.js';
import { cannotLock, noProgram } from './file-errors.js';
import { type Ended, type HelperProcess, startHelper } from './helper.js';
import { kindOfNote, kindTag } from './layout.js';
import { KEEPER, KEEPER_EXIT } from './scripts.js';
import type { FileSettings } from './settings.js';

/** The first descriptor of the slots in the keeper; see the script. */
const FIRST_SLOT_FD = 10;

/** How coming in went. Only in the first two cases is there a keeper that stays. */
export type CameIn =
  | { readonly how: 'held'; readonly slot: number }
  | { readonly how: 'waiting' }
  | { readonly how: 'busy' }
  | { readonly how: 'stale' }
  | { readonly how: 'wrong-kind'; readonly found: string };

/** The environment of a process that waits for a slot: by it, the keeper finds it when the supervisor has died. */
export function waiterMark(entry: Entry): { readonly LOCKEX_WAITER: string } {
  return { LOCKEX_WAITER: entry.id };
}

/** The process that keeps a contender's locks beside the supervisor, and after it. */
export class Keeper {
  readonly #helper: HelperProcess;
  readonly #entry: Entry;
  readonly #settings: FileSettings;
  readonly #lines: string[] = [];
  #listener: ((line: string) => void) | undefined;
  /** How it came in. Rejects with a `LockexError`. */
  readonly cameIn: Promise<CameIn>;

  constructor(entry: Entry, claim: Claim, once: boolean, settings: FileSettings) {
    this.#entry = entry;
    this.#settings = settings;
    const args = [
      entry.dir,
      entry.noteName,
      kindTag(claim.permits),
      claim.mode === 'shared' ? '-s' : '-x',
      String(claim.permits),
      claim.treeId ?? '',
      `LOCKEX_WAITER=${waiterMark(entry).LOCKEX_WAITER}`,
      once ? 'once' : '',
      settings.boot,
    ];
    const unused = Array.from({ length: FIRST_SLOT_FD - 4 }, () => 'ignore' as const);
    const stdio = ['pipe' as const, 'pipe' as const, entry.noteFd, ...unused, ...entry.slotFds];
    this.#helper = startHelper('/bin/sh', ['-c', KEEPER, 'lockex-keeper', ...args], stdio, settings);
    this.#readLines();
    this.cameIn = this.#line().then((line) => this.#readAnswer(line));
    this.cameIn.catch(() => {});
  }

  get pid(): number | undefined {
    return this.#helper.child.pid;
  }

  /** It has ended; never rejects. */
  get gone(): Promise<unknown> {
    return this.#helper.ended.catch(() => {});
  }

  /** Gives back what was won beside this slot; false when the keeper has died. */
  async keep(slot: number): Promise<boolean> {
    this.#helper.child.stdin?.write(`keep ${FIRST_SLOT_FD + slot}\n`);
    return (await this.#line()) === 'kept';
  }

  /**
   * Unlocks the slot and leaves, cleaning up.
   * @returns whether it did: not if it had died before
   */
  async leave(slot: number | undefined): Promise<boolean> {
    this.#helper.child.stdin?.end(`leave ${slot === undefined ? '' : FIRST_SLOT_FD + slot}\n`);
    const { code } = await this.#helper.ended.catch(() => ({ code: null }));
    // An early end with one of these came after the same cleaning.
    const clean: readonly (number | null)[] = [
      KEEPER_EXIT.left,
      KEEPER_EXIT.busy,
      KEEPER_EXIT.stale,
      KEEPER_EXIT.wrongKind,
    ];
    return clean.includes(code);
  }

  kill(): void {
    this.#helper.child.kill('SIGKILL');
  }

  #readLines(): void {
    let rest = '';
    this.#helper.child.stdout?.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const listener = this.#listener;
        this.#listener = undefined;
        if (listener) listener(line);
        else this.#lines.push(line);
      }
    });
  }

  /** The next line, or `undefined` when there is none any more. Rejects when it could not be started. */
  #line(): Promise<string | undefined> {
    const line = this.#lines.shift();
    if (line !== undefined) return Promise.resolve(line);
    return new Promise((resolve, reject) => {
      this.#listener = resolve;
      this.#helper.ended.then(() => resolve(this.#lines.shift()), reject);
    });
  }

  async #readAnswer(line: string | undefined): Promise<CameIn> {
    const [word, rest = ''] = line?.split(' ') ?? [];
    if (word === 'held') return { how: 'held', slot: Number(rest) - FIRST_SLOT_FD };
    if (word === 'waiting') return { how: 'waiting' };
    if (word === 'kind') return { how: 'wrong-kind', found: kindOfNote(rest) ?? rest };
    const ended = await this.#helper.ended;
    if (ended.code === KEEPER_EXIT.busy) return { how: 'busy' };
    if (ended.code === KEEPER_EXIT.stale) return { how: 'stale' };
    throw this.#failure(ended);
  }

  #failure({ code, said }: Ended): LockexError {
    if (code === KEEPER_EXIT.noFlock) return noProgram('flock', this.#settings.programs);
    if (code === KEEPER_EXIT.cannotLock) return cannotLock(this.#entry.dir, said);
    if (code === KEEPER_EXIT.gateStuck) {
      return new ServiceUnreachableError(`${this.#entry.dir} has been locked by a stopped process for 10 s`, {
        hint: `"fuser -v ${this.#entry.dir}" shows which`,
      });
    }
    return new ServiceUnreachableError(`the keeper of the lock ended (status ${code}): ${said.trim()}`);
  }
}
