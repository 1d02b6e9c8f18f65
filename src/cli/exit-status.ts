import { constants } from 'node:os';
import type { ExitStatus } from '../child/child.js';
import type { Outcome } from '../supervisor/job.js';
import { type FailureKind, LockexError } from '../util/errors.js';

/** Every exit status there is, for `--help`, the README and the functions below. */
export const EXIT_STATUSES = {
  command: { status: '0–255', meaning: "the command's own" },
  signal: { status: '128+n', meaning: 'the command died of signal n, or lockex was told to stop by it' },
  'not-executable': { status: 126, meaning: 'the command cannot be executed' },
  'not-found': { status: 127, meaning: 'there is no such command' },
  'not-acquired': { status: 1, meaning: 'the lock was not acquired; --conflict-exit-code chooses another' },
  usage: {
    status: 64,
    meaning: 'an unusable option, address or timing, or another kind of lock; of verify: not under lockex',
  },
  unreachable: {
    status: 69,
    meaning: 'the lock service is out of reach, or the session lost while waiting',
  },
  bug: { status: 70, meaning: 'a bug in lockex' },
  'lease-lost': {
    status: 75,
    meaning: 'the lock was lost, and the command stopped for it; of verify: not ours, or nobody can tell',
  },
  'not-permitted': { status: 77, meaning: 'the lock service does not permit it (credentials, ACL)' },
} as const;

/** @param conflictStatus what `--conflict-exit-code` says */
export function statusOfFailure(error: unknown, conflictStatus: number): number {
  if (!(error instanceof LockexError)) return EXIT_STATUSES.bug.status;
  return statusOfKind(error.kind, conflictStatus);
}

function statusOfKind(kind: FailureKind, conflictStatus: number): number {
  if (kind === 'not-acquired') return conflictStatus;
  if (kind === 'wrong-kind') return EXIT_STATUSES.usage.status;
  return EXIT_STATUSES[kind].status;
}

/** The status that says how the job ended. */
export function statusOfOutcome(outcome: Outcome): number {
  if (outcome.how === 'lease-lost') return EXIT_STATUSES['lease-lost'].status;
  if (outcome.how === 'told-to-stop') return 128 + constants.signals[outcome.by];
  return statusOfCommand(outcome.status);
}

function statusOfCommand(ended: ExitStatus): number {
  if (ended.how === 'exited') return ended.code;
  return 128 + (typeof ended.signal === 'number' ? ended.signal : constants.signals[ended.signal]);
}
