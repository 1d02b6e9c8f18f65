import { linesOf } from './lines.js';

linesOf('distributedlock');
