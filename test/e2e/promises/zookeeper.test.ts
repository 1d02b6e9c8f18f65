import { zooKeeperCluster, zooKeeperService } from '../../helpers/lock-services/zookeeper.js';
import { failureTests } from './failures.js';

// Rides out 3.9 s: a busy machine needs two to start a server in Java again.
failureTests('ZooKeeper', 10, zooKeeperService, zooKeeperCluster);
