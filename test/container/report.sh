# Sourced by run.sh: runs the checks and counts them.
passed=0
failed=0

# check SENTENCE COMMAND [ARG…]: passes if the command returns 0; what it printed is shown if it does not. It is a
# subshell with `set -e`, so that a check is a function whose every line has to hold.
check() {
  local sentence=$1 began=$SECONDS status
  shift
  set +e
  (set -euo pipefail; "$@") >"$WORK/check.log" 2>&1 </dev/null
  status=$?
  set -e
  if [ "$status" -eq 0 ]; then
    passed=$((passed + 1))
    echo "✔ $sentence ($((SECONDS - began)) s)"
  else
    failed=$((failed + 1))
    echo "✖ $sentence (status $status)"
    sed 's/^/    /' "$WORK/check.log"
  fi
}

# until_true WHAT COMMAND [ARG…]: asks every 50 ms, for at most 15 s.
until_true() {
  local what=$1 tries
  shift
  for ((tries = 0; tries < 300; tries++)); do
    if "$@"; then return 0; fi
    sleep 0.05
  done
  echo "gave up waiting until $what"
  return 1
}

# equal WHAT EXPECTED GOT
equal() {
  if [ "$2" != "$3" ]; then
    printf '%s: expected %q, got %q\n' "$1" "$2" "$3"
    return 1
  fi
}

summary() {
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ]
}
