import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Child, Group } from '../../src/child/child.js';
import type { IsolationLevel } from '../../src/child/isolation.js';
import { readProcess } from '../../src/child/proc.js';
import { prepareStage } from '../../src/child/stage.js';
import { until } from '../../src/testing/until.js';
import { systemClock } from '../../src/util/clock.js';
import { type Log, silentLog } from '../../src/util/log.js';

export const FIXTURES = join(import.meta.dirname, '..', 'fixtures', 'child');

export type Shape =
  | 'flat'
  | 'chain'
  | 'sessions'
  | 'daemons'
  | 'scrubbed'
  | 'leave'
  | 'rabbit'
  | 'rabbits'
  | 'wild';
export type Mood = 'plain' | 'deaf' | 'tidy' | 'tell';

/** Patience that never ends. */
export const forever = new AbortController().signal;
/** Patience that has ended. */
export const none = AbortSignal.abort();

/** What a test may choose; the rest is as for a command without a terminal. */
export interface How {
  readonly env?: NodeJS.ProcessEnv;
  readonly group?: Group;
  readonly log?: Log;
  readonly isolation?: IsolationLevel;
}

/** Runs commands in a directory of their own, and leaves none of their processes behind. */
export class Stage {
  readonly dir = mkdtempSync(join(tmpdir(), 'lockex-child-'));
  readonly #children: Child[] = [];
  readonly #stages: { dismiss(): Promise<void> }[] = [];
  readonly level: IsolationLevel;
  /** The mark of the tree that was started last. */
  treeId = '';

  constructor(t: TestContext, level: IsolationLevel = 'walk') {
    this.level = level;
    t.after(() => this.#clear());
  }

  path(name: string): string {
    return join(this.dir, name);
  }

  /** What a command wrote to a file of the directory; empty while there is none. */
  text(name: string): string {
    try {
      return readFileSync(this.path(name), 'utf8');
    } catch {
      return '';
    }
  }

  /** Starts a command, in a group of its own if nothing else is said. */
  async start(file: string, args: readonly string[] = [], how: How = {}): Promise<Child> {
    const { env = { ...process.env, STAGE: this.dir }, group = 'own', log = silentLog } = how;
    const isolation = how.isolation ?? this.level;
    const stage = prepareStage({ isolation, group, logFormat: 'silent', clock: systemClock, log });
    this.#stages.push(stage);
    this.treeId = stage.treeId;
    const order = { command: { file, args }, env, killAt: Number.POSITIVE_INFINITY };
    const child = await stage.spawn(order);
    this.#children.push(child);
    return child;
  }

  /** Starts a shell script; `$STAGE` is the directory. */
  shell(script: string, how?: How): Promise<Child> {
    return this.start('/bin/sh', ['-c', script], how);
  }

  /** Starts a tree of `size` processes, and waits until those that stay are ready. */
  async tree(
    shape: Shape,
    size: number,
    mood: Mood = 'plain',
    how?: How,
  ): Promise<{ child: Child; pids: number[] }> {
    const args = [join(FIXTURES, 'tree.pl'), this.path('pids'), shape, String(size), mood];
    const child = await this.start('perl', args, how);
    const staying = shape === 'leave' ? size - 1 : size;
    const pids = await until(
      () => this.pids().length >= staying && this.pids(),
      `${staying} processes are ready`,
    );
    return { child, pids };
  }

  /** The pids that the processes of a tree announced. */
  pids(): number[] {
    return this.text('pids').split('\n').filter(Boolean).map(Number);
  }

  /**
   * Whether a process of this stage lives: asked of its command line, which a zombie has not, and which names the
   * directory, so that a pid which is used again does not deceive.
   */
  lives(pid: number): boolean {
    try {
      const own = [`/proc/${pid}/cmdline`, `/proc/${pid}/environ`].map((file) => readFileSync(file, 'utf8'));
      return own.some((text) => text.includes(this.dir));
    } catch {
      return false;
    }
  }

  /** The name of a process, by the kernel. */
  command(pid: number): string | undefined {
    return readProcess(pid)?.command;
  }

  living(): number[] {
    return this.pids().filter((pid) => this.lives(pid));
  }

  async #clear(): Promise<void> {
    for (const child of this.#children) await child.stop('SIGKILL', none);
    for (const stage of this.#stages) await stage.dismiss();
    for (const pid of this.living()) process.kill(pid, 'SIGKILL');
    await until(() => this.living().length === 0, 'no process of the test is left');
    rmSync(this.dir, { recursive: true });
  }
}

/** Patience that ends when it is told to. */
export function patience(): { signal: AbortSignal; end(): void } {
  const controller = new AbortController();
  return { signal: controller.signal, end: () => controller.abort() };
}

/** Asserts that no process which the tree announced is alive. */
export function assertNoneLives(stage: Stage): void {
  assert.deepEqual(stage.living(), []);
}
