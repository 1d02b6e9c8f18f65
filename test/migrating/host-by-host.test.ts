import { linesOf } from './lines.js';

linesOf('Host by host');
