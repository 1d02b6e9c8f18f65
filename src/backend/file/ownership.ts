import { closeSync, fstatSync, openSync, type Stats } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { codeOf } from '../../util/errors.js';
import { formatEvidence, readEvidence } from '../evidence.js';
import { fileError } from './file-errors.js';
import { startHelper } from './helper.js';
import type { FileSettings } from './settings.js';

/** A file of a contender, as it was when the permit was granted. */
export interface HeldFile {
  readonly name: string;
  readonly stats: Stats;
}

/** What proves to another process that a slot is still ours: our note, which nobody else ever locks, and the slot. */
export function evidenceOf(dir: string, note: HeldFile, slot: HeldFile): string {
  return formatEvidence({
    url: pathToFileURL(dirname(dir)).href,
    directory: basename(dir),
    note: note.name,
    noteFile: identityOf(note.stats),
    slot: slot.name,
    slotFile: identityOf(slot.stats),
  });
}

/**
 * Whether the slot that `evidence` tells of is still held: note and slot are locked, and are the files that they
 * were. The slot is looked at only when the note is locked: so the lock that looks, where it is got, never stands in
 * a newcomer's way.
 * @throws UsageError when the evidence cannot be read; NotPermittedError, ServiceUnreachableError
 */
export async function owns(root: string, evidence: string, settings: FileSettings): Promise<boolean> {
  const fact = readEvidence(evidence);
  const dir = join(root, fact('directory'));
  return (
    (await isLocked(join(dir, fact('note')), fact('noteFile'), '-s', settings)) &&
    (await isLocked(join(dir, fact('slot')), fact('slotFile'), '-x', settings))
  );
}

/** The descriptor of the file in the process that tries to lock it. */
const FD = 3;
/** What `flock -n` ends with when somebody else has the lock. */
const BUSY = 1;

/** @param by the kind of lock that whoever should have it excludes */
async function isLocked(
  path: string,
  identity: string,
  by: '-s' | '-x',
  settings: FileSettings,
): Promise<boolean> {
  const fd = openExisting(path);
  if (fd === undefined) return false;
  try {
    if (identityOf(fstatSync(fd)) !== identity) return false;
    const { ended } = startHelper('flock', ['-n', by, String(FD)], ['ignore', 'ignore', fd], settings);
    return (await ended).code === BUSY;
  } finally {
    closeSync(fd);
  }
}

function openExisting(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw fileError(dirname(path), error);
  }
}

function identityOf({ dev, ino }: Stats): string {
  return `${dev}:${ino}`;
}
