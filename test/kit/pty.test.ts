import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../src/testing/until.js';
import { alive } from '../helpers/processes.js';
import { KEYS, Pty } from '../helpers/pty.js';
import { scope } from '../helpers/scope.js';

test('a command on a terminal has it as its controlling terminal, with the size asked for', async (t) => {
  const pty = await scope(t).use(
    new Pty('sh', ['-c', 'stty size; tty </dev/tty; test -t 1 && echo "$X"; exit 7'], {
      columns: 100,
      rows: 30,
      env: { X: 'terminal' },
    }),
  );
  assert.deepEqual(await pty.exited, { code: 7, signal: null });
  assert.equal(pty.screen, '30 100\r\n/dev/tty\r\nterminal\r\n');
});

test('typed text is echoed and read, and Ctrl-D ends it', async (t) => {
  const pty = await scope(t).use(new Pty('cat', []));
  pty.type('hello\n');
  await pty.shows('hello\r\nhello\r\n');
  pty.type(KEYS.CTRL_D);
  assert.deepEqual(await pty.exited, { code: 0, signal: null });
});

test('Ctrl-C is one SIGINT to the foreground group', async (t) => {
  const pty = await scope(t).use(new Pty('sh', ['-c', 'cat; exit 9']));
  // A shell that has forked but not yet executed swallows the signal: cat must have answered before.
  pty.type('x\n');
  await pty.shows('x\r\nx\r\n');
  pty.type(KEYS.CTRL_C);
  assert.deepEqual(await pty.exited, { code: null, signal: 'SIGINT' });
  await pty.expectNoStray();
});

test('Ctrl-Z stops a job of an interactive shell, and fg continues it', async (t) => {
  // Not bash: its line editor changes the terminal's modes while we type.
  const pty = await scope(t).use(new Pty('sh', ['-i'], { env: { PS1: 'prompt: ' } }));
  await pty.shows('prompt: ');
  pty.type('cat\n');
  pty.type('echoed\n');
  await pty.shows('echoed\r\nechoed\r\n');
  pty.type(KEYS.CTRL_Z);
  await pty.shows(/Stopped\s+cat/);
  pty.type('fg\n');
  await pty.shows('fg\r\ncat\r\n');
  pty.type('again\n');
  await pty.shows('again\r\nagain\r\n');
  pty.type(KEYS.CTRL_C);
  // The shell drops what was typed ahead of its next prompt.
  await pty.shows(/\^C\s+prompt: $/);
  pty.type('exit 5\n');
  assert.deepEqual(await pty.exited, { code: 5, signal: null });
});

test('another size reaches the foreground as SIGWINCH', async (t) => {
  const pty = await scope(t).use(
    new Pty('bash', ['-c', 'trap "stty size; exit 0" WINCH; echo ready; while :; do sleep 0.05; done']),
  );
  await pty.shows('ready');
  pty.resize(132, 43);
  assert.deepEqual(await pty.exited, { code: 0, signal: null });
  assert.match(pty.screen, /43 132\r\n/);
});

test('closing the terminal hangs up on the command', async (t) => {
  const pty = await scope(t).use(new Pty('cat', []));
  const pid = await pty.pid();
  pty.hangUp();
  await until(() => !alive(pid), 'the command is gone');
  await assert.rejects(pty.exited, /no exit status/);
});
