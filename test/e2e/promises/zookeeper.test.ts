import { zooKeeperCluster, zooKeeperService } from '../../helpers/lock-services/zookeeper.js';
import { failureTests } from './failures.js';

failureTests('ZooKeeper', 4, zooKeeperService, zooKeeperCluster);
