import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = dirname(fileURLToPath(import.meta.url));
/** A run from the sources takes the programs that the build has made, too. */
const BUILT = import.meta.url.endsWith('.ts') ? join(HERE, '..', '..', '..', 'dist') : HERE;

/** The guardian between lockex and the command, for perl. */
export const GUARDIAN_PERL = join(HERE, 'guardian.pl');
/** The guardian beside the command, for Node. */
export const GUARDIAN_NODE = join(BUILT, 'guardian.cjs');
/** Says a farewell by TLS for the guardian that cannot, for Node. */
export const FAREWELL_NODE = join(BUILT, 'farewell.cjs');
