import { until } from '../../src/testing/until.js';
import { processesWithEnv } from '../helpers/processes.js';

/** The living guardian of a tree. */
export function guardianOf(treeId: string): Promise<number> {
  return until(() => {
    const [guardian, ...others] = processesWithEnv(`LOCKEX_GUARDS=${treeId}`);
    return others.length === 0 && guardian;
  }, 'the tree has a guardian, and only one');
}
