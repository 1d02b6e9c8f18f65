import { formatEvidence, readEvidence } from '../evidence.js';
import { look } from './look.js';
import type { Place } from './place.js';
import type { Session } from './session.js';

/** What proves to another session that a permit is still that of the claim it was granted to. */
export function evidenceOf(url: string, place: Place): string {
  return formatEvidence({ url, key: place.key, revision: place.revision.toString() });
}

/**
 * Whether the permit that `evidence` tells of is still held, as of a moment between the call and the answer: a quorum stands
 * behind it. No two keys ever have the same create revision.
 * @throws UsageError when the evidence cannot be read; the reason of `signal`
 */
export async function owns(session: Session, evidence: string, signal: AbortSignal): Promise<boolean> {
  const fact = readEvidence(evidence);
  const [key, revision] = [fact('key'), fact('revision')];
  // Whoever asks this wants an answer, and says itself how long it waits for one.
  const { keys } = await look(session, { key }, signal, Number.POSITIVE_INFINITY);
  return keys.get(key)?.create_revision === revision;
}
