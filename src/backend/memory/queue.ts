/** One contender's place in a queue, as far as deciding needs it. */
export interface Place {
  readonly mode: 'exclusive' | 'shared';
  readonly state: 'holding' | 'waiting';
}

/**
 * Who of a queue, in order of arrival, may hold now: of a semaphore the first `permits`; of a lock the first, and
 * with a shared one first all shared ones up to the first exclusive one. Nobody overtakes.
 */
export function entitled<P extends Place>(queue: readonly P[], permits: number): readonly P[] {
  if (permits > 1) return queue.slice(0, permits);
  const firstExclusive = queue.findIndex((place) => place.mode === 'exclusive');
  if (firstExclusive === 0) return queue.slice(0, 1);
  return firstExclusive === -1 ? queue : queue.slice(0, firstExclusive);
}
