import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import packageJson from '../../package.json' with { type: 'json' };
import { until } from '../../src/testing/until.js';
import { LOCKEX, Lockex } from '../helpers/lockex.js';
import { NODE_LINES, type NodeLine, nodeOf, onceIn, pick } from '../helpers/node-versions.js';
import { freePort } from '../helpers/ports.js';
import { scope } from '../helpers/scope.js';
import { tempDir } from '../helpers/temp.js';
import { startZooKeeper, type ZooKeeper } from '../helpers/zookeeper.js';

let zookeeper: ZooKeeper;
const nodes = new Map<NodeLine, string>();
before(async () => {
  await Promise.all(NODE_LINES.map(async (line) => nodes.set(line, await nodeOf(line))));
  zookeeper = await startZooKeeper();
});
after(() => zookeeper[Symbol.asyncDispose]());

for (const line of NODE_LINES) {
  describe(`on the ${line.take} Node ${line.range}, lockex as it was built by another`, () => {
    /** Runs the built binary on this Node, which is the one that `#!/usr/bin/env node` finds. */
    async function run(t: TestContext, ...args: string[]) {
      const PATH = `${dirname(nodes.get(line) ?? '')}:/usr/bin:/bin`;
      const it = await scope(t).use(new Lockex(LOCKEX, args, { env: { PATH } }));
      const { code } = await it.exited;
      return { code, stdout: it.stdout, stderr: it.stderr, messages: it.logs.map(({ msg }) => String(msg)) };
    }

    test('runs there', async (t) => {
      const it = await run(t, '-q', '--local', '-i', line.range, '--', 'node', '--version');
      assert.deepEqual([it.code, it.stderr], [0, '']);
      assert.ok(it.stdout.startsWith(`v${line.range}.`), it.stdout);
    });

    test('shows its version and its help', async (t) => {
      const version = await run(t, '--version');
      assert.deepEqual(
        [version.code, version.stdout, version.stderr],
        [0, `lockex ${packageJson.version}\n`, ''],
      );
      const help = await run(t, '--help');
      assert.deepEqual([help.code, help.stderr], [0, '']);
      assert.match(help.stdout, /^lockex \[options\] -- command \[args…\]\n.*--zkhosts.*\n {2}75 /s);
    });

    test('refuses a bad command line with one line', async (t) => {
      const { code, stdout, stderr } = await run(t, '-c', '0', '--', 'true');
      assert.deepEqual([code, stdout], [64, '']);
      assert.match(stderr, /^lockex: --concurrent \(-c\): .*\n$/);
    });

    test('runs a command without a server', async (t) => {
      const { code, stdout, messages } = await run(t, '--local', '-i', line.range, '--', 'echo', 'hello');
      assert.deepEqual([code, stdout], [0, 'hello\n']);
      assert.deepEqual(messages.slice(1), [
        'acquired the lock',
        'the command exited with 0; the lock is given back',
      ]);
    });

    test('runs a command under a lock of ZooKeeper', async (t) => {
      const command = 'env | grep ^LOCKEX_ | sort; exit 3';
      const { code, stdout, stderr, messages } = await run(
        t,
        ...['-z', zookeeper.address, '-T', '4', '-i', 'x', '--', 'sh', '-c', command],
      );
      assert.equal(code, 3, stderr);
      assert.match(
        stdout,
        /^LOCKEX_FENCING_TOKEN=\d+\n.*\nLOCKEX_LOCK_ID=x\nLOCKEX_LOCK_PATH=\/lockex\/x\n/s,
      );
      assert.equal(messages.at(-1), 'the command exited with 3; the lock is given back');
      assert.doesNotMatch(stderr, /Warning|^\s+at /m);
    });
  });
}

test('each Node that package.json allows is tested', () => {
  const allowed = packageJson.engines.node.split('||').map((range) => /\d+/.exec(range)?.[0]);
  assert.deepEqual(
    NODE_LINES.map(({ range }) => range.split('.')[0]),
    allowed,
  );
  // The oldest, and another than the one that made the code cache: V8 must not be given foreign code.
  assert.ok(packageJson.engines.node.startsWith(`^${NODE_LINES[0]?.range}.`));
});

describe('the kit', () => {
  test('takes the oldest or the newest version by its numbers, and no prerelease', () => {
    const versions = ['22.9.0', '22.10.0', '22.2.0', '22.11.0-rc.1'];
    assert.equal(pick(versions, { range: '22', take: 'newest' }), '22.10.0');
    assert.equal(pick(versions, { range: '22', take: 'oldest' }), '22.2.0');
    assert.throws(() => pick([], { range: '99', take: 'newest' }), /expected a published Node 99, got none/);
  });

  test('says what it needs and from where when the registry is out of reach', async (t) => {
    const cache = await scope(t).use(tempDir('registry'));
    const registry = `http://127.0.0.1:${await freePort()}/`;
    const env = {
      npm_config_registry: registry,
      npm_config_cache: cache.join('npm'),
      npm_config_fetch_retries: '0',
    };
    await assert.rejects(
      nodeOf({ range: '22', take: 'newest' }, { cache: cache.join('node'), env }),
      /^Error: the tests need other Node versions, from the npm registry; "npm view node-.*@22 .*ECONNREFUSED/s,
    );
    assert.deepEqual(readdirSync(cache.join('node')), []);
  });

  test('lets any number fetch at the same time, and nobody sees a half', async (t) => {
    const dir = await scope(t).use(tempDir('fetch'));
    const home = dir.join('home');
    let filling = 0;
    const fetch = async (text: string) => {
      await onceIn(home, async (draft) => {
        filling += 1;
        await until(() => filling === 3, 'all are at it');
        writeFileSync(`${draft}/file`, text);
      });
      return readFileSync(`${home}/file`, 'utf8');
    };
    const seen = await Promise.all(['a', 'b', 'c'].map(fetch));
    assert.equal(new Set(seen).size, 1);
    assert.deepEqual(readdirSync(dir.path), ['home']);
    assert.equal(await fetch('too late'), seen[0]);
  });
});
