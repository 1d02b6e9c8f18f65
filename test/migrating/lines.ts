import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Addresses } from './addresses.js';
import { readDocument } from './document.js';
import { EXPECTATIONS } from './expectations.js';
import { startServices } from './services.js';
import { Stage } from './stage.js';

/** Makes a test of each line of ours in a section of the document. */
export function linesOf(section: string): void {
  const lines = Object.entries(EXPECTATIONS[section] ?? {});
  assert.ok(lines.length > 0, `there is no section ${section}`);
  let addresses: Addresses;
  let services: AsyncDisposable;
  before(async () => {
    const text = readDocument()
      .lines.filter((line) => line.section === section)
      .map(({ ours }) => ours);
    ({ addresses, services } = await startServices(text));
  });
  after(() => services[Symbol.asyncDispose]());
  for (const [line, check] of lines) {
    test(`${section}: ${line}`, async (t) => {
      await check(await Stage.make(t, addresses), line);
    });
  }
}
