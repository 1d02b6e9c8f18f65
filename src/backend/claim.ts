import { UsageError, WrongKindError } from '../util/errors.js';
import type { Claim, Traits } from './contract.js';

/** What a resource is set up as, as long as anybody contends for it. Readers and writers share a `lock`. */
export type Kind = 'lock' | `semaphore of ${number}`;

/** The kind of resource that a claim takes it for. */
export function kindOf(claim: Pick<Claim, 'permits'>): Kind {
  return claim.permits === 1 ? 'lock' : `semaphore of ${claim.permits}`;
}

/** The refusal of one kind while there is another; it goes away with the last who contends. */
export function wrongKind(resource: string, found: string, wanted: string): WrongKindError {
  return new WrongKindError(`${resource} is in use as a ${found}, and was asked for as a ${wanted}`, {
    hint: 'all contenders must ask for the same number of permits, or use another name',
    settings: ['permits', 'name'],
  });
}

/** What of a claim can be asked for in vain. */
type Wanted = Pick<Claim, 'resource' | 'permits' | 'mode' | 'handoverDelayMs' | 'holdMs'>;

/**
 * Refuses a claim that cannot be kept: what no backend takes, and what this one does not.
 * @throws UsageError
 */
export function checkClaim(claim: Wanted, traits: Traits): void {
  checkResource(claim.resource);
  const { permits, mode, handoverDelayMs = 0, holdMs = 0 } = claim;
  if (!Number.isInteger(permits) || permits < 1 || permits > traits.maxPermits) {
    const settings = ['permits'] as const;
    throw traits.maxPermits === 1
      ? new UsageError(
          `this lock service has locks only, no semaphores: expected one permit, got ${permits}`,
          {
            hint: 'ZooKeeper, etcd and files have them',
            settings,
          },
        )
      : new UsageError(`expected permits from 1 to ${traits.maxPermits}, got ${permits}`, { settings });
  }
  if (holdMs > 0 && !traits.hold) {
    throw new UsageError('this lock service has no minimum hold', { settings: ['hold'] });
  }
  if (handoverDelayMs > 0 && !traits.handoverDelay) {
    throw new UsageError('this lock service has no handover delay', {
      hint: 'ZooKeeper has one; where a service has fencing tokens, they are for the same',
      settings: ['handoverDelay'],
    });
  }
  if (mode === 'exclusive') return;
  if (!traits.shared) {
    throw new UsageError('this lock service has no shared mode', {
      hint: 'ZooKeeper, etcd and files have one',
    });
  }
  if (permits > 1) throw new UsageError(`the shared mode is for locks, not for a semaphore of ${permits}`);
}

/**
 * Refuses what is no resource. `.` and `..` are refused for every service, since some take them for a place in
 * a tree, and a name must be good for all of them.
 * @throws UsageError
 */
export function checkResource(resource: string): void {
  const bad = resource.split('/').find((segment) => segment === '' || segment === '.' || segment === '..');
  if (bad !== undefined) {
    throw new UsageError(
      `expected a resource of segments joined by "/", none of them empty, "." or "..", got ${JSON.stringify(resource)}`,
    );
  }
  if (resource.includes('\0')) throw new UsageError('expected a resource without NUL characters, got one');
}
