import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { alive, allPids, argvOf, processesWithEnv } from './processes.js';

/** The notes of contenders below the directory of a file backend. */
export function notesIn(root: string): string[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => /\/c-[^/]+$/.test(name));
}

/** The small processes of a file backend that keeps its locks in `root`: keepers, lookers, and those who wait. */
export function helpersOf(root: string): number[] {
  const byArguments = allPids().filter(
    (pid) => alive(pid) && argvOf(pid)[0]?.endsWith('sh') && argvOf(pid).some((arg) => arg.startsWith(root)),
  );
  const waiting = notesIn(root).flatMap((note) => waitersOf(note));
  return [...byArguments, ...waiting];
}

/** The processes that wait for a slot, for the contender with this note. */
export function waitersOf(note: string): number[] {
  return processesWithEnv(`LOCKEX_WAITER=${note.slice(note.lastIndexOf('-') + 1)}`);
}

/** The keeper of the contender with this note. */
export function keeperOf(note: string): number | undefined {
  const name = note.slice(note.lastIndexOf('/') + 1);
  return allPids().find(
    (pid) => alive(pid) && argvOf(pid).includes('lockex-keeper') && argvOf(pid).includes(name),
  );
}

/** The keeper of the one contender that holds. */
export function keeperOfHolder(root: string): number {
  const holding = notesIn(root).filter((note) =>
    readFileSync(join(root, note), 'utf8').includes('\nholding\n'),
  );
  const [note] = holding;
  const keeper = note === undefined ? undefined : keeperOf(note);
  if (keeper === undefined || holding.length > 1) throw new Error(`expected one holder, got ${holding}`);
  return keeper;
}
