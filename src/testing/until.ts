/**
 * Waits until `condition` returns something truthy, and returns that. What it throws counts as "not yet".
 * @param limitMs generous: a limit that is reached is a failure, never a measurement
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  what: string,
  limitMs = 15_000,
): Promise<Exclude<T, false | undefined | null | 0 | ''>> {
  const end = performance.now() + limitMs;
  let last: unknown;
  for (;;) {
    try {
      const value = await condition();
      // The test above the return is what the type says.
      if (value) return value as Exclude<T, false | undefined | null | 0 | ''>;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (performance.now() > end) {
      throw new Error(`not within ${limitMs} ms: ${what}`, last === undefined ? undefined : { cause: last });
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
