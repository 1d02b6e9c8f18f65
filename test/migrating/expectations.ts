import {
  all,
  type Check,
  excludes,
  grows,
  holds,
  isKazoosLock,
  isRefusedByAYoungServer,
  keepsTheStatus,
  outlastsItsHold,
  permits,
  redirects,
  refuses,
  says,
  shares,
  sharesTheLockOf,
  staysUntilTold,
  stopsWhatIsLeft,
  survivesResets,
  takesPlaces,
  tellsWhoHolds,
  triesSoOften,
  waits,
  waitsForFlock,
  waitsInsideFor,
  writes,
} from './checks.js';

const ETCD = 'lockex --url etcd://etcd1';

/** What each line of the document is to do. A line that is not here, or one more here, fails the test of the document. */
export const EXPECTATIONS: Readonly<Record<string, Readonly<Record<string, Check>>>> = {
  'Host by host': {
    'lockex --local -i backup -- flock /tmp/backup backup': all(
      excludes('flock -n /tmp/backup backup', 1, 'lockex --local -i backup -- backup'),
      waitsInsideFor('flock /tmp/backup backup', waitsForFlock),
    ),
    // etcdctl has no way to give up.
    'lockex --url etcd://etcd1 -i nightly -- etcdctl lock nightly report': excludes(
      'ETCDCTL_ENDPOINTS=http://etcd1:2379 timeout 2 etcdctl lock nightly report',
      124,
      'lockex --url etcd://etcd1 -i nightly -- report',
    ),
  },

  'The Python lockex': {
    'lockex -- redis-server /etc/redis.conf': waits('redis-server /etc/redis.conf'),
    'ZKHOSTS=zk1:2181,zk2:2181 lockex -- serve': waits('serve'),
    'lockex -z zk1:2181,zk2:2181 -- serve': waits('serve'),
    'lockex --no-blocking -- report': refuses('report', 1),
    'lockex --no-blocking -E 0 -- report': refuses('report', 0),
    'lockex --blocking -- serve': waits('serve'),
    'lockex -t 1 -- report': refuses('report', 1, 1000),
    'lockex --once --hold 30 -- uptime': all(holds('uptime'), outlastsItsHold('uptime')),
    'lockex -c 3 -i build -- make': permits('make', 3),
    'lockex -i nightly -p jobs -- report': all(waits('report'), isKazoosLock('/jobs/nightly')),
    'lockex -p jobs -- report': all(waits('report'), says(/^lock jobs\/[0-9a-f]{64} /)),
    'lockex -T 30 -- serve': all(waits('serve'), says(/another takes over 30 s after/)),
    'lockex -R 5 -- serve': all(waits('serve'), triesSoOften(5), survivesResets(6)),
    'lockex -r 3 -- serve': all(waits('serve'), takesPlaces(3)),
    "lockex --shell -- 'dump > /tmp/dump.out'": redirects('dump.out'),
  },

  distmutex: {
    'MEMCACHE_SERVERS=mc1:11211 lockex -i mutex-default -- python job.py': all(
      waits('python job.py'),
      keepsTheStatus('python job.py'),
    ),
    'MEMCACHE_SERVERS=mc1:11211 MEMCACHE_KEY=nightly lockex -- python job.py': all(
      waits('python job.py'),
      sharesTheLockOf('MEMCACHE_SERVERS=mc1:11211 lockex -i nightly -- serve'),
    ),
    'MEMCACHE_SERVERS=mc1:11211,mc2:11211 lockex -- python job.py': waits('python job.py'),
    'MEMCACHE_SERVERS=mc1:11211 lockex --once -- python job.py': refuses('python job.py', 1),
    'MEMCACHE_SERVERS=mc1:11211 lockex --once --hold 5m -- python job.py': all(
      isRefusedByAYoungServer,
      holds('python job.py'),
    ),
  },

  dlock: {
    'lockex --url redis://redis1:6379 -i nightly --once --hold 300 -- true && report': holds('report'),
    'lockex --url redis://redis1:6379 -i nightly --once --hold 300 -- report': outlastsItsHold('report'),
    'LOCKEX_URL=redis://redis1:6379 lockex -i nightly --once --hold 5m -- report': holds('report'),
  },

  flock: {
    'lockex --local -i backup -- backup --all': waits('backup --all'),
    'lockex --local -i backup -- backup': waits('backup'),
    'lockex --local -n -i report -- report': refuses('report', 1),
    'lockex --local -n -E 75 -i report -- report': refuses('report', 75),
    'lockex --local -t 0.5 -i report -- report': refuses('report', 1, 500),
    'lockex --local --shared -i data -- export': shares('export'),
    "lockex --local --shell -i dump -- 'dump > /tmp/dump.out'": redirects('dump.out'),
    'lockex --local -i serve -- serve': all(waits('serve'), stopsWhatIsLeft),
    'lockex --local --log-level debug -i backup -- backup': all(waits('backup'), tellsWhoHolds),
    "lockex --local -n -i backup -- sh -c 'prepare; backup'": refuses('backup', 1),
    'lockex -z zk1,zk2,zk3 -i backup -- backup': waits('backup'),
    'lockex --url file:///tmp/app-locks -n -i x -- report': refuses('report', 1),
  },

  'consul lock': {
    'lockex --url etcd://etcd1,etcd2,etcd3 -p service -i api -- serve': waits('serve'),
    [`${ETCD} -p service -i api -- serve --port 80`]: waits('serve --port 80'),
    [`${ETCD} -p service -i dump --shell -- 'dump > /tmp/dump.out'`]: redirects('dump.out'),
    [`${ETCD} -p service -i build -c 3 -- make`]: permits('make', 3),
    [`${ETCD} -p service -i api -t 2s -- serve`]: refuses('serve', 1, 2000),
    [`${ETCD} -p service -i api -t 1s -- serve`]: refuses('serve', 1, 1000),
    [`${ETCD} -p service -i report -- report`]: keepsTheStatus('report'),
    [`echo data | ${ETCD} -p service -i cat -- cat`]: writes(/^data\n$/),
    [`${ETCD} -T 30 -p service -i api -- serve`]: all(
      waits('serve'),
      says(/rides out 2\d.* s without an answer/),
    ),
    [`lockex --log-level debug --url etcd://etcd1 -p service -i api -- serve`]: waits('serve'),
    [`${ETCD} -i api -- sh -c 'test "$LOCKEX_LOCK_ID" = api'`]: writes(/^$/),
  },

  'etcdctl lock': {
    'lockex --url etcd://etcd1:2379 -i nightly -- report': all(waits('report'), keepsTheStatus('report')),
    'lockex --url etcd://etcd1:2379,etcd2:2379 -i nightly -- report': waits('report'),
    [`${ETCD} -T 30 -i nightly -- report`]: all(waits('report'), says(/another takes over 30 s after/)),
    [`${ETCD} -i nightly -- sleep infinity`]: staysUntilTold,
    [`${ETCD} -i nightly -- sh -c 'echo $LOCKEX_FENCING_TOKEN'`]: grows,
    [`${ETCD} -i nightly -- sh -c 'echo $LOCKEX_LOCK_PATH'`]: writes(/^\/\S+\/nightly\n$/),
    [`${ETCD} -i nightly --once -- report`]: refuses('report', 1),
    [`${ETCD} -i nightly -t 2 -- report`]: refuses('report', 1, 2000),
  },

  distributedlock: {
    'lockex --url memcached://mc1:11211 -n -i report -- python manage.py report --all': refuses(
      'python manage.py report --all',
      1,
    ),
  },
};
