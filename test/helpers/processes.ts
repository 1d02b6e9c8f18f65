import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { until } from '../../src/testing/until.js';

/** The state letter and the parent of a process; `undefined` when there is no such process. */
export function statOf(pid: number): { state: string; parent: number } | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // The command's name stands in brackets and may hold brackets itself: the fields begin after the last one.
  const [state = '', parent = ''] = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state, parent: Number(parent) };
}

/** Whether the process exists and is no zombie. */
export function alive(pid: number): boolean {
  const stat = statOf(pid);
  return stat !== undefined && stat.state !== 'Z' && stat.state !== 'X';
}

/** All processes there are, zombies included. */
export function allPids(): number[] {
  return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));
}

/** The living children of a process. */
export function childrenOf(pid: number): number[] {
  return allPids().filter((candidate) => statOf(candidate)?.parent === pid && alive(candidate));
}

/** The living descendants of a process, parents before children. Not those whose parent has ended before. */
export function descendants(pid: number): number[] {
  return childrenOf(pid).flatMap((child) => [child, ...descendants(child)]);
}

/** The arguments of a process; empty for one that is gone. */
export function argvOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
  } catch {
    return [];
  }
}

/** The living processes whose environment, as it was at their exec, holds `marker` (`NAME=value`, or a part). */
export function processesWithEnv(marker: string): number[] {
  return allPids().filter((pid) => {
    if (pid === process.pid || !alive(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(marker);
    } catch {
      return false;
    }
  });
}

/** The living processes that have this file (or FIFO) open. */
export function processesWithOpen(path: string): number[] {
  return allPids().filter((pid) => alive(pid) && openFiles(pid).includes(path));
}

/** What a process has open; nothing for one that is gone. */
function openFiles(pid: number): string[] {
  try {
    const dir = `/proc/${pid}/fd`;
    return readdirSync(dir).map((fd) => readlinkSync(`${dir}/${fd}`));
  } catch {
    return [];
  }
}

/** What a failing test needs to know about processes. */
export function describeProcesses(pids: readonly number[]): string {
  return pids.map((pid) => `${pid} (${statOf(pid)?.state ?? 'gone'}: ${argvOf(pid).join(' ')})`).join(', ');
}

/** Waits until no living process carries `marker` in its environment; fails with their names. */
export async function expectNoProcessWithEnv(marker: string, limitMs = 5_000): Promise<void> {
  try {
    await until(() => processesWithEnv(marker).length === 0, `no process with ${marker} lives`, limitMs);
  } catch (cause) {
    throw new Error(`still alive: ${describeProcesses(processesWithEnv(marker))}`, { cause });
  }
}

/**
 * Kills every process that carries `marker`, by pid, until none is left: one pass can miss a process that is
 * being forked.
 */
export async function killAllWithEnv(marker: string): Promise<void> {
  await until(() => {
    const pids = processesWithEnv(marker);
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // Gone in the meantime.
      }
    }
    return pids.length === 0;
  }, `every process with ${marker} is killed`);
}
