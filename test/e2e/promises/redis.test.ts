import { redisService } from '../../helpers/lock-services/redis.js';
import { failureTests } from './failures.js';

const TTL_SECONDS = 4;

failureTests('redis', TTL_SECONDS, () => redisService(1, TTL_SECONDS * 1000));
