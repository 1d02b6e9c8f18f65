import { lstatSync, mkdirSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { codeOf, NotPermittedError, UsageError } from '../util/errors.js';

/** What is known about a directory that everybody may write to. */
export interface SharedDirectory {
  readonly path: string;
  /** Permission bits, `undefined` when it is no directory. */
  readonly mode: number | undefined;
}

/** Who may do anything there, but to files of their own only. */
const STICKY_AND_OPEN = 0o1777;

/**
 * The directory of a user's `--local` locks.
 *
 * It must be the same for every run of the user: from cron, at a prompt, as a service. Hence not
 * `XDG_RUNTIME_DIR`, which cron has not and which is removed with its files at the last logout; not `TMPDIR`, which
 * anybody may set; and whether *this* run may write there plays no part.
 * @param runLock `/run/lock`, where Debian and its kin keep locks
 */
export function localDirectory(uid: number, runLock: SharedDirectory): string {
  const open = runLock.mode !== undefined && (runLock.mode & STICKY_AND_OPEN) === STICKY_AND_OPEN;
  return `${open ? runLock.path : '/tmp'}/lockex-${uid}`;
}

/**
 * Makes the directory of `--local`, if need be, and returns its URL.
 * @throws UsageError when it cannot be made
 * @throws NotPermittedError when it is not ours alone: another user could take our locks
 */
export function localUrl(uid: number): string {
  const directory = localDirectory(uid, { path: '/run/lock', mode: modeOf('/run/lock') });
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') {
      throw new UsageError(`--local: expected to create ${directory}, got ${codeOf(error)}`, {
        cause: error,
        hint: 'choose a directory yourself: --url file:///directory',
      });
    }
  }
  const stat = lstatSync(directory);
  if (!stat.isDirectory() || stat.uid !== uid || (stat.mode & 0o022) !== 0) {
    const mode = (stat.mode & 0o7777).toString(8);
    const got = stat.isDirectory() ? `one of user ${stat.uid} with mode ${mode}` : 'something else';
    throw new NotPermittedError(
      `--local: expected ${directory} to be a directory of user ${uid} that nobody else may write to, got ${got}`,
      { hint: 'remove it, or choose a directory yourself: --url file:///directory' },
    );
  }
  return pathToFileURL(directory).href;
}

function modeOf(path: string): number | undefined {
  try {
    const stat = lstatSync(path);
    return stat.isDirectory() ? stat.mode : undefined;
  } catch {
    return undefined;
  }
}
