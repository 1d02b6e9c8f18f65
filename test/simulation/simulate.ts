// npm run simulate -- [--schedules N] [--seed N] [--weaken NAME] [--replay SEED]
import { parseArgs } from 'node:util';
import { simulate } from './pool.js';
import { isWeakening, WEAKENINGS } from './rules.js';
import { run } from './schedule.js';

const { values } = parseArgs({
  options: {
    schedules: { type: 'string', default: '100000' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    weaken: { type: 'string' },
    replay: { type: 'string' },
  },
});
const { weaken } = values;
if (weaken !== undefined && !isWeakening(weaken)) {
  throw new Error(`--weaken ${weaken}: expected one of ${WEAKENINGS.join(', ')}`);
}

if (values.replay !== undefined) {
  const { broken } = await run(Number(values.replay), weaken, (line) => console.log(line));
  process.exitCode = broken.size > 0 ? 1 : 0;
} else {
  const startedAt = performance.now();
  console.log(
    `seed ${values.seed}, ${values.schedules} schedules${weaken === undefined ? '' : `, ${weaken}`}`,
  );
  let shown = 0;
  const result = await simulate({
    from: Number(values.seed),
    count: Number(values.schedules),
    ...(weaken === undefined ? {} : { weakening: weaken }),
    onProgress: ({ count, broken }) => {
      if (count - shown < 20_000) return;
      shown = count;
      console.log(`${count} schedules, ${broken.length} broken`);
    },
  });
  for (const { seed, promise, how } of result.broken.slice(0, 20)) {
    console.log(
      `${promise}: ${how}\n  npm run simulate -- --replay ${seed}${weaken === undefined ? '' : ` --weaken ${weaken}`}`,
    );
  }
  const seconds = (performance.now() - startedAt) / 1000;
  console.log(
    `${result.count} schedules, ${result.starts} commands, ${result.broken.length} promises broken, in ${seconds.toFixed(1)} s; ` +
      `${result.closest.toFixed(1)} ms at the least between one tree's death and the next one's start`,
  );
  process.exitCode = result.broken.length > 0 ? 1 : 0;
}
