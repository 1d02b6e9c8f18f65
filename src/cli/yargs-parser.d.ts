/** The part of yargs-parser that lockex uses; the package brings no types. */
declare module 'yargs-parser' {
  interface Options {
    readonly string: readonly string[];
    readonly boolean: readonly string[];
    readonly alias: Readonly<Record<string, string>>;
    readonly narg: Readonly<Record<string, number>>;
    readonly configuration: Readonly<Record<string, boolean>>;
  }
  /** What was given, by name; `_` holds the first word that no option took, and all after it. */
  export type Arguments = { readonly _: readonly string[] } & Readonly<Record<string, unknown>>;

  export default function parse(args: readonly string[], options: Options): Arguments;
}
