import {
  closeSync,
  constants,
  fstatSync,
  futimesSync,
  mkdirSync,
  openSync,
  rmdirSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { codeOf } from '../../util/errors.js';
import { randomId } from '../../util/random-id.js';
import type { Claim } from '../contract.js';
import { heldName } from './held.js';
import { directoryName, noteName, slotName } from './layout.js';
import { formatNote, HOLDING_LINE } from './note.js';
import { evidenceOf, type HeldFile } from './ownership.js';
import type { FileSettings } from './settings.js';

/** Readable is enough for flock(2), so that the slot of another user will do. */
const SLOT_FLAGS = constants.O_RDONLY | constants.O_CREAT;

interface OpenFile {
  readonly path: string;
  readonly fd: number;
}

/**
 * The files of one contender: its note, and the slots it tries. The locks are on these open files; Node opens
 * them with O_CLOEXEC, so only who is given a descriptor shares them, never the command.
 */
export class Entry {
  readonly dir: string;
  readonly id: string;
  readonly noteName: string;
  readonly #note: OpenFile;
  readonly #slots: (OpenFile | undefined)[];
  #held: string | undefined;

  private constructor(dir: string, id: string, note: string, noteFile: OpenFile, slots: OpenFile[]) {
    this.dir = dir;
    this.id = id;
    this.noteName = note;
    this.#note = noteFile;
    this.#slots = slots;
  }

  /** Makes what is missing and opens it; `undefined` when the directory was taken away in the middle of it. */
  static open(root: string, claim: Claim): Entry | undefined {
    const dir = join(root, directoryName(claim.resource));
    const id = randomId();
    const opened: OpenFile[] = [];
    const open = (name: string, flags: string | number): OpenFile => {
      const path = join(dir, name);
      const file = { path, fd: openSync(path, flags, 0o666) };
      opened.push(file);
      return file;
    };
    try {
      mkdirSync(dir, { recursive: true });
      const name = noteName(claim.permits, id);
      const note = open(name, 'ax');
      writeSync(note.fd, formatNote(claim.identity));
      const slots = Array.from({ length: claim.permits }, (_, slot) => open(slotName(slot), SLOT_FLAGS));
      return new Entry(dir, id, name, note, slots);
    } catch (error) {
      for (const { fd } of opened) closeSync(fd);
      if (codeOf(error) === 'ENOENT') return undefined;
      // On a full disk, say, each try would leave another note behind. It is the first file that was made.
      for (const { path } of opened.slice(0, 1)) removeNote(path);
      throw error;
    }
  }

  get noteFd(): number {
    return this.#note.fd;
  }

  /** The descriptors of the slots that are open, by number. */
  get slotFds(): readonly number[] {
    return this.#slots.flatMap((file) => file?.fd ?? []);
  }

  /** Whether what we have locked is still what stands at the paths. A replaced file locks nobody out. */
  isCurrent(slot: number): boolean {
    return [this.#note, this.#slots[slot]].every((file) => file !== undefined && stands(file));
  }

  /** What another process needs to tell whether we still hold this slot. */
  evidenceOf(slot: number): string {
    const file = this.#slots[slot];
    if (file === undefined) throw new Error(`slot ${slot} is not open`);
    return evidenceOf(this.dir, held(this.#note), held(file));
  }

  /** Begins the minimum hold of the slot that we have won, if the claim wants one. */
  markHeld(slot: number, claim: Claim, { clock, boot }: FileSettings): void {
    if (claim.holdMs === undefined || claim.holdMs === 0) return;
    const path = join(this.dir, heldName(slot, claim, this.id, clock.now(), boot));
    this.#held = path;
    writeFileSync(path, formatNote(claim.identity), { flag: 'wx' });
  }

  /** There was no grant after all: nothing is kept. Does not throw: it may stay, at the cost of the hold. */
  unmarkHeld(): void {
    if (this.#held === undefined) return;
    try {
      unlinkSync(this.#held);
    } catch {
      // Gone with its directory, or not ours to remove any more.
    }
  }

  /** Writes down that we hold, and closes the slots that we do not. */
  hold(slot: number): void {
    writeSync(this.#note.fd, HOLDING_LINE);
    for (const [index, file] of this.#slots.entries()) {
      if (file === undefined || index === slot) continue;
      closeSync(file.fd);
      this.#slots[index] = undefined;
    }
  }

  /**
   * Makes the files look used to cleaners of temporary directories, by their access time: the time of writing
   * tells others since when we hold.
   * @param now the date, which such cleaners go by
   */
  touch(now: Date): void {
    futimesSync(this.#note.fd, now, fstatSync(this.#note.fd).mtime);
    for (const file of this.#slots) if (file !== undefined) futimesSync(file.fd, now, now);
    utimesSync(this.dir, now, now);
  }

  /** Closes everything; the locks end with the last who has them open. Once. */
  close(): void {
    closeSync(this.#note.fd);
    for (const file of this.#slots) if (file !== undefined) closeSync(file.fd);
    this.#slots.length = 0;
  }
}

/** Removes a note that no keeper has locked yet, and the directory if nothing else is in it. Does not throw. */
function removeNote(path: string): void {
  try {
    unlinkSync(path);
    rmdirSync(dirname(path));
  } catch {
    // Somebody else is there, or it is gone already.
  }
}

function held({ path, fd }: OpenFile): HeldFile {
  return { name: basename(path), stats: fstatSync(fd) };
}

function stands({ path, fd }: OpenFile): boolean {
  try {
    const [there, ours] = [statSync(path), fstatSync(fd)];
    return there.ino === ours.ino && there.dev === ours.dev;
  } catch {
    // Gone, or out of our sight: either way nothing keeps others from making a new one.
    return false;
  }
}
