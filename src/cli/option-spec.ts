/** What kind of value an option takes; `values.ts` reads each from text. */
export type OptionKind =
  | 'text'
  | 'file'
  | 'seconds'
  | 'count'
  | 'attempts'
  | 'signal'
  | 'choice'
  | 'boolean'
  | 'request';

/** The headings under which `--help` and the README list the options. */
export const GROUPS = {
  service: 'The lock service',
  lock: 'The lock',
  waiting: 'Waiting for it',
  command: 'The command',
  logs: 'Logs',
  about: 'About lockex',
} as const;

/** One option: everything that the parser, `--help` and the README know about it. */
export interface OptionSpec {
  readonly kind: OptionKind;
  readonly group: keyof typeof GROUPS;
  readonly help: string;
  /** One letter. */
  readonly alias?: string;
  /** A variable of the environment that is read besides `LOCKEX_<NAME>`. */
  readonly env?: string;
  /** As it would be typed. */
  readonly default?: string;
  /** What happens without the option, where that is no value. */
  readonly otherwise?: string;
  /** Bounds of a number; seconds for kind `seconds`. */
  readonly min?: number;
  readonly max?: number;
  readonly choices?: readonly string[];
  /** A boolean of which only the `--no-` form says something. */
  readonly negated?: true;
}
