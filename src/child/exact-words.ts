import { isUtf8 } from 'node:buffer';
import { UsageError } from '../util/errors.js';
import { encodeRaw } from '../util/raw-text.js';
import { quoted } from '../util/words.js';
import type { Command } from './child.js';
import type { IsolationLevel } from './isolation.js';

/**
 * Refuses a command that cannot be handed on byte for byte: at the level `walk` it is Node that starts it, and writes its
 * words as UTF-8. At the others it is the guardian, which is sent bytes.
 * @throws UsageError
 */
export function checkExactWords({ file, args }: Command, level: IsolationLevel): void {
  if (level !== 'walk') return;
  const word = [file, ...args].find((each) => !isUtf8(encodeRaw(each)));
  if (word === undefined) return;
  throw new UsageError(`isolation walk: expected a command in UTF-8, got ${quoted(word)}`, {
    hint: "here it is Node that starts the command, and it cannot hand on other bytes; take another level, or have a shell make them (printf '\\351')",
    settings: ['isolation', 'command'],
  });
}
