#!/bin/sh
# The demo's command: ticks until it is killed, since it ignores the polite stop signal. Its first act is to lock the
# file $1; the kernel frees that when this shell and all that it started are dead. Who finds it locked is one too many.
exec 9>>"$1"
if ! flock --nonblock 9; then
  echo "overlap $(date +%s%3N)"
  { flock 9; echo "apart $(date +%s%3N)"; } &
fi
trap '' TERM
while :; do
  echo tick
  sleep 0.1
done
