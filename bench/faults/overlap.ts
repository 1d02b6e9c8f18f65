/** When a command's tree lived, ms; `end` is missing while some process of it is alive. */
export interface Life {
  readonly begin: number;
  readonly end: number | undefined;
}

/**
 * How long processes of two holders were alive together, ms.
 * @param lookedUntil what is alive then is counted until then
 */
export function overlapMs(one: readonly Life[], other: readonly Life[], lookedUntil: number): number {
  const endOf = (life: Life) => Math.min(life.end ?? lookedUntil, lookedUntil);
  const both = (a: Life, b: Life) => Math.max(0, Math.min(endOf(a), endOf(b)) - Math.max(a.begin, b.begin));
  return one.flatMap((a) => other.map((b) => both(a, b))).reduce((sum, ms) => sum + ms, 0);
}

/** The time between the end of the last life of one and the first begin of the other, ms; below 0: none. */
export function gapMs(one: readonly Life[], other: readonly Life[]): number {
  const ends = one.map((life) => life.end ?? Number.POSITIVE_INFINITY);
  return Math.min(...other.map((life) => life.begin)) - Math.max(...ends);
}
