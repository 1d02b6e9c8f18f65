/** What `/proc/PID/stat` says of a process (proc_pid_stat(5)), as far as it is needed here. */
export interface ProcessFacts {
  readonly pid: number;
  /** The kernel's short name; may hold any byte, read as Latin-1. */
  readonly command: string;
  /** `R`, `S`, `D`, `T`, `Z` … */
  readonly state: string;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** The foreground group of its controlling terminal; -1 without one. */
  readonly terminalGroup: number;
  readonly flags: number;
  readonly threads: number;
  /** Clock ticks since boot. With the pid it names a process for good, although pids are used again. */
  readonly startTime: number;
  /**
   * The size of its environment. `undefined` between two programs, in the middle of execve(2), and of a process
   * that we may not look into. The kernel notes where the environment ends after it has noted where it begins, and where
   * the code begins after both (create_elf_tables and load_elf_binary of fs/binfmt_elf.c): without that, it is not done.
   */
  readonly environBytes: number | undefined;
}

/** PF_EXITING and PF_KTHREAD of the kernel's include/linux/sched.h, the same since Linux 2.6. */
const EXITING = 0x0000_0004;
const KERNEL_THREAD = 0x0020_0000;

/** Reads one line of `/proc/PID/stat`; `undefined` if it is not one. */
export function parseStat(line: string): ProcessFacts | undefined {
  // The name stands in parentheses and may itself hold blanks and parentheses: the last one counts.
  const [open, close] = [line.indexOf('('), line.lastIndexOf(')')];
  if (open < 0 || close < open) return undefined;
  const [state, ...rest] = line.slice(close + 2).split(' ');
  const [parent, group, session, , terminalGroup, flags] = rest.map(Number);
  const [threads, , startTime] = rest.slice(16, 19).map(Number);
  const codeStart = Number(rest[22]);
  const [environStart, environEnd] = rest.slice(46, 48).map(Number);
  if (state === undefined || parent === undefined || group === undefined || session === undefined)
    return undefined;
  if (terminalGroup === undefined || flags === undefined || threads === undefined || startTime === undefined)
    return undefined;
  const pid = Number(line.slice(0, open));
  const command = line.slice(open + 1, close);
  const environBytes = environEnd && codeStart ? environEnd - (environStart ?? 0) : undefined;
  return {
    pid,
    command,
    state,
    parent,
    group,
    session,
    terminalGroup,
    flags,
    threads,
    startTime,
    environBytes,
  };
}

/**
 * Whether anything of the process can still run. A zombie cannot; but a process whose first thread ended before
 * the others is shown as a zombie with more than one thread, and is alive.
 */
export function isAlive(facts: ProcessFacts): boolean {
  return (facts.state !== 'Z' && facts.state !== 'X') || facts.threads > 1;
}

/** Whether the process is on its way out and runs no more of its own code. */
export function isExiting(facts: Pick<ProcessFacts, 'flags'>): boolean {
  return (facts.flags & EXITING) !== 0;
}

/** Whether this is a thread of the kernel: nobody's child, and not to be killed. */
export function isKernelThread(facts: ProcessFacts): boolean {
  return (facts.flags & KERNEL_THREAD) !== 0;
}
