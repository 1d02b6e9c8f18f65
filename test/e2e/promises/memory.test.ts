import { failureTests } from './failures.js';

// A process of its own is a service of its own: there is nobody to hand over to.
failureTests('memory', 4, async () => ({
  servers: [],
  urlOf: () => 'memory:promises',
  serves: async () => {},
  deleteLock: async () => {},
  [Symbol.asyncDispose]: async () => {},
}));
