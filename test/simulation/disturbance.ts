/** When something was out of order, virtual ms; its aftermath included. */
export interface Disturbance {
  readonly from: number;
  readonly to: number;
}

/**
 * How long something was out of order, at the longest, of what reaches into the time given; ms.
 * @param gapMs what is closer together than this counts as one: there was no time for a renewal in between
 */
export function longestWithin(
  disturbances: readonly Disturbance[],
  from: number,
  to: number,
  gapMs: number,
): number {
  const inOrder = [...disturbances].sort((a, b) => a.from - b.from);
  let longest = 0;
  let start = Number.NaN;
  let end = Number.NEGATIVE_INFINITY;
  for (const one of inOrder) {
    if (one.from > end + gapMs) start = one.from;
    end = Math.max(end, one.to);
    if (end > from && start < to) longest = Math.max(longest, Math.min(end, to) - start);
  }
  return longest;
}
