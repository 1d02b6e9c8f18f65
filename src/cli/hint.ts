import { serviceOf } from '../backend/registry.js';
import type { LockexError, Setting } from '../util/errors.js';
import { flagOf } from './option-names.js';
import type { OptionName } from './options.js';

/** Which service an error is about, as far as one was chosen. */
export interface Asked {
  readonly url: string;
  /** The option or variable that chose it; none for one that another lockex chose. */
  readonly chosenBy?: string;
}

/** The settings that have the same name with every service. */
const OPTION_OF = {
  ttl: 'timeout',
  lossGrace: 'loss-grace',
  name: 'lockid',
  permits: 'concurrent',
  hold: 'hold',
  handoverDelay: 'handover-delay',
  isolation: 'isolation',
  // How the words of a command are taken.
  command: 'shell',
} as const satisfies Partial<Record<Setting, OptionName>>;

/** What to do about an error, if it says that, and by which options of the command line. */
export function hintOf({ hint, settings }: LockexError, asked: Asked | undefined): string | undefined {
  const names = settings.flatMap((setting) => namesOf(setting, asked));
  if (names.length === 0) return hint;
  return `${hint === undefined ? '' : `${hint}; `}see ${names.join(', ')}`;
}

function namesOf(setting: Setting, asked: Asked | undefined): readonly string[] {
  switch (setting) {
    case 'url':
      if (asked !== undefined && asked.chosenBy === undefined) return [];
      return asked?.chosenBy === undefined || asked.chosenBy === 'default'
        ? [flagOf('zkhosts'), flagOf('url')]
        : [asked.chosenBy];
    case 'login':
      return asked === undefined || serviceOf(asked.url).takes.acl
        ? [flagOf('zk-auth-file')]
        : [flagOf('auth-file'), 'LOCKEX_URL'];
    case 'tls':
      return [flagOf('tls-ca'), flagOf('tls-cert'), flagOf('tls-key')];
    default:
      return [flagOf(OPTION_OF[setting])];
  }
}
