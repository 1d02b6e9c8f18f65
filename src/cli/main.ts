import { hasControllingTerminal, inForegroundGroup } from '../child/terminal.js';
import { ProcessSignals } from './signals.js';

// First of all, before anything else is even loaded: an unhandled SIGUSR1 opens Node's inspector.
const signals = new ProcessSignals(process, () => hasControllingTerminal() && inForegroundGroup());

// Whatever Node or a client library has to say to programmers is not for operators.
process.noDeprecation = true;

/** Whatever fails that nobody foresaw ends here, and the supervisor kills the tree before we go. */
const bug = new AbortController();
process.on('uncaughtException', (error) => bug.abort(error));
process.on('unhandledRejection', (reason) => bug.abort(reason));

import('./start.js')
  .then(({ start }) => start(signals, bug.signal))
  .catch(async (error: unknown) => {
    const { complainOfBug } = await import('./start.js');
    return complainOfBug(error);
  })
  .then((status) => process.exit(status));
