import { stdin, stdout } from 'node:process';
import { text } from 'node:stream/consumers';
import { sayFarewells } from './farewell.js';

/*
 * `farewell.cjs`: says the farewells that it reads from its standard input, the words with a NUL between each two, and writes
 * what became of it. For the guardian in perl, which cannot do TLS.
 */
text(stdin)
  .then((words) => sayFarewells(words.split('\0')))
  .then((answer) => stdout.write(`${answer}\n`));
