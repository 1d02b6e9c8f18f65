import type { Claim, Lease } from '../backend/contract.js';

/**
 * The environment of the command: what we were given, with the variables of this run put over those of a run
 * around us. What this lease does not have is removed and never inherited: an outer token would be a lie.
 */
export function commandEnvironment(
  base: NodeJS.ProcessEnv,
  claim: Claim,
  lockId: string,
  lease: Pick<Lease, 'fencingToken' | 'budget' | 'evidence'>,
): NodeJS.ProcessEnv {
  const ours: NodeJS.ProcessEnv = {
    LOCKEX_LOCK_ID: lockId,
    LOCKEX_LOCK_PATH: `/${claim.resource}`,
    LOCKEX_HOLDER: `${claim.identity.host}:${claim.identity.pid}`,
    LOCKEX_FENCING_TOKEN: lease.fencingToken?.toString(),
    LOCKEX_SESSION_TIMEOUT_MS: lease.budget?.ttlMs.toString(),
    LOCKEX_VERIFY: lease.evidence,
  };
  const merged = { ...base, ...ours };
  return Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== undefined));
}
