import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Contender } from '../contract.js';
import { bindingIn, readKeeper } from './held.js';
import { startHelper } from './helper.js';
import { kindOfNote } from './layout.js';
import { inOrder, parseNote } from './note.js';
import { LOOK } from './scripts.js';
import type { FileSettings } from './settings.js';

/** The notes in a resource's directory, whether their contenders live or not; none if there is no directory. */
function notes(dir: string): readonly string[] {
  try {
    return readdirSync(dir).filter((name) => kindOfNote(name) !== undefined);
  } catch {
    return [];
  }
}

/** Something that changes whenever a contender comes, goes or gets a permit, or a minimum hold begins or passes. */
export function fingerprint(dir: string, settings: FileSettings): string {
  const held = bindingIn(dir, settings).map(({ name }) => name);
  const sizes = notes(dir).map((name) => {
    const stats = statSync(join(dir, name), { throwIfNoEntry: false });
    return `${name} ${stats?.size}`;
  });
  return [...held, ...sizes].sort().join('\n');
}

/** Who contends, found by which notes are locked. Changes nothing. Not of one instant. */
export async function look(
  dir: string,
  isSelf: (note: string) => boolean,
  settings: FileSettings,
): Promise<readonly Contender[]> {
  const found = notes(dir);
  if (found.length === 0) return kept(dir, [], settings);
  const paths = found.map((name) => join(dir, name));
  const { child, ended } = startHelper('/bin/sh', ['-c', LOOK, 'lockex-look', ...paths], [], settings);
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  await ended;
  const living = output.split('\n').filter((name) => found.includes(name));
  return inOrder([
    ...kept(dir, living, settings),
    ...living.flatMap((name) => readNote(dir, name, isSelf(name))),
  ]);
}

/** Those whose minimum hold binds and who are not there any more. */
function kept(dir: string, living: readonly string[], settings: FileSettings): Contender[] {
  return bindingIn(dir, settings)
    .filter(({ id }) => !living.some((name) => name.endsWith(`-${id}`)))
    .flatMap((held) => readKeeper(dir, held, settings));
}

function readNote(dir: string, name: string, self: boolean): Contender[] {
  try {
    const path = join(dir, name);
    return [parseNote(readFileSync(path, 'utf8'), statSync(path).mtime, self)];
  } catch {
    // It has left in the meantime.
    return [];
  }
}
