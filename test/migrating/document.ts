import { readFileSync } from 'node:fs';

/** What `docs/migrating.md` says, taken apart. */
export interface Document {
  readonly lines: readonly Line[];
  readonly programs: readonly Program[];
  readonly options: readonly Option[];
}

/** A command line of ours, with the one that it stands for. */
export interface Line {
  readonly section: string;
  readonly theirs: string;
  readonly ours: string;
}

/** A program of ours; its name is its first line, a comment. */
export interface Program {
  readonly section: string;
  readonly name: string;
  readonly text: string;
}

/** An option of theirs, and what stands for it here. */
export interface Option {
  readonly section: string;
  readonly theirs: string;
  readonly ours: string;
}

/** Where the document is. */
export const DOCUMENT = new URL('../../docs/migrating.md', import.meta.url);

/** The document as it stands. */
export function readDocument(): Document {
  return takeApart(readFileSync(DOCUMENT, 'utf8'));
}

/**
 * A table whose second column is headed by `lockex` has lines of ours there, one whose second column is headed by `here` has
 * options; blocks of `ts` are programs.
 * @throws Error for a line or a program that is not written as such
 */
export function takeApart(text: string): Document {
  const lines: Line[] = [];
  const options: Option[] = [];
  const programs: Program[] = [];
  for (const { title: section, body } of sections(text)) {
    for (const { head, rows } of tables(body)) {
      for (const [theirs = '', ours = ''] of rows) {
        if (head[1]?.startsWith('lockex') === true) lines.push({ section, theirs, ours: soleCode(ours) });
        else options.push({ section, theirs, ours });
      }
    }
    for (const [, program = ''] of body.matchAll(/^```ts\n([\s\S]*?)^```$/gm)) {
      const name = /^\/\/ (.+)\n/.exec(program)?.[1];
      if (name === undefined) throw new Error(`${section}: a program begins with a comment, its name`);
      programs.push({ section, name, text: program });
    }
  }
  return { lines, programs, options };
}

/** The code spans of a cell. */
export function codeIn(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);
}

function soleCode(cell: string): string {
  const [code, ...more] = codeIn(cell);
  if (code !== undefined && more.length === 0 && cell === `\`${code}\``) return code;
  throw new Error(`expected one line of ours, in backticks, got ${cell}`);
}

function sections(text: string): { title: string; body: string }[] {
  return text
    .split(/^## /m)
    .slice(1)
    .map((part) => {
      const end = part.indexOf('\n');
      return { title: part.slice(0, end), body: part.slice(end) };
    });
}

function tables(body: string): { head: readonly string[]; rows: readonly (readonly string[])[] }[] {
  return [...body.matchAll(/(?:^\|.*\|\n)+/gm)].map(([table]) => {
    const [head = [], , ...rows] = table.trimEnd().split('\n').map(cells);
    return { head, rows };
  });
}

/** The cells of a row; a bar in a cell is written `\|`. */
function cells(row: string): string[] {
  return row
    .slice(1, -1)
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll('\\|', '|'));
}
