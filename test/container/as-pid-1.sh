# Sourced by run.sh: runs an image as a container engine does: its entrypoint as PID 1 of a namespace, its own user,
# environment, /proc and devices, nothing of the host's processes or network.

# run_as_pid_1 NAME ROOT [ARG…]: ROOT is where the image is mounted; the arguments take the place of its CMD. Two
# variables of the caller's do what options of an engine do: USER_SPEC, a uid:gid that has no line in passwd, and
# ENTRYPOINT, an array in place of the image's.
run_as_pid_1() {
  local name=$1 root=$2 user home=/home/lockex environment entrypoint
  shift 2
  user=$(image_config "$name" User)
  if [ -n "${USER_SPEC-}" ]; then user=$USER_SPEC home=/; fi
  # Not from `< <(…)`, which would leave children that unshare knows nothing of.
  mapfile -t environment <<<"$(image_config "$name" Env)"
  mapfile -t entrypoint <<<"$(image_config "$name" Entrypoint)"
  if [ -n "${ENTRYPOINT-}" ]; then entrypoint=("${ENTRYPOINT[@]}"); fi
  exec unshare --mount --pid --net --uts --ipc --fork --kill-child --propagation private bash -c '
    set -euo pipefail
    root=$1 user=$2
    shift 2
    mount -t proc proc "$root/proc"
    mount -t tmpfs -o mode=755 tmpfs "$root/dev"
    for device in null zero full random urandom tty; do
      : >"$root/dev/$device"
      mount --bind "/dev/$device" "$root/dev/$device"
    done
    mkdir -m 1777 "$root/dev/shm"
    ln -s /proc/self/fd "$root/dev/fd"
    exec chroot --userspec="$user" --groups= "$root" env --ignore-environment "$@"
  ' as-pid-1 "$root" "$user" "${environment[@]}" HOME="$home" "${entrypoint[@]}" "$@"
}

# start_as_pid_1 NAME ROOT [ARG…]: the same in the background. Sets JOB, to `wait` for, and OUT, the file that its
# output goes to, which its user may open anew as /dev/fd/1.
start_as_pid_1() {
  OUT=$(mktemp "$WORK/out.XXXXXX")
  chmod 666 "$OUT"
  run_as_pid_1 "$@" >"$OUT" 2>&1 &
  JOB=$!
}

# The pid, out here, of the process that is PID 1 in there.
pid_1() { tr -d ' ' <"/proc/$JOB/task/$JOB/children"; }

has_said() { grep -qE "$1" "$OUT" || ! running "$JOB"; }

# wait_for_output PATTERN: fails at once if it ended without having said so.
wait_for_output() {
  until_true "its output has '$1'" has_said "$1" && grep -qE "$1" "$OUT" || { cat "$OUT"; return 1; }
}

has_ended() { ! running "$JOB"; }

# expect_end STATUS: waits until it has ended, and compares.
expect_end() {
  local status=0
  until_true "PID 1 has ended" has_ended || { cat "$OUT"; return 1; }
  wait "$JOB" || status=$?
  equal "the status" "$1" "$status" || { cat "$OUT"; return 1; }
}

# Whether the process lives: a zombie, which only waits to be asked for its status, does not.
running() { [ -e "/proc/$1" ] && ! grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null; }

# How many processes live in a PID namespace, named as by `readlink /proc/PID/ns/pid`.
processes_in() { readlink /proc/[0-9]*/ns/pid 2>/dev/null | grep -cxF "$1" || true; }
