import { pid as ownPid } from 'node:process';
import type { Group, SignalName } from './child.js';
import { membersOf } from './membership.js';
import { readMark, readProcess, readProcesses } from './proc.js';
import type { ProcessFacts } from './process-facts.js';
import { send } from './send.js';
import type { Leader, Member, Pass, Tree } from './tree.js';

/** A pass, with what is needed to signal it. */
interface Sighting extends Pass {
  readonly members: readonly ProcessFacts[];
  readonly undecided: readonly Member[];
  /** Whether a signal to the group of the command's pid reaches members, and nobody else. */
  readonly leadsGroup: boolean;
}

const NOTHING: Sighting = { members: [], undecided: [], leadsGroup: false };

/**
 * A tree found by walking over `/proc` (Linux): by group and session, by parents, by the mark in the
 * environment. Every pass remembers what it found.
 *
 * Not promised: that a process which dies between the look and the kill, a moment later, is not replaced by
 * another with its number; Node has no pidfd.
 */
export class ProcTree implements Tree {
  readonly #leader: Leader;
  readonly #group: Group;
  readonly #treeId: string;
  readonly #guardian: number | undefined;
  #remembered: ReadonlyMap<number, number> = new Map();

  /** @param guardian where it is the parent of the command and of all that has lost its parents */
  constructor(leader: Leader, group: Group, treeId: string, guardian?: number) {
    this.#guardian = guardian;
    this.#leader = leader;
    this.#group = group;
    this.#treeId = treeId;
  }

  /** To the command's group while it leads one; in a group shared with us, to each member. */
  forward(signal: SignalName): void {
    if (this.#leadsLiving()) send(-this.#leader.pid, signal);
    else for (const one of this.#look().members) send(one.pid, signal);
  }

  async sweep(...signals: readonly SignalName[]): Promise<Pass> {
    let sighting: Sighting = { ...NOTHING, leadsGroup: this.#leadsLiving() };
    try {
      // First look, then kill: once the parents are dead, nothing leads from them to their children.
      sighting = this.#look();
    } finally {
      for (const signal of signals) this.#sendAll(signal, sighting);
    }
    return sighting;
  }

  rehearse(): void {
    try {
      readProcesses();
    } catch {
      // Whoever has to know finds out for himself.
    }
  }

  /** The group gets it at once, with what was forked since the look; then each member outside of it. */
  #sendAll(signal: SignalName, { members, leadsGroup }: Sighting): void {
    if (leadsGroup) send(-this.#leader.pid, signal);
    for (const one of members) {
      if (!(leadsGroup && one.group === this.#leader.pid)) send(one.pid, signal);
    }
  }

  /** Whether the command leads a group and is still there itself. */
  #leadsLiving(): boolean {
    return this.#group === 'own' && !this.#leader.ended.aborted;
  }

  /** Whether no process but the command bears its number now. */
  #numberIsOurs(): boolean {
    const bearer = readProcess(this.#leader.pid);
    return bearer === undefined || bearer.startTime === this.#leader.startTime;
  }

  #look(): Sighting {
    const { pid } = this.#leader;
    const processes = readProcesses();
    const look = membersOf(
      processes,
      {
        leader: this.#leader,
        group: this.#group,
        remembered: this.#remembered,
        excluded: new Set([1, ownPid, ...(this.#guardian === undefined ? [] : [this.#guardian])]),
        guardian: this.#guardian,
      },
      (one) => readMark(one, this.#treeId),
    );
    this.#remembered = new Map(look.members.map((one) => [one.pid, one.startTime]));
    // The kernel gives a group's number to no other process while anybody is in the group, even when the
    // command that led it has been reaped. So if nobody new bears the number, a group of this number is ours. In this
    // order: since the look, the number may have been given to another.
    const leadsGroup = look.leadsGroup && send(-pid, 0) && this.#numberIsOurs();
    const seen = processes.some((one) => one.group === pid);
    // Somebody is in the group whom the look did not find: it forks and exits too fast.
    const unseen = leadsGroup && !seen ? [{ pid, startTime: 0, state: '?', command: 'of the group' }] : [];
    return { members: look.members, undecided: [...look.undecided, ...unseen], leadsGroup };
  }
}
