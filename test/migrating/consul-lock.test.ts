import { linesOf } from './lines.js';

linesOf('consul lock');
