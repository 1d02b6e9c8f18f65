import { sha256 } from '../../util/sha256.js';
import { formatEvidence, readEvidence } from '../evidence.js';
import type { Place } from './contend.js';
import type { View } from './onlookers.js';

/** What proves to another session that a lock is still that of the contender it was granted to, and gives it no right. */
export function evidenceOf(
  url: string,
  { keys, owner }: Pick<Place, 'keys' | 'owner'>,
  resource: string,
): string {
  return formatEvidence({ url, resource, key: keys.lock, holder: sha256(owner) });
}

/** The resource that evidence is of. */
export function resourceOf(evidence: string): string {
  return readEvidence(evidence)('resource');
}

/** Whether a majority says that this is who holds the lock. */
export function ownsOn(views: readonly View[], majority: number, evidence: string): boolean {
  const holder = readEvidence(evidence)('holder');
  return views.filter(({ lock }) => lock !== undefined && sha256(lock.owner) === holder).length >= majority;
}
