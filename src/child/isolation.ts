import { existsSync } from 'node:fs';
import { UsageError } from '../util/errors.js';
import { makeLeaf } from './cgroup.js';

/**
 * How a tree is held together, the strongest first.
 * - `cgroup`: a cgroup of its own; its end is the kernel's word (`populated 0`)
 * - `subreaper`: the guardian is the parent of whatever loses its parents; its end is ECHILD
 * - `walk`: found by looking over `/proc`; misses what has left group and session, lost its parents and thrown away its
 *   environment, all of it
 */
export type IsolationLevel = 'cgroup' | 'subreaper' | 'walk';

export const ISOLATION_LEVELS = ['cgroup', 'subreaper', 'walk'] as const satisfies readonly IsolationLevel[];

/** What is needed for a level, once it is chosen. */
export type Isolation =
  | { readonly level: 'cgroup'; readonly leaf: string; readonly perl: string }
  | { readonly level: 'subreaper'; readonly perl: string }
  | { readonly level: 'walk' };

/** What a host offers. */
export interface HostAbilities {
  /** Where perl is, if it is, its system calls are known for this architecture, and `/proc` is mounted. */
  perl(): string | undefined;
  /** Makes a cgroup for a tree, or says why that cannot be. */
  leaf(): { readonly leaf: string } | { readonly why: string };
}

/**
 * The strongest level that works here, or the one that is asked for.
 * @throws UsageError when what is asked for does not work here
 */
export function chooseIsolation(wanted: IsolationLevel | 'auto', host: HostAbilities): Isolation {
  if (wanted === 'walk') return { level: 'walk' };
  const perl = host.perl();
  if (perl === undefined) {
    if (wanted === 'auto') return { level: 'walk' };
    throw refuse(wanted, 'Linux with /proc, and perl in /usr/bin', 'none');
  }
  if (wanted === 'subreaper') return { level: 'subreaper', perl };
  const made = host.leaf();
  if ('leaf' in made) return { level: 'cgroup', leaf: made.leaf, perl };
  if (wanted === 'auto') return { level: 'subreaper', perl };
  throw refuse('cgroup', 'a cgroup v2 directory that we may write to', made.why);
}

function refuse(level: IsolationLevel, expected: string, came: string): UsageError {
  return new UsageError(`isolation ${level}: expected ${expected}, got ${came}`, {
    hint: 'by default, the strongest level that works is chosen',
    settings: ['isolation'],
  });
}

/** The architectures, as Node names them, whose system calls guardian.pl knows. */
const ARCHITECTURES: readonly string[] = [
  'x64',
  'arm64',
  'riscv64',
  'loong64',
  'ppc64',
  's390x',
  'arm',
  'ia32',
];

/** The host's own perl, whatever else is in PATH. */
const PERLS: readonly string[] = ['/usr/bin/perl', '/bin/perl', '/usr/local/bin/perl'];

/** This host. @param name of the cgroup, if one is made */
export function abilitiesOf(platform: NodeJS.Platform, arch: string, name: string): HostAbilities {
  return {
    perl: () =>
      platform === 'linux' && ARCHITECTURES.includes(arch) && existsSync('/proc/uptime')
        ? PERLS.find((path) => existsSync(path))
        : undefined,
    leaf: () => (platform === 'linux' ? makeLeaf(name) : { why: 'a host without cgroups' }),
  };
}
