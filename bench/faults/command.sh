# The command of a measured holder: command.sh SHAPE FIFO GO
# It opens FIFO for writing first of all, and every process of its tree inherits that: the kernel tells the reader
# (witness.pl) when the last of them has died, whatever they do to their environment, group or parent. Each line
# says who has begun. All of it ends by itself after a minute, if nobody ends it.
# SHAPE  plain: with two children   daemon: and with one that left, in a session of its own, and ignores TERM
#        leaves: leaves a daemon behind that ends on TERM, and ends with status 0 when GO is written to
exec 9>"$2"
echo "begin $$" >&9

# The subshell ends at once, so that nobody is the daemon's parent. What is ignored is inherited.
leave_daemon() {
  (
    trap '' HUP INT $1
    setsid sh -c 'echo "daemon $$" >&9; exec sleep 60' </dev/null >/dev/null 2>&1 &
  )
}

case $1 in
  plain)
    sleep 60 &
    sleep 60 &
    ;;
  daemon) leave_daemon TERM ;;
  leaves)
    leave_daemon
    echo "ready $$" >&9
    read -r _ <"$3"
    exit 0
    ;;
esac
echo "ready $$" >&9
exec sleep 60
