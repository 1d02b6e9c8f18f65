/**
 * A page with its generated sections made anew; each stands between `<!-- name -->` and `<!-- /name -->`.
 * @throws Error when the page lacks one
 */
export function withSections(page: string, sections: Readonly<Record<string, () => string>>): string {
  return Object.entries(sections).reduce((text, [name, make]) => {
    const section = new RegExp(`(<!-- ${name} -->\n)[\\s\\S]*?(<!-- /${name} -->)`);
    if (!section.test(text)) throw new Error(`expected <!-- ${name} --> and <!-- /${name} --> in the page`);
    return text.replace(section, (_, begin, end) => `${begin}${make()}\n${end}`);
  }, page);
}

/** A table; bars within cells are escaped. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
