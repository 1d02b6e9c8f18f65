import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { type TestContext, test } from 'node:test';
import { sayFarewells } from '../../../src/child/guardian/farewell.js';
import type { IsolationLevel } from '../../../src/child/isolation.js';
import { until } from '../../../src/testing/until.js';
import type { HostOrder } from '../../fixtures/child/stage-host.js';
import { freePort } from '../../helpers/ports.js';
import { Host, USERS } from '../host.js';
import { atEachLevel } from '../levels.js';
import { openPipe } from '../pipe.js';

const BYTES = Buffer.from('good\0bye\xff', 'latin1');
/** The answer comes in two parts, with what has to be escaped in a word or a pattern, and a line's end within it. */
const ANSWER = ['you\0 said\n', 'so, /\xff!'] as const;
const TAKEN = String.raw`^you\x00.said.so, \/\xff!$`;

interface Address {
  readonly host: string;
  readonly port: number;
}

/** What a lock service does when it has heard all: the whole of its task, or not. */
type Manners = 'answers' | 'is silent' | 'hangs up' | 'refuses';

async function service(t: TestContext, host = '127.0.0.1', manners: Manners = 'answers') {
  const heard: Buffer[] = [];
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
    socket.on('data', (chunk) => {
      heard.push(chunk);
      if (Buffer.concat(heard).length < BYTES.length || manners === 'is silent') return;
      if (manners === 'answers') answer(socket);
      else socket.end(manners === 'refuses' ? 'no' : '');
    });
  });
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  server.listen(0, host);
  await once(server, 'listening');
  // A server that listens on a port.
  const { port } = server.address() as AddressInfo;
  return { address: { host, port }, connections: () => sockets.size, heard: () => Buffer.concat(heard) };
}

/** It need not hang up after that. */
function answer(socket: Socket): void {
  socket.write(ANSWER[0], 'latin1', () => setImmediate(() => socket.write(ANSWER[1], 'latin1')));
}

/** A command that is about to lose its lockex, with what the guardian is to say then. */
function spoken(
  t: TestContext,
  isolation: IsolationLevel,
  order: Partial<HostOrder>,
  dir = '/',
): Promise<Host> {
  const base = { isolation, group: 'own', file: 'sleep', args: ['60'] } as const;
  return Host.start(t, USERS[0] ?? 'nobody', { ...base, ...order }, { STAGE: dir });
}

/** Both programs, by the level that has them. */
const PROGRAMS = { 'guardian.pl': 'subreaper', 'guardian.cjs': 'walk' } as const;

for (const [name, level] of Object.entries(PROGRAMS)) {
  const say = async (t: TestContext, ...calls: readonly (readonly Address[])[]): Promise<Host> => {
    const host = await spoken(t, level, {
      farewells: calls.map((addresses) => ({ addresses, hex: BYTES.toString('hex'), taken: TAKEN })),
    });
    host.run.kill('SIGKILL');
    return host;
  };

  test(`${name} hands the farewell over byte for byte`, async (t) => {
    const server = await service(t);
    await say(t, [server.address]);
    await until(() => server.heard().length >= BYTES.length, 'it is heard');
    assert.deepEqual(server.heard(), BYTES);
  });

  test(`${name} tries the next address when one cannot be reached, is silent, hangs up or refuses, and none after one that did it`, async (t) => {
    const refusing = { host: '127.0.0.1', port: await freePort() };
    const unknown = { host: 'no-such-host.invalid', port: 1 };
    const bad = await Promise.all(
      (['is silent', 'hangs up', 'refuses'] as const).map((manners) => service(t, '127.0.0.1', manners)),
    );
    const [good, last] = [await service(t), await service(t)];
    const host = await say(t, [
      refusing,
      unknown,
      ...bad.map(({ address }) => address),
      good.address,
      last.address,
    ]);
    const { port } = good.address;
    await until(
      () => host.run.stderr.includes(`gave the lock back at 127.0.0.1:${port}`),
      'the good one does it',
    );
    assert.deepEqual(good.heard(), BYTES);
    for (const one of bad) assert.deepEqual(one.heard(), BYTES);
    assert.equal(last.connections(), 0);
  });

  test(`${name} says each of several farewells, whatever becomes of the others`, async (t) => {
    const refusing = { host: '127.0.0.1', port: await freePort() };
    const [silent, bad] = [
      await service(t, '127.0.0.1', 'is silent'),
      await service(t, '127.0.0.1', 'refuses'),
    ];
    const [one, other] = [await service(t), await service(t)];
    const host = await say(t, [refusing], [silent.address], [one.address], [bad.address], [other.address]);
    const ports = [one, other].map(({ address }) => `127.0.0.1:${address.port}`);
    await until(
      () => host.run.stderr.includes(`gave the lock back at ${ports.join(', ')}\n`),
      'it is told of both',
    );
    for (const each of [silent, bad, one, other]) assert.deepEqual(each.heard(), BYTES);
  });

  test(`${name} finds names, and addresses of IPv6 where there are any`, async (t) => {
    const four = await service(t);
    await say(t, [{ ...four.address, host: 'localhost' }]);
    await until(() => four.heard().length > 0, 'it is heard by name');
    if (!hasIpv6()) return;
    const six = await service(t, '::1');
    await say(t, [six.address]);
    await until(() => six.heard().length > 0, 'it is heard over IPv6');
  });
}

function hasIpv6(): boolean {
  return Object.values(networkInterfaces()).some((each) => each?.some(({ address }) => address === '::1'));
}

test('what became of a farewell is told', async (t) => {
  const server = await service(t);
  const { host, port } = server.address;
  assert.equal(await sayFarewells([]), 'nothing to give back');
  assert.equal(
    await sayFarewells([BYTES.toString('hex'), '', TAKEN, '1', host, String(port)]),
    `gave the lock back at ${host}:${port}`,
  );
  const none = 'no server took the lock back: it ends with the session';
  assert.equal(await sayFarewells(['00', '', TAKEN, '1', '127.0.0.1', String(await freePort())]), none);
  const empty = (await service(t, '127.0.0.1', 'hangs up')).address;
  assert.equal(
    await sayFarewells([BYTES.toString('hex'), '', TAKEN, '1', empty.host, String(empty.port)]),
    none,
  );
});

for (const how of ['killed', 'stopped until its lease has run out'] as const) {
  atEachLevel(
    `lockex ${how}: the lock is given back when the tree is dead, and not before`,
    async (stage, t) => {
      const dead = openPipe(stage, 'pipe');
      let deadWhenHeard: boolean | undefined;
      const server = createServer((socket) => {
        deadWhenHeard = dead();
        answer(socket);
      });
      t.after(() => server.close());
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      // A server that listens on a port.
      const { port } = server.address() as AddressInfo;
      const script =
        'exec 9<>"$STAGE/pipe"; for i in 1 2 3; do setsid -f sleep 60; done; echo 1 > "$STAGE/ready"; exec sleep 60';
      const farewell = { addresses: [{ host: '127.0.0.1', port }], hex: BYTES.toString('hex'), taken: TAKEN };
      const order = { file: '/bin/sh', args: ['-c', script], farewells: [farewell] };
      const host = await spoken(
        t,
        stage.level,
        how === 'killed' ? order : { ...order, leaseMs: 2000 },
        stage.dir,
      );
      await until(() => stage.text('ready'), 'it runs');
      const began = performance.now();
      host.run.kill(how === 'killed' ? 'SIGKILL' : 'SIGSTOP');
      await until(() => deadWhenHeard !== undefined, 'the lock is given back');
      t.diagnostic(`given back after ${Math.round(performance.now() - began)} ms`);
      assert.equal(deadWhenHeard, true);
      const why = how === 'killed' ? 'lockex has died' : 'lockex did not renew its lease in time';
      const line = `guardian: ${why}; its command was killed, all of it; gave the lock back at 127.0.0.1:${port}\n`;
      await until(() => host.run.stderr.includes(line), 'it is told');
      host.run.kill('SIGKILL');
      await until(() => host.guardians().length === 0, 'the guardian has gone');
    },
  );
}
