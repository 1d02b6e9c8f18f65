import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FrameReader } from '../../../src/child/guardian/frame-reader.js';
import { frame } from '../../../src/child/guardian/protocol.js';

function reader(): { frames: string[][]; push: (chunk: Buffer | string) => void } {
  const frames: string[][] = [];
  const it = new FrameReader((words) => frames.push([...words]));
  return { frames, push: (chunk) => it.push(Buffer.from(chunk)) };
}

const SENT = [['go', '', 'a b', 'ä😀'], ['done'], [''], ['keep', '', '3']];

test('frames are read whole, however they are cut', () => {
  const bytes = Buffer.concat(SENT.map((words) => frame(...words)));
  for (let size = 1; size <= bytes.length; size += 1) {
    const { frames, push } = reader();
    for (let at = 0; at < bytes.length; at += size) push(bytes.subarray(at, at + size));
    assert.deepEqual(frames, SENT, `in pieces of ${size}`);
  }
});

test('a frame of a megabyte is read', () => {
  const { frames, push } = reader();
  const words = ['go', 'x'.repeat(1 << 20)];
  push(frame(...words));
  assert.deepEqual(frames, [words]);
});

test('what is no frame is an error and not a wait without end', () => {
  for (const garbage of ['x', 'abc:def', ':x', '-1:x', '1e3:x', '12345678901', '4:done4;']) {
    const { push } = reader();
    assert.throws(() => push(garbage), /expected a frame/, garbage);
  }
});
