import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { ProcessSignals } from '../../src/cli/signals.js';

function feed(foreground = false) {
  const source = new EventEmitter();
  const signals = new ProcessSignals(source, () => foreground);
  const heard: string[] = [];
  return {
    source,
    signals,
    heard,
    send: (name: string) => source.emit(name, name),
    listen: () => signals.subscribe((name) => void heard.push(name)),
  };
}

test('a signal that comes before anybody listens is kept when it asks for an end', async () => {
  const { send, listen, heard } = feed();
  send('SIGTERM');
  send('SIGUSR1');
  send('SIGWINCH');
  listen();
  assert.deepEqual(heard, [], 'not before the subscriber has what it gets back');
  await Promise.resolve();
  assert.deepEqual(heard, ['SIGTERM']);
});

test('a kept signal is not for who has left at once', async () => {
  const { send, listen, heard } = feed();
  send('SIGINT');
  listen()();
  await Promise.resolve();
  assert.deepEqual(heard, []);
});

test('every listener hears a signal, until it leaves', () => {
  const { send, listen, heard } = feed();
  const leave = listen();
  listen();
  send('SIGHUP');
  leave();
  send('SIGUSR2');
  assert.deepEqual(heard, ['SIGHUP', 'SIGHUP', 'SIGUSR2']);
});

test('SIGUSR1, which would open the inspector of Node, is answered from the first moment', () => {
  assert.equal(feed().source.listenerCount('SIGUSR1'), 1);
});

test('Ctrl-Z suspends lockex while it waits, and not once it holds', () => {
  const { source, signals, send, listen, heard } = feed();
  listen();
  assert.equal(source.listenerCount('SIGTSTP'), 0);
  signals.refuseSuspension();
  for (const name of ['SIGTSTP', 'SIGTTIN', 'SIGTTOU']) assert.equal(source.listenerCount(name), 1);
  send('SIGTSTP');
  assert.deepEqual(heard, ['SIGTSTP']);
});

test('the keys of a terminal reach the command by themselves, other signals do not', () => {
  const { signals } = feed(true);
  for (const name of ['SIGINT', 'SIGQUIT', 'SIGWINCH', 'SIGTSTP'] as const)
    assert.equal(signals.deliveredByTerminal(name), true);
  for (const name of ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGCONT'] as const)
    assert.equal(signals.deliveredByTerminal(name), false);
  assert.equal(feed(false).signals.deliveredByTerminal('SIGINT'), false);
});
