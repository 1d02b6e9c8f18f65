import { isUtf8 } from 'node:buffer';
import { constants } from 'node:os';
import type { SignalName } from '../child/child.js';
import { parseDuration } from '../util/duration.js';
import { UsageError } from '../util/errors.js';
import { encodeRaw } from '../util/raw-text.js';
import { quoted } from '../util/words.js';
import type { Given, Layer } from './argv.js';
import { specOf } from './option-names.js';
import type { OptionKind, OptionSpec } from './option-spec.js';
import type { OPTIONS, OptionName } from './options.js';

type Table = typeof OPTIONS;
/** The options of a kind. */
type Named<K extends OptionKind> = { [N in OptionName]: Table[N]['kind'] extends K ? N : never }[OptionName];
type WithDefault = { [N in OptionName]: Table[N] extends { default: string } ? N : never }[OptionName];
type Defaulted<K extends OptionKind> = Named<K> & WithDefault;
type Choice<N extends Named<'choice'>> = Table[N]['choices'][number];

/**
 * The values of the options: the first layer that has one, else the table's default. Each is read from its text
 * when it is asked for.
 * @throws UsageError from every reader, when the text is none of its kind
 */
export class Values {
  readonly layers: readonly Layer[];

  constructor(layers: readonly Layer[]) {
    this.layers = layers;
  }

  text(name: Defaulted<'text'>): string;
  text(name: Named<'text' | 'file'>): string | undefined;
  text(name: OptionName): string | undefined {
    return this.#read(name, readText);
  }

  /** Milliseconds. */
  milliseconds(name: Defaulted<'seconds'>): number;
  milliseconds(name: Named<'seconds'>): number | undefined;
  milliseconds(name: OptionName): number | undefined {
    return this.#read(name, readMilliseconds);
  }

  count(name: Defaulted<'count'>): number;
  count(name: OptionName): number | undefined {
    return this.#read(name, readCount);
  }

  /** `Infinity` for -1. */
  attempts(name: Defaulted<'attempts'>): number;
  attempts(name: Named<'attempts'>): number | undefined;
  attempts(name: OptionName): number | undefined {
    return this.#read(name, readAttempts);
  }

  signal(name: Defaulted<'signal'>): SignalName;
  signal(name: OptionName): SignalName | undefined {
    return this.#read(name, readSignal);
  }

  choice<N extends Named<'choice'> & WithDefault>(name: N): Choice<N>;
  choice<N extends Named<'choice'>>(name: N): Choice<N> | undefined;
  choice(name: OptionName): string | undefined {
    return this.#read(name, readChoice);
  }

  boolean(name: Named<'boolean'>): boolean {
    return this.#read(name, readBoolean) ?? false;
  }

  #read<T>(name: OptionName, read: (given: Given, spec: OptionSpec) => T): T | undefined {
    const spec = specOf(name);
    const given = this.layers.find((layer) => layer.has(name))?.get(name);
    if (given !== undefined) return read(checkText(given), spec);
    return spec.default === undefined ? undefined : read({ text: spec.default, label: 'default' }, spec);
  }
}

/** The reader of a switch: `--flag` and `LOCKEX_FLAG=1` alike. */
export function readBoolean(given: Given): boolean {
  if (/^(1|true|yes|on)$/i.test(given.text)) return true;
  if (/^(0|false|no|off)$/i.test(given.text)) return false;
  throw expected(given, '1 or 0 (true, false, yes, no, on, off)');
}

/** Only what is handed on to the command is bytes: the value of an option is ours to understand, and to show. */
function checkText(given: Given): Given {
  if (isUtf8(encodeRaw(given.text))) return given;
  throw new UsageError(`${given.label}: expected UTF-8, got ${quoted(given.text)}`);
}

function readText(given: Given): string {
  if (given.text.trim() !== '') return given.text;
  const typed = given.label.startsWith('-');
  throw expected(given, 'a text', typed ? undefined : 'to go without it, unset the variable');
}

function readMilliseconds(given: Given, spec: OptionSpec): number {
  const { min = 0, max = Number.POSITIVE_INFINITY } = spec;
  const ms = parseDuration(given.text, 's');
  if (ms === undefined || ms < min * 1000 || ms > max * 1000) {
    throw expected(given, `seconds from ${min} to ${max} (15, 1.5, 500ms, 2m, 1h)`);
  }
  return ms;
}

function readCount(given: Given, spec: OptionSpec): number {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = spec;
  const count = /^\d{1,15}$/.test(given.text) ? Number(given.text) : Number.NaN;
  if (count >= min && count <= max) return count;
  throw expected(given, `a whole number from ${min} to ${max}`);
}

function readAttempts(given: Given): number {
  if (given.text === '-1') return Number.POSITIVE_INFINITY;
  const attempts = /^\d{1,9}$/.test(given.text) ? Number(given.text) : 0;
  if (attempts >= 1) return attempts;
  throw expected(given, 'a whole number from 1, or -1 for no limit');
}

function readSignal(given: Given): SignalName {
  const wanted = given.text.toUpperCase().replace(/^(?!SIG|\d)/, 'SIG');
  // `Object.entries` widens the keys to string; they are the names that Node knows.
  const known = Object.entries(constants.signals) as [SignalName, number][];
  const found = known.find(([name, number]) => name === wanted || String(number) === wanted);
  if (found === undefined) throw expected(given, 'a signal such as TERM, SIGTERM or 15');
  return found[0];
}

function readChoice(given: Given, spec: OptionSpec): string {
  const { choices = [] } = spec;
  if (choices.includes(given.text)) return given.text;
  throw expected(given, `one of ${choices.join(', ')}`);
}

function expected(given: Given, what: string, hint?: string): UsageError {
  const message = `${given.label}: expected ${what}, got ${JSON.stringify(given.text)}`;
  return new UsageError(message, hint === undefined ? {} : { hint });
}
