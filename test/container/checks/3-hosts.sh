# Sourced by run.sh: docker/compose.yml and what its hosts are made of. The pair itself, on real ZooKeepers, is
# tested in test/e2e.
host_container=$(images from --pull-never "$(image lockex-host)")
host_root=$(images mount "$host_container")

supervisord_starts_lockex() {
  start_as_pid_1 lockex-host "$host_root"
  wait_for_output "spawned: 'redis' with pid"
  kill -TERM "$(pid_1)"
  expect_end 0
}

redis_starts() {
  local ENTRYPOINT=(tini -- redis-server /etc/redis/redis.conf)
  start_as_pid_1 lockex-host "$host_root"
  wait_for_output 'Ready to accept connections'
  kill -TERM "$(pid_1)"
  expect_end 0
  equal "the data's owner" 10001 "$(stat -c %u "$host_root/var/lib/redis/appendonlydir")"
}

check "compose.yml: three ZooKeepers know each other by name and number" python3 "$here/compose.py" zookeepers
check "compose.yml: two hosts share redis's data, and publish its port on two of the loopback" python3 "$here/compose.py" hosts
check "supervisord.conf: lockex knows the ZooKeepers of compose.yml, and redis its configuration" python3 "$here/compose.py" entry
check "supervisord.conf: lockex's patience ends before supervisord's, and that before the engine's" python3 "$here/compose.py" patience
check "The host image's supervisord, not root, takes supervisord.conf and starts lockex" supervisord_starts_lockex
check "The host image's redis-server, not root, takes redis.conf and serves" redis_starts
