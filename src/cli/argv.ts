import yargsParser, { type Arguments } from 'yargs-parser';
import { UsageError } from '../util/errors.js';
import { quoted, showWords } from '../util/words.js';
import { nearest } from './nearest.js';
import { allOptions, flagOf, specOf } from './option-names.js';
import type { OptionName } from './options.js';

/** The text of one option, and what to call the place that it came from in a message. */
export interface Given {
  readonly text: string;
  readonly label: string;
}

/** What was given in one place. */
export type Layer = ReadonlyMap<OptionName, Given>;

export type Words =
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  | { readonly kind: 'verify'; readonly options: Layer }
  | { readonly kind: 'run'; readonly options: Layer; readonly command: readonly [string, ...string[]] };

const NAMES = new Map<string, OptionName>(allOptions().map(([name]) => [name, name]));
const ALIASES = new Map(
  allOptions().flatMap(([name, { alias }]) => (alias === undefined ? [] : [[alias, name]])),
);

/** Whether an option stands alone, without a value. */
function isSwitch(name: OptionName): boolean {
  const { kind } = specOf(name);
  return kind === 'boolean' || kind === 'request';
}

const switches = [...NAMES.values()].filter(isSwitch);
const valued = [...NAMES.values()].filter((name) => !isSwitch(name));
const SWITCH_LETTERS = new Set<string | undefined>(switches.map((name) => specOf(name).alias));

/** yargs-parser, told to guess nothing: every text stays the text that was typed. */
const PARSER = {
  string: valued,
  boolean: switches,
  narg: Object.fromEntries(valued.map((name) => [name, 1])),
  alias: Object.fromEntries([...ALIASES].map(([alias, name]) => [name, alias])),
  configuration: {
    'camel-case-expansion': false,
    'dot-notation': false,
    'duplicate-arguments-array': true,
    'halt-at-non-option': true,
    'nargs-eats-options': true,
    'parse-numbers': false,
    'parse-positional-numbers': false,
    'strip-aliased': true,
  },
};

/**
 * Splits the words after `lockex` into options and the command: everything after the first `--`, untouched.
 * @throws UsageError for an option that does not exist, is given twice or lacks its value, and for a command that
 *   is missing or stands before `--`
 */
export function readArgv(argv: readonly string[]): Words {
  const end = argv.indexOf('--');
  const before = end < 0 ? argv : argv.slice(0, end);
  const words = before.flatMap(separate);
  const parsed = yargsParser(words, PARSER);
  const asked = request(parsed);
  if (asked !== undefined) return asked;
  if (parsed._[0] === 'verify') return readVerify(words, parsed._, end >= 0);
  const options = layerOf(parsed);
  const [command, ...args] = commandOf(parsed._, end < 0 ? [] : argv.slice(end + 1));
  return { kind: 'run', options, command: [command, ...args] };
}

function request(parsed: Arguments): { readonly kind: 'help' | 'version' } | undefined {
  if (parsed['help'] === true) return { kind: 'help' };
  return parsed['version'] === true ? { kind: 'version' } : undefined;
}

function layerOf(parsed: Arguments): Layer {
  return new Map(Object.entries(parsed).flatMap(([key, value]) => (key === '_' ? [] : [take(key, value)])));
}

/** `lockex verify`: its options may stand on either side of the word. */
function readVerify(words: readonly string[], stray: readonly string[], hasCommand: boolean): Words {
  const [verify = '', ...rest] = stray;
  const parsed = yargsParser([...words.slice(0, words.length - stray.length), ...rest], PARSER);
  const asked = request(parsed);
  if (asked !== undefined) return asked;
  const [more] = parsed._;
  if (!hasCommand && more === undefined) return { kind: 'verify', options: layerOf(parsed) };
  const got = hasCommand ? '--' : quoted(more ?? '');
  throw new UsageError(`${verify}: expected options and nothing else, got ${got}`, {
    hint: 'a command of this name is run by: lockex -- verify',
  });
}

/**
 * Takes a value off the option it is glued to (`--lockid=x`, `-ix`, `-nix`): yargs-parser would take a pair of
 * quotes off the one, read the other as a row of switches, and `--shared=yes` as "not shared".
 */
function separate(word: string): string[] {
  const [, long, value] = /^--([^=]+)=(.*)$/s.exec(word) ?? [];
  if (long !== undefined && value !== undefined) {
    const name = NAMES.get(long);
    if (name === undefined) return [word];
    if (!isSwitch(name)) return [`--${long}`, value];
    if (/^(true|false)$/.test(value)) return [word];
    throw noValue(name, value);
  }
  if (!/^-[^-]/.test(word)) return [word];
  const letters = [...word.slice(1)];
  const index = letters.findIndex((letter) => !SWITCH_LETTERS.has(letter));
  const before = ALIASES.get(letters[index - 1] ?? '');
  if (letters[index] === '=' && before !== undefined)
    throw noValue(before, letters.slice(index + 1).join(''));
  const last = ALIASES.get(letters[index] ?? '');
  if (last === undefined || index === letters.length - 1) return [word];
  const row = letters.slice(0, index).map((letter) => `-${letter}`);
  return [
    ...row,
    `--${last}`,
    letters
      .slice(index + 1)
      .join('')
      .replace(/^=/, ''),
  ];
}

function noValue(name: OptionName, value: string): UsageError {
  return new UsageError(`${flagOf(name)}: expected no value, got ${quoted(value)}`);
}

function take(key: string, value: unknown): [OptionName, Given] {
  const name = NAMES.get(key);
  if (name === undefined) throw unknownOption(key);
  const label = flagOf(name);
  if (Array.isArray(value)) throw new UsageError(`${label}: expected once, got ${showWords(value)}`);
  if (isSwitch(name)) return [name, { text: String(value), label }];
  if (value === false) throw new UsageError(`${label}: expected a value, got --no-${name}`);
  if (typeof value !== 'string') throw new UsageError(`${label}: expected a value, got none`);
  if (NAMES.has(value.replace(/^--(no-)?/, '')) && value.startsWith('--')) {
    throw new UsageError(`${label}: expected a value, got the option ${value}`);
  }
  return [name, { text: value, label }];
}

function unknownOption(key: string): UsageError {
  const flag = [...key].length === 1 ? `-${key}` : `--${key}`;
  const near = nearest(key, [...NAMES.keys(), 'no-blocking']);
  const hint = near === undefined ? 'lockex --help lists them' : `did you mean --${near}?`;
  return new UsageError(`expected an option that exists, got ${flag}`, { hint });
}

/** @param stray words before `--` that belong to no option */
function commandOf(stray: readonly string[], words: readonly string[]): readonly [string, ...string[]] {
  const [first] = stray;
  if (first !== undefined) throw strayWord(first, [...stray, ...words]);
  const [command, ...args] = words;
  if (command === undefined) {
    throw new UsageError('expected a command, got none', {
      hint: 'lockex [options] -- command [args…]; lockex --help says more',
    });
  }
  if (command === '') throw new UsageError('expected a command after --, got an empty word');
  return [command, ...args];
}

function strayWord(first: string, all: readonly string[]): UsageError {
  if (/^-./.test(first)) return unknownOption(first.replace(/^--?/, ''));
  const shell = all.length === 1 && /\s/.test(first) ? '--shell ' : '';
  return new UsageError(`expected -- before the command, got ${quoted(first)}`, {
    hint: `did you mean: lockex ${shell}-- ${showWords(all)}`,
  });
}
