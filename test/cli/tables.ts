import { EXIT_STATUSES } from '../../src/cli/exit-status.js';
import { allOptions, variablesOf } from '../../src/cli/option-names.js';
import { GROUPS, type OptionSpec } from '../../src/cli/option-spec.js';
import { table, withSections } from '../helpers/markdown.js';

/** The sections of the README that are made from the product's own tables, by the name of their markers. */
export const SECTIONS: Readonly<Record<string, () => string>> = {
  options: optionTable,
  'exit-status': exitStatusTable,
};

/** The README with its generated sections made anew. */
export function withTables(readme: string): string {
  return withSections(readme, SECTIONS);
}

function optionTable(): string {
  return Object.entries(GROUPS)
    .map(([key, title]) => {
      const rows = allOptions().flatMap(([name, spec]) =>
        spec.group === key ? [optionRow(name, spec)] : [],
      );
      return `**${title}**\n\n${table(['option', 'environment', 'default', 'meaning'], rows)}`;
    })
    .join('\n\n');
}

function optionRow(name: Parameters<typeof variablesOf>[0], spec: OptionSpec): string[] {
  const flags = [
    spec.alias === undefined ? [] : `-${spec.alias}`,
    `--${spec.negated ? 'no-' : ''}${name}`,
  ].flat();
  const choices = spec.choices === undefined ? '' : `: ${spec.choices.map(code).join(', ')}`;
  return [
    flags.map(code).join(', '),
    variablesOf(name)
      .map((variable) => code(spec.negated ? `${variable}=0` : variable))
      .join(', '),
    spec.default === undefined ? (spec.otherwise ?? '') : code(spec.default),
    `${spec.help}${choices}`,
  ];
}

function exitStatusTable(): string {
  const rows = Object.values(EXIT_STATUSES).map(({ status, meaning }) => [String(status), meaning]);
  return table(['status', 'meaning'], rows);
}

function code(text: string): string {
  return `\`${text}\``;
}
