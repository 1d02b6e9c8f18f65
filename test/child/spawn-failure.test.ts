import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, rmdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { CommandError } from '../../src/util/errors.js';
import { atEachLevel } from './levels.js';
import type { Stage } from './stage.js';

/** Starts a command that cannot be started, and returns the error. */
async function failure(stage: Stage, file: string, args: string[] = []): Promise<CommandError> {
  const error: unknown = await stage.start(file, args).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof CommandError, `expected a CommandError, got ${error}`);
  assert.ok(error.hint, 'it says what to do');
  return error;
}

function script(stage: Stage, text: string, mode: number): string {
  const file = stage.path('script');
  writeFileSync(file, text);
  chmodSync(file, mode);
  return file;
}

atEachLevel('a script without #! is run by /bin/sh, as the shell and execvp do', async (stage) => {
  const file = script(stage, 'printf "%s|" "$@" > "$STAGE/out"; exit 5\n', 0o755);
  const child = await stage.start(file, ['a b', '']);
  assert.deepEqual(await child.exited, { how: 'exited', code: 5 });
  assert.equal(stage.text('out'), 'a b||');
});

atEachLevel('a command that does not exist is not found, and the message names it', async (stage) => {
  const [onPath, byPath, empty, inOne] = [
    await failure(stage, 'lockex-no-such-command'),
    await failure(stage, stage.path('nothing')),
    await failure(stage, ''),
    await failure(stage, 'echo hello'),
  ];
  for (const error of [onPath, byPath, empty, inOne]) assert.equal(error.kind, 'not-found');
  assert.match(onPath.message, /"lockex-no-such-command": .*PATH/);
  assert.match(byPath.message, /nothing": there is no such file/);
  assert.match(empty.message, /is empty/);
  assert.match(inOne.hint ?? '', /each argument on its own/);
});

atEachLevel('a script whose interpreter is missing is told from a script that is missing', async (stage) => {
  const file = script(stage, '#!/no/such/interpreter\n', 0o755);
  const error = await failure(stage, file);
  assert.equal(error.kind, 'not-found');
  assert.match(error.message, /is there, but the interpreter/);
});

atEachLevel(
  'a relative command is told from one that is missing when the working directory was removed',
  async (stage) => {
    const before = process.cwd();
    mkdirSync(stage.path('gone'));
    process.chdir(stage.path('gone'));
    try {
      rmdirSync(stage.path('gone'));
      assert.match((await failure(stage, './x')).message, /working directory was removed/);
    } finally {
      process.chdir(before);
    }
  },
);

atEachLevel('what cannot be executed is refused as that, with the reason', async (stage) => {
  const file = script(stage, '#!/bin/sh\n', 0o644);
  symlinkSync(stage.path('loop'), stage.path('loop'));
  const cases: readonly [string, string[], RegExp][] = [
    [file, [], /not executable for this user/],
    [stage.dir, [], /or a directory/],
    [`${file}/x`, [], /not a directory/],
    [stage.path('loop'), [], /loop of symbolic links/],
    [`/${'x'.repeat(5000)}`, [], /too long/],
    ['true', ['x'.repeat(3_000_000)], /arguments and environment are larger/],
  ];
  for (const [name, args, reason] of cases) {
    const error = await failure(stage, name, args);
    assert.equal(error.kind, 'not-executable');
    assert.match(error.message, reason);
    assert.ok(error.message.includes(JSON.stringify(name)), 'the message names the file');
  }
});
