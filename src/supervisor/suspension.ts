import type { Child } from '../child/child.js';
import type { Clock, Timer } from '../util/clock.js';
import type { Log } from '../util/log.js';
import type { SignalFeed } from './job.js';

/** How long a key may take to have its effect on the command, ms: a command may as well ignore it. */
const EFFECT_MS = 100;
/** How often to look whether the shell has brought us to the foreground, ms. */
const FOREGROUND_EVERY_MS = 200;

/**
 * A command that the terminal stops while we go on. We must: stopped, we would lose the lock. So the shell believes
 * that the job runs, and what it would do to resume it is for us to do.
 */
export class Suspension {
  readonly #child: Child;
  readonly #signals: SignalFeed;
  readonly #clock: Clock;
  readonly #log: Log;
  #suspended = false;
  #look: Timer | undefined;

  constructor(child: Child, signals: SignalFeed, clock: Clock, log: Log) {
    this.#child = child;
    this.#signals = signals;
    this.#clock = clock;
    this.#log = log;
  }

  /** Ctrl-Z, which the terminal sends to the command as well; the second one, which finds it stopped, resumes it. */
  keyPressed(): void {
    const resume = this.#suspended && this.#child.isSuspended();
    this.#suspended = false;
    if (resume) this.#child.signal('SIGCONT');
    else this.#lookAfter(EFFECT_MS, () => this.#tell());
  }

  /** The command used the terminal from the background, and was stopped for it: it goes on in the foreground. */
  usedTerminalInBackground(): void {
    this.#lookAfter(FOREGROUND_EVERY_MS, () => {
      if (this.#signals.inForeground()) this.#child.signal('SIGCONT');
      else this.usedTerminalInBackground();
    });
  }

  /** The command has ended: nobody looks any more. */
  end(): void {
    this.#look?.cancel();
  }

  #tell(): void {
    this.#suspended = this.#child.isSuspended();
    if (!this.#suspended) return;
    this.#log.warn(
      {},
      'the command is suspended, and lockex stays to keep the lock: Ctrl-Z again resumes it',
    );
  }

  #lookAfter(ms: number, look: () => void): void {
    this.#look?.cancel();
    this.#look = this.#clock.setTimer(ms, look);
  }
}
