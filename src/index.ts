/**
 * Locks of a distributed lock service, to be held in code: see docs/library.md.
 *
 * @packageDocumentation
 */
export { checkClaim } from './backend/claim.js';
export type { Claim, Contender, Identity, Lease, LockBackend, Traits } from './backend/contract.js';
export { formatEvidence, readEvidence } from './backend/evidence.js';
export { keyBudget } from './backend/lease-budget.js';
export { MemoryBackend } from './backend/memory/index.js';
export { MemoryService } from './backend/memory/service.js';
export { type Renewal, TtlLease, type TtlLeaseOptions } from './backend/ttl-lease.js';
export type { ExitStatus, Farewell, SignalName, TlsMaterial as FarewellTls } from './child/child.js';
export type { IsolationLevel } from './child/isolation.js';
export type { EtcdClient, MemcachedClient, OwnClient, RedisClient } from './lock/clients.js';
export { type Configuration, close, configure, lock, semaphore, shared } from './lock/default.js';
export {
  type AsyncMethod,
  type ExclusiveDecorator,
  type ExclusiveOptions,
  exclusive,
} from './lock/exclusive.js';
export type { HeldLease } from './lock/held-lease.js';
export type { AcquireOptions, Lock, TryOptions } from './lock/lock.js';
export { connect, type Locks } from './lock/locks.js';
export type { OpenBackend, Where } from './lock/opening.js';
export type { ConnectOptions, TlsMaterial } from './lock/options.js';
export type { RunOptions } from './lock/run.js';
export type { Outcome } from './supervisor/job.js';
export { type Clock, systemClock, type Timer } from './util/clock.js';
export type { Duration } from './util/duration.js';
export {
  CommandError,
  type ErrorDetails,
  type FailureKind,
  LeaseLostError,
  LockexError,
  LockNotAcquiredError,
  LockTimeoutError,
  type LossCause,
  NotPermittedError,
  ServiceUnreachableError,
  SessionLostError,
  type Setting,
  UsageError,
  WrongKindError,
} from './util/errors.js';
export { type LeaseBudget, LeaseDeadline } from './util/lease-deadline.js';
export { type Log, type LogFields, silentLog } from './util/log.js';
