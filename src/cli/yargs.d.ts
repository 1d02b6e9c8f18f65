/** The part of yargs that lockex uses; the package brings no types. */
declare module 'yargs' {
  interface OptionText {
    readonly alias?: string;
    readonly describe: string;
    readonly group: string;
    readonly type?: 'boolean';
    readonly choices?: readonly string[];
    readonly requiresArg?: boolean;
    /** Shown as the default. */
    readonly default?: string;
    readonly defaultDescription?: string;
  }
  interface Yargs {
    scriptName(name: string): Yargs;
    usage(text: string): Yargs;
    option(name: string, text: OptionText): Yargs;
    example(command: string, what: string): Yargs;
    epilogue(text: string): Yargs;
    wrap(columns: number): Yargs;
    locale(name: string): Yargs;
    detectLocale(detect: boolean): Yargs;
    updateStrings(strings: Readonly<Record<string, string>>): Yargs;
    help(enabled: false): Yargs;
    version(enabled: false): Yargs;
    getHelp(): Promise<string>;
  }
  export default function yargs(args: readonly string[]): Yargs;
}
