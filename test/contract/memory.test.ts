import { MemoryBackend, MemoryService } from '../../src/backend/memory/index.js';
import { contractSuite } from '../../src/testing/suite.js';

contractSuite('the memory backend', async () => {
  const service = new MemoryService();
  return {
    open: async () => new MemoryBackend(service),
    sabotage: async (backend) => service.expire(backend),
    residue: async () => service.resources,
    cleanup: async () => {},
  };
});
