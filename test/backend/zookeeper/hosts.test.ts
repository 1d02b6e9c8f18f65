import assert from 'node:assert/strict';
import { test } from 'node:test';
import { showServer } from '../../../src/backend/address.js';
import { parseEnsemble } from '../../../src/backend/zookeeper/hosts.js';
import { UsageError } from '../../../src/util/errors.js';

const show = (address: string) => {
  const { servers, chroot } = parseEnsemble(address);
  return `${servers.map(showServer).join(',')}${chroot}`;
};

test('an address may have spaces, no port, a chroot, and a trailing slash', () => {
  assert.equal(show('a'), 'a:2181');
  assert.equal(show(' a:1 ,  b , c:65535 '), 'a:1,b:2181,c:65535');
  assert.equal(show('a:1,b:2/app/locks/'), 'a:1,b:2/app/locks');
  assert.equal(show('a/'), 'a:2181');
});

test('an IPv6 address may be in brackets, with a port, or bare', () => {
  assert.equal(show('[::1]:2182'), '[::1]:2182');
  assert.equal(show('[fe80::1]'), '[fe80::1]:2181');
  assert.equal(show('::1, 2001:db8::7/app'), '[::1]:2181,[2001:db8::7]:2181/app');
});

for (const bad of [
  '',
  ' , ',
  'a:abc',
  'a:0',
  'a:99999',
  'a:',
  'a b:1',
  '[::1',
  'a:1//x',
  'a:1/../x',
  'http://a:1',
  '::1::',
  '[a]:1',
]) {
  test(`the address ${JSON.stringify(bad)} is refused, and the message names what came`, () => {
    assert.throws(
      () => parseEnsemble(bad),
      (error) => error instanceof UsageError && /expected .*, got /.test(error.message),
    );
  });
}

test('a password with a slash in it is not shown as a part of an address', () => {
  assert.throws(
    () => parseEnsemble('me:se/cret@a:1'),
    (error) => error instanceof UsageError && !/se|cret/.test(error.message.replace('user:password', '')),
  );
  assert.equal(show('a:1/x@y'), 'a:1/x@y');
});
