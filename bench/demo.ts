import { existsSync } from 'node:fs';
import { Scope } from '../test/helpers/scope.js';
import { tempDir } from '../test/helpers/temp.js';
import { startZooKeeper } from '../test/helpers/zookeeper.js';
import { DemoContender, TIMEOUT_S } from './demo/contender.js';
import { Screen } from './demo/screen.js';
import { tell } from './demo/story.js';

/**
 * `npm run demo`: three contenders for one ticking command, on a real ZooKeeper, and what lockex makes of `kill -9`, a
 * freeze and a cut link. About twenty seconds. Ctrl-C ends it; nothing is left either way.
 */
const NEEDS = ['/usr/bin/java', '/usr/share/java/zookeeper.jar', '/usr/share/java/slf4j-simple.jar'];
const READ_EVERY_MS = 10;

async function demo(scope: Scope): Promise<number> {
  const zookeeper = await scope.use(startZooKeeper());
  const dir = await scope.use(tempDir('demo'));
  const startedAt = performance.now();
  const now = () => performance.now() - startedAt;
  const contenders: DemoContender[] = [];
  for (const name of ['a', 'b', 'c']) {
    contenders.push(await scope.use(DemoContender.open(name, zookeeper.address, dir.join('witness'), now)));
  }
  const live = process.stdout.isTTY === true && !process.env['NO_COLOR'];
  const screen = new Screen(process.stdout, () => contenders, now, live);
  const reading = setInterval(() => {
    for (const contender of contenders) contender.read();
  }, READ_EVERY_MS);
  try {
    screen.start();
    screen.say(
      `a real ZooKeeper, and three times \`lockex -i demo -T ${TIMEOUT_S} -- ./ticker.sh\`: a, b and c`,
    );
    await tell({ contenders, now, say: (line) => screen.say(line) });
  } finally {
    screen.end();
    clearInterval(reading);
    await scope.end();
  }
  const overlapMs = contenders.reduce((sum, contender) => sum + contender.overlapMs, 0);
  console.log(`\noverlap: ${Math.round(overlapMs)} ms`);
  return overlapMs === 0 ? 0 : 1;
}

const missing = NEEDS.filter((file) => !existsSync(file));
if (missing.length > 0) {
  console.error(
    'the demo needs a ZooKeeper; on Debian: apt-get install zookeeper libslf4j-java libnetty-java default-jre-headless',
  );
  process.exit(1);
}
const scope = new Scope();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, async () => {
    await scope.end();
    process.exit(signal === 'SIGINT' ? 130 : 143);
  });
}
process.exitCode = await demo(scope);
