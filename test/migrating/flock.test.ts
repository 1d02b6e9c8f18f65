import { linesOf } from './lines.js';

linesOf('flock');
