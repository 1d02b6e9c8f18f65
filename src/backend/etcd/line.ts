import type { Contender } from '../contract.js';
import type { Told } from './value.js';

/** A contender with a key of its own; order is by `revision`, the one at which its key was made. */
export interface Place {
  /** No other contender ever has the same. */
  readonly id: string;
  readonly revision: bigint;
  readonly told: Told;
}

/** All who contend for one resource, as of one revision. */
export interface Line {
  /** In order of arrival. */
  readonly places: readonly Place[];
  /** Minimum holds of contenders that are gone: each keeps a permit that nobody uses. */
  readonly ghosts: readonly Place[];
}

/** A key of a resource's directory. */
export type Entry = Place & { readonly is: 'contender' | 'hold' };

/** A hold counts when its contender is gone: until then it is the contender that has the permit. */
export function lineOf(entries: Iterable<Entry>): Line {
  const all = [...entries].sort((a, b) => (a.revision < b.revision ? -1 : 1));
  const places = all.filter(({ is }) => is === 'contender');
  const alive = new Set(places.map(({ id }) => id));
  return { places, ghosts: all.filter(({ is, id }) => is === 'hold' && !alive.has(id)) };
}

/**
 * Whether the contender at `index` may hold. Of a semaphore the first ones, less those whose permit a minimum hold keeps;
 * of a lock the first, and with a shared one first all up to the first exclusive one.
 *
 * Once true it stays true as long as the contender's key is there: who comes later stands behind, and a hold is written by
 * who has a permit, before its own key can go. So it does not matter how old the line is that is looked at.
 */
export function isEntitled({ places, ghosts }: Line, index: number): boolean {
  const place = places[index];
  if (place === undefined) return false;
  const { permits, mode } = place.told;
  if (permits > 1) return index + ghosts.length < permits;
  const before = [...ghosts, ...places.slice(0, index)];
  return before.every(({ told }) => mode === 'shared' && told.mode === 'shared');
}

/**
 * Whose kind the contender at `index`, when it came, found to be another than its own. The first in line is the measure:
 * one behind it may itself have been refused, and be on its way out.
 */
export function otherKind({ places, ghosts }: Line, index: number): Place | undefined {
  const first = ghosts[0] ?? places[0];
  return first?.told.permits === places[index]?.told.permits ? undefined : first;
}

/** Holders first, those of whom only a minimum hold is left among them; then waiters in order. */
export function contendersOf(line: Line, isSelf: (id: string) => boolean): readonly Contender[] {
  const { places, ghosts } = line;
  const view = ({ id, told }: Place, state: Contender['state']): Contender => ({
    state,
    host: told.host,
    pid: told.pid,
    command: told.command,
    since: told.since,
    self: isSelf(id),
  });
  return [
    ...ghosts.map((ghost) => ({
      ...view(ghost, 'holding'),
      ...(ghost.told.until === undefined ? {} : { heldUntil: ghost.told.until }),
    })),
    ...places.filter((_, index) => isEntitled(line, index)).map((place) => view(place, 'holding')),
    ...places.filter((_, index) => !isEntitled(line, index)).map((place) => view(place, 'waiting')),
  ];
}
