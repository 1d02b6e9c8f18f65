import type { Group } from './child.js';
import type { MarkReading } from './mark.js';
import { isAlive, isKernelThread, type ProcessFacts } from './process-facts.js';

/** What is known of a tree beside the processes that are there now. */
export interface Kinship {
  /** The command itself. */
  readonly leader: { readonly pid: number; readonly startTime: number };
  readonly group: Group;
  /** Members that were seen before: start time by pid. They stay members when their parents have gone. */
  readonly remembered: ReadonlyMap<number, number>;
  /** Never members, whatever they carry: the supervisor, its guardian, and pid 1. */
  readonly excluded: ReadonlySet<number>;
  /** The guardian, where it is the parent of the command and of all that has lost its parents. */
  readonly guardian: number | undefined;
}

/** One look at a tree. */
export interface Look {
  readonly members: readonly ProcessFacts[];
  /** Whether these are members cannot be told yet. */
  readonly undecided: readonly ProcessFacts[];
  /** Whether the command's pid, as the number of a group, still means the group that the command leads or led. */
  readonly leadsGroup: boolean;
}

/**
 * Which of these processes are living members of the tree: the command; what it was remembered to have; what is
 * in the session or group that it leads; the children of its guardian; what carries the mark; and the descendants of
 * all these. What started
 * before the command did cannot be one.
 *
 * `markOf` is asked only about processes that are no kin, because the answer costs a read.
 *
 * Not promised: a process that has left the group and the session, has lost its parents and has thrown its
 * environment away, all between two looks, is not found.
 */
export function membersOf(
  processes: readonly ProcessFacts[],
  kinship: Kinship,
  markOf: (facts: ProcessFacts) => MarkReading,
): Look {
  const { leader, remembered, excluded } = kinship;
  const candidates = processes.filter(
    (one) =>
      isAlive(one) &&
      !isKernelThread(one) &&
      !excluded.has(one.pid) &&
      // Whole ticks of 10 ms: a child can have its parent's.
      one.startTime >= leader.startTime,
  );
  // The number of the group is kept from others while anybody is in the group. If another process bears it, that is over.
  const numberReused = processes.some((one) => one.pid === leader.pid && one.startTime !== leader.startTime);
  const leadsGroup = kinship.group === 'own' && !numberReused;
  const isKin = (one: ProcessFacts): boolean =>
    (one.pid === leader.pid && one.startTime === leader.startTime) ||
    one.parent === kinship.guardian ||
    remembered.get(one.pid) === one.startTime ||
    (leadsGroup && (one.session === leader.pid || one.group === leader.pid));

  const children = byParent(candidates);
  const members = new Set<ProcessFacts>();
  const admit = (one: ProcessFacts): void => {
    const line = [one];
    for (let next = line.pop(); next !== undefined; next = line.pop()) {
      if (members.has(next)) continue;
      members.add(next);
      line.push(...(children.get(next.pid) ?? []));
    }
  };

  for (const one of candidates) if (isKin(one)) admit(one);
  const undecided: ProcessFacts[] = [];
  for (const one of candidates) {
    if (members.has(one)) continue;
    const reading = markOf(one);
    if (reading === 'present') admit(one);
    if (reading === 'undecided') undecided.push(one);
  }
  return {
    members: [...members],
    undecided: undecided.filter((one) => !members.has(one)),
    leadsGroup,
  };
}

function byParent(processes: readonly ProcessFacts[]): Map<number, ProcessFacts[]> {
  const children = new Map<number, ProcessFacts[]>();
  for (const one of processes) {
    const siblings = children.get(one.parent);
    if (siblings === undefined) children.set(one.parent, [one]);
    else siblings.push(one);
  }
  return children;
}
