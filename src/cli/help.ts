import yargs from 'yargs';
import { leaseBudget } from '../backend/zookeeper/timing.js';
import { budgetText } from '../supervisor/budget-text.js';
import { EXIT_STATUSES } from './exit-status.js';
import { allOptions } from './option-names.js';
import { GROUPS, type OptionSpec } from './option-spec.js';

const EXAMPLES = [
  ['lockex --local -- ./backup.sh', 'one backup at a time on this host'],
  ['lockex -z zk1,zk2,zk3 -- redis-server redis.conf', 'one redis of several hosts; the others stand by'],
  ['lockex -n -i nightly -- ./report', 'from cron on every host: one runs it, the others exit with 1'],
  ['lockex -c 3 -i build -- make', 'three builds at once, not more'],
  ["lockex --shell -- 'dump | gzip >dump.gz'", 'a line for the shell'],
] as const;

/** The variables that lockex sets for the command. */
export const COMMAND_VARIABLES = {
  LOCKEX_LOCK_ID: 'the id of the lock',
  LOCKEX_LOCK_PATH: 'its whole path, a slash first',
  LOCKEX_HOLDER: 'host:pid of the lockex that holds it',
  LOCKEX_FENCING_TOKEN: 'grows with every grant; not on every lock service',
  LOCKEX_SESSION_TIMEOUT_MS: 'the session timeout given; not on every lock service',
  LOCKEX_VERIFY: 'what lockex verify asks, and where; not on every lock service',
  LOCKEX_TREE: 'marks all processes of the command',
} as const;

/**
 * The text of `--help`, made from the one table of options and the one of exit statuses.
 * @param columns the width to fill
 */
export async function helpText(columns: number): Promise<string> {
  const help = yargs([])
    .detectLocale(false)
    .scriptName('lockex')
    .usage(
      'lockex [options] -- command [args…]\n\nRuns the command while it holds a lock, so that it never runs twice.\n\n' +
        'lockex verify [-T seconds] [-q] [--tls-ca …] [--zk-auth-file …]\n\n' +
        'Asks, from within the command, whether the lock is still held: status 0, or 75.',
    )
    .wrap(columns)
    .help(false)
    .version(false);
  for (const [name, spec] of allOptions()) help.option(spec.negated ? `no-${name}` : name, optionText(spec));
  for (const [command, what] of EXAMPLES) help.example(command, what);
  return help.epilogue(epilogue()).getHelp();
}

function optionText(spec: OptionSpec) {
  const shown = spec.env === undefined ? spec.help : `${spec.help} (also ${spec.env})`;
  return {
    group: `${GROUPS[spec.group]}:`,
    describe: shown,
    ...(spec.alias === undefined ? {} : { alias: spec.alias }),
    ...(spec.choices === undefined ? {} : { choices: spec.choices }),
    ...(spec.default === undefined ? {} : { default: spec.default, defaultDescription: spec.default }),
    ...(spec.otherwise === undefined ? {} : { defaultDescription: spec.otherwise }),
  };
}

function epilogue(): string {
  const statuses = Object.values(EXIT_STATUSES).map(
    ({ status, meaning }) => `  ${String(status).padEnd(7)} ${meaning}`,
  );
  const variables = Object.entries(COMMAND_VARIABLES).map(([name, what]) => `  ${name.padEnd(25)} ${what}`);
  return [
    `When the lock service falls silent: with -T 15, lockex ${budgetText(leaseBudget(15_000, undefined))}.`,
    '',
    'Every option is also read from LOCKEX_<NAME> in the environment (LOCKEX_KILL_AFTER=5);',
    'the command line wins. Seconds may have a unit: 500ms, 15s, 2m, 1h.',
    '',
    'Exit status:',
    ...statuses,
    '',
    "The command's environment:",
    ...variables,
  ].join('\n');
}
