import { linesOf } from './lines.js';

linesOf('dlock');
