/** Where a resource is kept. The braces keep all keys of one resource together where keys are spread over nodes. */
export interface Keys {
  /** A hash with `owner`, `who`, `since` and `token`, which expires. */
  readonly lock: string;
  /** What a minimum hold leaves: `owner since who`, which expires. */
  readonly hold: string;
  /** A hash of owner to `until since who`, which expires with the last of them. */
  readonly waiters: string;
  /** Where a release is told. */
  readonly channel: string;
}

/** The one key that stays: the last fencing token of all resources, so that nothing is left of each. */
export const TOKEN_KEY = 'lockex:token';

/** No two resources share a key: one that is a lock's ends with a brace, and no other does. */
export function keysOf(resource: string): Keys {
  const lock = `lockex:{${resource}}`;
  return { lock, hold: `${lock}:hold`, waiters: `${lock}:waiters`, channel: `${lock}:released` };
}
