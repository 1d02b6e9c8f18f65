import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BadFrameError, FrameSplitter } from '../../../src/backend/zookeeper/framing.js';

function frame(length: number, fill = 7): Buffer {
  const bytes = Buffer.alloc(length + 4, fill);
  bytes.writeInt32BE(length, 0);
  return bytes;
}

test('frames come out whole, however the bytes come in', () => {
  const bytes = Buffer.concat([frame(16, 1), frame(40, 2), frame(20, 3)]);
  for (const size of [1, 3, 4, 19, 20, 21, 200]) {
    const splitter = new FrameSplitter();
    const out: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += size) out.push(...splitter.push(bytes.subarray(at, at + size)));
    assert.deepEqual(Buffer.concat(out), bytes);
    assert.deepEqual(
      out.map((each) => each.length),
      [20, 44, 24],
    );
  }
});

for (const length of [-1, 0, 15, (4 << 20) + 1, 0x48545450]) {
  test(`a frame of length ${length} ends the connection instead of filling the memory or ending the process`, () => {
    const bytes = Buffer.alloc(8);
    bytes.writeInt32BE(length, 0);
    assert.throws(() => new FrameSplitter().push(bytes), BadFrameError);
  });
}
