import { writeFile } from 'node:fs/promises';
import type { Run } from '../../test/helpers/run.js';
import type { Network, Stage } from './stage.js';

/** What a fault can be done to. */
export interface Scene {
  readonly stage: Stage;
  readonly holder: Run;
  /** The guardian of the holder's command; throws when there is none. */
  readonly guardian: () => number;
  /** Tells a command of the shape `leaves` to end. */
  readonly go: string;
}

export interface Fault {
  readonly title: string;
  /** The shape of the command (`command.sh`). */
  readonly shape: 'plain' | 'daemon' | 'leaves';
  readonly network: Network;
  /** Only what is ours has a guardian. */
  readonly oursOnly?: true;
  inflict(scene: Scene): void | Promise<void>;
  /** Ends the fault, if it is one that ends. */
  lift?(scene: Scene): void;
}

const cut = {
  inflict: ({ stage }: Scene) => stage.cut(),
  lift: ({ stage }: Scene) => stage.heal(),
};

export const FAULTS: readonly Fault[] = [
  {
    title: 'kill -9 of the supervisor',
    shape: 'plain',
    network: 'link',
    inflict: ({ holder }) => holder.kill('SIGKILL'),
  },
  {
    title: 'supervisor frozen (SIGSTOP)',
    shape: 'plain',
    network: 'link',
    inflict: ({ holder }) => holder.kill('SIGSTOP'),
    lift: ({ holder }) => holder.kill('SIGCONT'),
  },
  { title: 'partition, packets vanish', shape: 'plain', network: 'link', ...cut },
  { title: 'partition, a daemon that ignores SIGTERM', shape: 'daemon', network: 'link', ...cut },
  { title: 'follower cut off from its leader', shape: 'plain', network: 'follower', ...cut },
  {
    title: 'command leaves a daemon behind',
    shape: 'leaves',
    network: 'link',
    inflict: ({ go }) => writeFile(go, '\n'),
  },
  {
    title: 'kill -9 of the guardian',
    shape: 'daemon',
    network: 'link',
    oursOnly: true,
    inflict: ({ guardian }) => void process.kill(guardian(), 'SIGKILL'),
  },
  {
    title: 'guardian frozen (SIGSTOP)',
    shape: 'daemon',
    network: 'link',
    oursOnly: true,
    inflict: ({ guardian }) => void process.kill(guardian(), 'SIGSTOP'),
  },
];
