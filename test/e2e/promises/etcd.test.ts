import { etcdService } from '../../helpers/lock-services/etcd.js';
import { failureTests } from './failures.js';

failureTests(
  'etcd',
  8,
  () => etcdService(1),
  () => etcdService(3),
);
