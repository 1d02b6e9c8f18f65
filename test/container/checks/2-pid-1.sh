# Sourced by run.sh, after 1-image.sh: the image's entrypoint as PID 1.

# Leaves an orphan behind that ends at once, and waits, for at most 10 s, until PID 1 has reaped it.
ORPHAN='
orphan=$(sh -c "sleep 0.1 >/dev/null 2>&1 & echo \$!")
tries=0
while [ -e "/proc/$orphan" ] && [ "$tries" -lt "$1" ]; do sleep 0.1; tries=$((tries + 1)); done
if [ -e "/proc/$orphan" ]; then sed -n "s/^State:.//p" "/proc/$orphan/status"; else echo reaped; fi
exit 3'

reaps_orphans() {
  start_as_pid_1 lockex "$root" --local -q -- sh -c "$ORPHAN" sh 100
  expect_end 3
  equal "the orphan's state" reaped "$(tail -n 1 "$OUT")"
}

# The twin: the same with Node alone as PID 1, which waits for no process that it did not start.
without_an_init_orphans_stay() {
  local spawn='const [file, ...args] = process.argv.slice(1);
    require("node:child_process").spawn(file, args, { stdio: "inherit" }).on("exit", (code) => process.exit(code));'
  local ENTRYPOINT=(node -e "$spawn")
  start_as_pid_1 lockex "$root" sh -c "$ORPHAN" sh 10
  expect_end 3
  equal "the orphan's state" "Z (zombie)" "$(tail -n 1 "$OUT")"
}

# Sets, besides what start_as_pid_1 sets, the `namespace` of its processes.
start_a_command_that() {
  start_as_pid_1 lockex "$root" --local -q -- sh -c "$1; echo ready; while :; do sleep 1; done"
  wait_for_output '^ready$'
  namespace=$(readlink "/proc/$(pid_1)/ns/pid")
}

ends_when_stopped() {
  start_a_command_that true
  kill -TERM "$(pid_1)"
  expect_end 143
  equal "processes left" 0 "$(processes_in "$namespace")"
}

ends_when_lockex_is_killed() {
  local init
  start_a_command_that 'trap "" TERM'
  init=$(pid_1)
  kill -KILL "$(tr -d ' ' <"/proc/$init/task/$init/children")"
  expect_end 137
  equal "processes left" 0 "$(processes_in "$namespace")"
}

runs_as_any_user() {
  USER_SPEC=12345:0 start_as_pid_1 lockex "$root" --local -q -- sh -c 'id -u'
  expect_end 0
  equal "the uid" 12345 "$(tail -n 1 "$OUT")"
}

check "As PID 1 the image reaps the orphans of the command, and ends with the command's status" reaps_orphans
check "(Node alone as PID 1 would leave them zombies)" without_an_init_orphans_stay
check "A TERM to PID 1 ends the container with 143" ends_when_stopped
check "The end of lockex by SIGKILL is the end of all that runs in the container" ends_when_lockex_is_killed
check "In the image lockex runs as a user that has no line in passwd" runs_as_any_user
