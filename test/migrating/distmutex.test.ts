import { linesOf } from './lines.js';

linesOf('distmutex');
