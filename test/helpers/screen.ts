/** The screen with ESC spelled as `␛`, for assertions on what was sent to the terminal. */
export function spelled(screen: string): string {
  return screen.replaceAll('\x1b', '␛');
}

/**
 * What stands on the lines of a terminal that was sent this: a carriage return, and the line erased after it (EL),
 * are carried out; other control sequences are dropped. Nothing that moves to another line is understood.
 */
export function visibleLines(screen: string): string[] {
  return spelled(screen)
    .split('\n')
    .map((line) => line.split('\r').reduce(drawn, '').trimEnd());
}

/** A line on which `part` was written from the first column on. */
function drawn(line: string, part: string): string {
  const text = part.replace(/␛\[[?\d;]*[A-Za-z]/g, '');
  return part.startsWith('␛[2K') ? text : text + line.slice(text.length);
}
