import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const TYPES = join(import.meta.dirname, '..', '..', 'dist', 'types');
const DECLARATION =
  /^(\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n)?(?:export )?(?:declare )?(?:abstract )?(?:class|interface|type|function|const) (\w+)/gm;

const files = readdirSync(TYPES, { recursive: true, encoding: 'utf8' }).filter((name) =>
  name.endsWith('.d.ts'),
);

/** The comment of each declaration of the library, by name; as they are in the package. Needs `npm run build` before. */
const comments = new Map<string, string | undefined>(
  files.flatMap((file) =>
    [...readFileSync(join(TYPES, file), 'utf8').matchAll(DECLARATION)].map(
      ([, comment, name = '']) => [`${file} ${name}`, comment] as const,
    ),
  ),
);

/** What an index exports: the file that it is declared in, and its name there. */
function exportedBy(index: string): readonly string[] {
  const text = readFileSync(join(TYPES, index), 'utf8');
  return [...text.matchAll(/^export (?:type )?\{([^}]*)\} from '\.\/(.*)\.js';$/gm)].flatMap(
    ([, names = '', file]) =>
      [...names.matchAll(/(?:type )?(\w+)(?: as \w+)?/g)].map(
        ([, name]) => `${join(index, '..', `${file}.d.ts`)} ${name}`,
      ),
  );
}

for (const [index, least] of [
  ['index.d.ts', 60],
  ['testing/index.d.ts', 6],
] as const) {
  test(`whatever ${index} exports is explained where an editor and TypeDoc look for it`, () => {
    const exported = exportedBy(index);
    assert.ok(exported.length >= least, `${exported.length} names`);
    assert.deepEqual(
      exported.filter((each) => !comments.get(each)),
      [],
    );
  });
}
