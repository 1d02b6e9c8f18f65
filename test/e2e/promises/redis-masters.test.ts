import { redisService } from '../../helpers/lock-services/redis.js';
import { failureTests } from './failures.js';

const TTL_SECONDS = 4;
const three = () => redisService(3, TTL_SECONDS * 1000);

failureTests('redis, three masters', TTL_SECONDS, three, three);
