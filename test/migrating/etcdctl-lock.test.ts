import { linesOf } from './lines.js';

linesOf('etcdctl lock');
