import { linesOf } from './lines.js';

linesOf('The Python lockex');
