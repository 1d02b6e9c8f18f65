import { memcachedService } from '../../helpers/lock-services/memcached.js';
import { failureTests } from './failures.js';

const TTL_SECONDS = 6;

failureTests('memcached', TTL_SECONDS, () => memcachedService(TTL_SECONDS * 1000));
