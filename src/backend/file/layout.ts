import { sha256 } from '../../util/sha256.js';
import type { Kind } from '../claim.js';

/*
 * A directory a resource, with a note a contender and a slot a permit:
 *
 *     DIR/<resource, escaped>/c-lock-<id>          or c-semaphore.<permits>-<id>
 *                            /slot-0 … slot-<permits - 1>
 *
 * Only locks say who is there; a file alone means nothing. The kind stands in the note's name, so that it is
 * there as soon as the note is, and whole.
 */

/** File names end at 255 bytes; this leaves room. */
const LONGEST_NAME = 200;

/**
 * The name of a resource's directory: letters, digits, `.`, `_` and `-` as they are, all else, slashes included,
 * as `%XX` of its UTF-8. So no name leads out of the directory, and no two resources have one name. A long one is
 * cut, and told apart by its SHA-256.
 * @param resource one that has passed `checkResource`: never `.` or `..`
 */
export function directoryName(resource: string): string {
  const escaped = resource.replace(/[^A-Za-z0-9._-]/gu, (character) =>
    [...Buffer.from(character)]
      .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
      .join(''),
  );
  if (escaped.length <= LONGEST_NAME) return escaped;
  const sum = sha256(resource);
  return `${escaped.slice(0, LONGEST_NAME - 1 - sum.length)}~${sum}`;
}

/** How a kind is written in the name of a note. */
export function kindTag(permits: number): string {
  return permits === 1 ? 'lock' : `semaphore.${permits}`;
}

export function noteName(permits: number, id: string): string {
  return `c-${kindTag(permits)}-${id}`;
}

/** The kind that a note's name tells; `undefined` for a file that is no note. */
export function kindOfNote(name: string): Kind | undefined {
  const match = /^c-(?:lock|semaphore\.(\d+))-[0-9a-f]+$/.exec(name);
  if (match === null) return undefined;
  return match[1] === undefined ? 'lock' : `semaphore of ${Number(match[1])}`;
}

export function slotName(slot: number): string {
  return `slot-${slot}`;
}
