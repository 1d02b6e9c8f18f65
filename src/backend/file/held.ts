import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Claim, Contender } from '../contract.js';
import { parseNote } from './note.js';
import type { FileSettings } from './settings.js';

/*
 * A minimum hold is a file beside the slots, made by who has won a slot and before the lease is handed out:
 *
 *     held.<slot>.<x, s or p>.<until>.<boot>.<id of the note>
 *
 * Of a lock it is its holder's (`x`) or a reader's (`s`), which keeps writers out only; of a semaphore (`p`) it keeps one
 * slot from those who want a permit, and all from those who want a lock, as a lock's keeps all from the others.
 * `until` is CLOCK_BOOTTIME in hundredths of a second, as /proc/uptime counts, so that no change of the date moves it;
 * `boot` is the boot that it counts from: after another one it binds no more. All that the keeper has to know stands in
 * the name, as it is a shell script; the contents are a note's, for people. One that has passed is removed by who leaves
 * last.
 */

const NAME = /^held\.(\d+)\.([xsp])\.(\d+)\.([0-9a-f-]+)\.([0-9a-f]+)$/;

/** By how much a steady clock may be behind /proc/uptime, hundredths of a second. */
const CLOCK_LAG = 2;

/**
 * By how much a steady clock may be ahead of what /proc/uptime says, ms: that is rounded down. A hold is over for us when it is
 * over for every keeper, or who comes and goes right after it would leave the hold, and its directory, behind.
 */
const CLOCK_LEAD_MS = 10;

/** A file of a minimum hold, by its name. */
export interface Held {
  readonly name: string;
  readonly slot: number;
  readonly of: 'x' | 's' | 'p';
  /** On the clock of this host, ms. */
  readonly until: number;
  /** The id of the contender whose it is. */
  readonly id: string;
}

/** Tells this boot of the host from all others; the same in every container. */
export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

/** @param now as `FileSettings.clock` counts, ms */
export function heldName(slot: number, claim: Claim, id: string, now: number, boot: string): string {
  const until = Math.ceil((now + (claim.holdMs ?? 0)) / 10) + CLOCK_LAG;
  return `held.${slot}.${letterOf(claim)}.${until}.${boot}.${id}`;
}

function letterOf({ permits, mode }: Pick<Claim, 'permits' | 'mode'>): Held['of'] {
  if (permits > 1) return 'p';
  return mode === 'shared' ? 's' : 'x';
}

/** Whether a hold keeps a slot from one who wants this: what the keeper's `bound` says, too. */
export function keepsOut(
  held: Pick<Held, 'slot' | 'of'>,
  slot: number,
  claim: Pick<Claim, 'permits' | 'mode'>,
): boolean {
  const wanted = letterOf(claim);
  if (wanted === 'p' && held.of === 'p') return held.slot === slot;
  return !(wanted === 's' && held.of === 's');
}

/** The holds among these names that bind. */
export function bindingAmong(names: readonly string[], now: number, boot: string): readonly Held[] {
  return names.flatMap((name) => {
    const [, slot, letter, until, since, id = ''] = NAME.exec(name) ?? [];
    if (since !== boot || now >= Number(until) * 10 + CLOCK_LEAD_MS) return [];
    const of = letter === 'p' || letter === 's' ? letter : 'x';
    return { name, slot: Number(slot), of, until: Number(until) * 10, id };
  });
}

/** The holds in a resource's directory that bind; none if there is no directory. */
export function bindingIn(dir: string, { clock, boot }: FileSettings): readonly Held[] {
  try {
    return bindingAmong(readdirSync(dir), clock.now(), boot);
  } catch {
    return [];
  }
}

/** When a slot is no longer kept from one who wants this, on the clock of this host, ms; `undefined` if it is not kept. */
export function boundUntil(
  dir: string,
  slot: number,
  claim: Pick<Claim, 'permits' | 'mode'>,
  settings: FileSettings,
): number | undefined {
  const binding = bindingIn(dir, settings).filter((held) => keepsOut(held, slot, claim));
  return binding.length === 0 ? undefined : Math.max(...binding.map(({ until }) => until)) + CLOCK_LEAD_MS;
}

/** A holder that has ended and whose hold binds, as others are shown it; nothing when it has gone in the meantime. */
export function readKeeper(dir: string, { name, until }: Held, { clock }: FileSettings): Contender[] {
  try {
    const path = join(dir, name);
    const { host, pid, command, since } = parseNote(readFileSync(path, 'utf8'), statSync(path).mtime, false);
    const date = new Date();
    const heldUntil = new Date(date.getTime() + until - clock.now());
    return [{ state: 'holding', host, pid, command, since, self: false, heldUntil }];
  } catch {
    return [];
  }
}
