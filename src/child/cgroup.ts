import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

/**
 * Our own directory in the unified hierarchy (cgroups(7), proc_pid_mountinfo(5)), wherever it is mounted: hybrid hosts
 * have it beside the old ones.
 * @param mountinfo `/proc/self/mountinfo`
 * @param membership `/proc/self/cgroup`
 */
export function ownCgroup(mountinfo: string, membership: string): string | undefined {
  const path = /^0::(\/.*)$/m.exec(membership)?.[1];
  const mount = mountinfo
    .split('\n')
    .map((line) => line.split(' '))
    .find((fields) => fields[fields.indexOf('-') + 1] === 'cgroup2');
  const [, , , root, point] = mount ?? [];
  if (path === undefined || root === undefined || point === undefined) return undefined;
  const shown = unescapeOctal(root);
  // In a container without a namespace of its own, the mount shows the inside of ours only.
  if (shown !== '/' && path !== shown && !path.startsWith(`${shown}/`)) return undefined;
  return join(unescapeOctal(point), shown === '/' ? path : path.slice(shown.length));
}

/** Spaces and the like in mountinfo: `\040`. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}

/**
 * Makes a leaf for one tree in our own cgroup. Needs a directory that we may write to: root's, or one delegated to us
 * (`Delegate=yes`); and Linux 5.14, for `cgroup.kill`.
 * @returns its directory, or why there is none
 */
export function makeLeaf(name: string): { readonly leaf: string } | { readonly why: string } {
  let leaf: string | undefined;
  try {
    const own = ownCgroup(
      readFileSync('/proc/self/mountinfo', 'utf8'),
      readFileSync('/proc/self/cgroup', 'utf8'),
    );
    if (own === undefined) return { why: 'no cgroup v2 is mounted' };
    leaf = join(own, name);
    mkdirSync(leaf);
    accessSync(join(leaf, 'cgroup.procs'), constants.W_OK);
    // To move a process, one needs to be allowed to write where it comes from, too.
    accessSync(join(own, 'cgroup.procs'), constants.W_OK);
    if (existsSync(join(leaf, 'cgroup.kill'))) return { leaf };
    removeLeaf(leaf);
    return { why: 'this kernel has no cgroup.kill (Linux 5.14)' };
  } catch (error) {
    if (leaf !== undefined) removeLeaf(leaf);
    return { why: error instanceof Error ? error.message : String(error) };
  }
}

/** Takes a leaf away, and those that a run inside of it has left, if there is nobody in them. */
export function removeLeaf(leaf: string): void {
  try {
    for (const entry of readdirSync(leaf, { withFileTypes: true })) {
      if (entry.isDirectory()) removeLeaf(join(leaf, entry.name));
    }
    rmdirSync(leaf);
  } catch {
    // Somebody is still in it, or the guardian was quicker.
  }
}

/** SIGKILL to whoever is in the leaf and below it, all at once: nobody can fork past it. */
export function killLeaf(leaf: string): void {
  writeFileSync(join(leaf, 'cgroup.kill'), '1');
}

/** Whether anybody lives in the leaf or below it; false when it has been taken away. */
export function isPopulated(leaf: string): boolean {
  try {
    return /^populated 1$/m.test(readFileSync(join(leaf, 'cgroup.events'), 'utf8'));
  } catch {
    return false;
  }
}
