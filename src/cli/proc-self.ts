import { readFileSync } from 'node:fs';

/** What the kernel says about this process, as it is; `undefined` where there is no `/proc`. */
export function readProc(file: 'cmdline' | 'environ'): Buffer | undefined {
  try {
    return readFileSync(`/proc/self/${file}`);
  } catch {
    return undefined;
  }
}
