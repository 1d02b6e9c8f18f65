import assert from 'node:assert/strict';
import { test } from 'node:test';
import { carriesMark, judgeMark, type Shown, withMark } from '../../src/child/mark.js';

const [OUTER, INNER] = ['a'.repeat(32), 'b'.repeat(32)];

/** An environment as the kernel shows it. */
function environ(env: NodeJS.ProcessEnv): string {
  return Object.entries(env)
    .map(([name, value]) => `${name}=${value}\0`)
    .join('');
}

test('lockex marks the environment of its command and leaves the rest of it as it is', () => {
  const env = { PATH: '/bin', HOME: '' };
  assert.deepEqual(withMark(env, OUTER), { ...env, LOCKEX_TREE: OUTER });
  assert.deepEqual(env, { PATH: '/bin', HOME: '' });
});

test('a lockex inside a lockex adds its mark, so that its processes belong to both trees', () => {
  const nested = withMark(withMark({ LOCKEX_TREE: '' }, OUTER), INNER);
  assert.equal(nested['LOCKEX_TREE'], `${OUTER} ${INNER}`);
  assert.ok(carriesMark(environ(nested), OUTER));
  assert.ok(carriesMark(environ(nested), INNER));
  // The twin: a mark that replaced the outer one would let the outer tree lose them.
  assert.ok(!carriesMark(environ(withMark({}, INNER)), OUTER));
});

test('lockex knows a mark only as a whole word, and only in its own variable', () => {
  for (const env of [
    { LOCKEX_TREE: `${OUTER}0` },
    { LOCKEX_TREE: `x${OUTER}` },
    { LOCKEX_TREE: `${OUTER},${INNER}` },
    { OTHER: OUTER },
    { MY_LOCKEX_TREE: OUTER },
    { OTHER: `LOCKEX_TREE=${OUTER}` },
    {},
  ]) {
    assert.ok(!carriesMark(environ(env), OUTER), JSON.stringify(env));
  }
  assert.ok(carriesMark(`LOCKEX_TREE=${INNER}\0X=1\0LOCKEX_TREE=${INNER} ${OUTER}`, OUTER));
});

test('an empty environment proves nothing while a process is between two programs, and only then', () => {
  const look = (environ: string | undefined, environBytes: number | undefined, flags = 0): Shown => ({
    environ,
    facts: { environBytes, flags },
  });
  const [between, empty] = [look('', undefined), look('', 0)];
  const marked = look(environ({ LOCKEX_TREE: OUTER }), 900);
  const EXITING = 4;
  const judge = (...looks: readonly Shown[]) => judgeMark(looks, OUTER);
  assert.equal(judge(between), 'undecided');
  assert.equal(judge(look('', 900)), 'undecided', 'there is another program by now: it has to be read again');
  assert.equal(judge(between, marked), 'present');
  assert.equal(judge(empty, marked), 'present', 'it was being set up');
  assert.equal(judge(empty, between, empty), 'undecided');
  assert.equal(judge(empty, empty, empty), 'absent', 'it was started without an environment');
  assert.equal(judge(look('', undefined, EXITING)), 'absent', 'it is about to be gone');
  assert.equal(
    judge({ ...marked, facts: { environBytes: 900, flags: EXITING } }),
    'present',
    'it is not gone yet',
  );
  assert.equal(judge(between, { environ: '', facts: undefined }), 'absent', 'it is gone');
  assert.equal(judge(look(undefined, undefined)), 'absent', 'it is another user’s');
});
