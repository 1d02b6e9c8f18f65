import { closeSync, constants, openSync } from 'node:fs';
import { readProcess } from './proc.js';

/** Whether we have a controlling terminal: one that can send us the keys' signals and stop us in the background. */
export function hasControllingTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', constants.O_RDWR | constants.O_NOCTTY));
    return true;
  } catch {
    return false;
  }
}

/**
 * Whether the keys of the controlling terminal (Ctrl-C) reach our process group. Where there is no `/proc`, we
 * cannot know; a program with a terminal is then taken to be in the foreground.
 */
export function inForegroundGroup(): boolean {
  const self = readProcess('self');
  return self === undefined ? hasControllingTerminal() : self.terminalGroup === self.group;
}
