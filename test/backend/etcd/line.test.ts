import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCluster } from '../../../src/backend/etcd/address.js';
import { failureOf, isTlsRefusal, plainly } from '../../../src/backend/etcd/failure.js';
import { farewellBytes, taken } from '../../../src/backend/etcd/farewell.js';
import { contenderKey, directoryOf, endOf, holdKey, readKey } from '../../../src/backend/etcd/keys.js';
import { type Entry, isEntitled, type Line, lineOf, otherKind } from '../../../src/backend/etcd/line.js';
import { decodeValue, encodeValue } from '../../../src/backend/etcd/value.js';
import { UsageError } from '../../../src/util/errors.js';

let made = 0;
function entry(part: { is?: Entry['is']; id?: string; shared?: boolean; permits?: number } = {}): Entry {
  made += 1;
  return {
    is: part.is ?? 'contender',
    id: part.id ?? `${made}`,
    revision: BigInt(made),
    told: {
      mode: part.shared ? 'shared' : 'exclusive',
      permits: part.permits ?? 1,
      since: undefined,
      until: undefined,
    },
  };
}
const entitled = (line: Line) => line.places.map((_, index) => isEntitled(line, index));

test('of a lock the first in line may hold, and of readers all before the first writer', () => {
  assert.deepEqual(entitled(lineOf([entry(), entry()])), [true, false]);
  const mixed = [entry({ shared: true }), entry({ shared: true }), entry(), entry({ shared: true })];
  assert.deepEqual(entitled(lineOf(mixed)), [true, true, false, false]);
});

test('the order is by revision, as a number', () => {
  const [first, second] = [
    { ...entry(), revision: 9n },
    { ...entry(), revision: 10n },
  ];
  assert.deepEqual(lineOf([second, first]).places, [first, second]);
});

test('of a semaphore the first N may hold', () => {
  assert.deepEqual(entitled(lineOf([2, 2, 2].map((permits) => entry({ permits })))), [true, true, false]);
});

test('a minimum hold keeps a permit once its contender is gone, and not before', () => {
  const holder = entry({ permits: 2 });
  const hold = entry({ is: 'hold', id: holder.id, permits: 2 });
  const others = [entry({ permits: 2 }), entry({ permits: 2 })];
  assert.deepEqual(entitled(lineOf([holder, hold, ...others])), [true, true, false]);
  assert.deepEqual(entitled(lineOf([hold, ...others])), [true, false]);
});

test('a permit once granted is not taken away by what others do, whatever the order', () => {
  // All lines of up to four contenders: when one that is entitled turns into a hold, all who were entitled still are.
  for (const permits of [1, 2, 3]) {
    for (let readers = 0; readers < (permits === 1 ? 16 : 1); readers += 1) {
      const all = [0, 1, 2, 3].map((bit) => entry({ permits, shared: (readers & (1 << bit)) !== 0 }));
      const line = lineOf(all);
      const before = line.places.filter((_, index) => isEntitled(line, index));
      for (const gone of before) {
        const after = lineOf(all.map((one) => (one === gone ? { ...one, is: 'hold' as const } : one)));
        for (const [index, place] of after.places.entries()) {
          if (before.includes(place)) assert.ok(isEntitled(after, index));
        }
      }
    }
  }
});

test('of two kinds it is the later one that is refused', () => {
  const line = lineOf([entry({ permits: 2 }), entry()]);
  assert.equal(otherKind(line, 0), undefined);
  assert.equal(otherKind(line, 1), line.places[0]);
  // One that comes before the refused one has left is refused neither for that nor by it.
  assert.equal(otherKind(lineOf([entry(), entry({ permits: 2 }), entry()]), 2), undefined);
});

const ID = '0000000000000abc';

test('the keys of one resource are not among those of another', () => {
  const [a, ab] = [directoryOf('/p', 'a'), directoryOf('/p', 'a/b')];
  for (const key of [contenderKey(ab, ID), holdKey(ab, ID), contenderKey(directoryOf('/p', 'a0'), ID)]) {
    assert.ok(key < a || key >= endOf(a), key);
  }
  assert.deepEqual(readKey(a, holdKey(a, ID)), { id: ID, is: 'hold' });
  assert.equal(readKey(a, `${a}notes`), undefined);
});

test('a value tells who contends; one that is not ours to read stands for a plain lock', () => {
  const claim = { identity: { host: 'h', pid: 1, command: 'ü' }, mode: 'shared', permits: 1 } as const;
  const since = new Date(5000);
  assert.deepEqual(decodeValue(encodeValue(claim, since)), {
    ...claim.identity,
    mode: 'shared',
    permits: 1,
    since,
    until: undefined,
  });
  for (const odd of ['', 'x', '[]', 'null', '{"permits":"2","since":7}']) {
    const { mode, permits, host } = decodeValue(Buffer.from(odd));
    assert.deepEqual([mode, permits, host], ['exclusive', 1, undefined]);
  }
});

test('an address has servers, a prefix and a login', () => {
  const { servers, login, prefix } = parseCluster('me:p%40ss@a,[::1]:9/app/');
  assert.deepEqual([servers.length, login, prefix], [2, 'me:p@ss', '/app']);
  assert.equal(servers[0]?.port, 2379);
  assert.throws(() => parseCluster('me@a'), UsageError);
  assert.throws(() => parseCluster('me:1/secret@a'), { name: 'UsageError', message: /^(?!.*secret)/ });
});

test('errors are told apart by what they mean for a lock', () => {
  const of = (message: string) => failureOf(new Error(message));
  assert.equal(of('14 UNAVAILABLE: etcdserver: leader changed'), 'passing');
  assert.equal(of('12 UNIMPLEMENTED: Received HTTP status code 404'), 'passing');
  assert.equal(of('4 DEADLINE_EXCEEDED: Deadline exceeded'), 'passing');
  assert.equal(
    of('Lease 5 NOT_FOUND: etcdserver: requested lease not found is expired or revoked'),
    'lease-gone',
  );
  assert.equal(of('9 FAILED_PRECONDITION: etcdserver: lease already exists'), 'lease-exists');
  assert.equal(of('7 PERMISSION_DENIED: etcdserver: permission denied'), 'refused');
  assert.equal(of('16 UNAUTHENTICATED: etcdserver: invalid auth token'), 'passing');
  assert.equal(of('3 INVALID_ARGUMENT: etcdserver: user name is empty'), 'refused');
  assert.equal(of('8 RESOURCE_EXHAUSTED: etcdserver: mvcc: database space exceeded'), 'full');
  assert.equal(of('8 RESOURCE_EXHAUSTED: etcdserver: too many requests'), 'passing');
  assert.equal(of('3 INVALID_ARGUMENT: etcdserver: key is not provided'), 'other');
});

test('what etcd says is told without the words of gRPC around it', () => {
  const refused = 'connect ECONNREFUSED 127.0.0.1:1';
  const told = `14 UNAVAILABLE: No connection established. Last error: Error: ${refused}. Resolution note: `;
  assert.equal(plainly(new Error(told)), refused);
  assert.equal(
    plainly(new Error('7 PERMISSION_DENIED: etcdserver: permission denied')),
    'etcdserver: permission denied',
  );
  const foreign = 'Last error: Error: Protocol error (2026-11-26T22:57:52.372Z). Resolution note: ';
  assert.equal(
    plainly(new Error(`14 UNAVAILABLE: No connection established. ${foreign}`)),
    "what answers there speaks no gRPC: is it etcd's port for clients?",
  );
  assert.equal(plainly(new Error('no answer')), 'no answer');
  const alert =
    'error:0A000412:SSL routines:ssl3_read_bytes:sslv3 alert bad certificate:../deps/rec_layer_s3.c:1601';
  const at = '(2026-11-26T23:11:08.119Z)';
  const unwelcome = new Error(
    `14 UNAVAILABLE: No connection established. Last error: Error: 80BC:${alert}:SSL alert number 42\n ${at}. Resolution note: `,
  );
  assert.equal(plainly(unwelcome), 'sslv3 alert bad certificate');
  assert.deepEqual([unwelcome, new Error(told)].map(isTlsRefusal), [true, false]);
});

test('a farewell deletes all keys, and asks to hang up after the last', () => {
  const text = farewellBytes(['/a//1', '/a//2'], 'tok').toString();
  assert.equal(text.match(/POST \/v3\/kv\/deleterange HTTP\/1\.1/g)?.length, 2);
  assert.equal(text.match(/Connection: close/g)?.length, 1);
  assert.match(text, /Connection: close\r\n\r\n\{"key":"L2EvLzI="\}$/);
  assert.equal(text.match(/Authorization: tok/g)?.length, 2);
});

test('a farewell is taken when there are as many answers as leases, all of success', () => {
  const [ok, refused] = ['HTTP/1.1 200 OK\r\n\r\n{}', 'HTTP/1.1 401 Unauthorized\r\n\r\n{}'];
  const answers = [ok + ok, ok, ok + refused, refused + refused, ''];
  assert.deepEqual(
    answers.map((text) => taken(2).test(text)),
    [true, false, false, false, false],
  );
});
