/*
 * What our small processes run. Node has no flock(2); the program `flock` of util-linux, given the number of an
 * inherited descriptor, locks the open file behind it, and that lock is shared by everybody who has inherited the
 * descriptor and ends with the last of them. So all locks are on files that the supervisor opened and that the
 * keeper inherited: a lock is free only when both have closed it, and neither one's death alone lets it go.
 *
 * Descriptors: 3 the note, 10 and up the slots; 4 (the gate) and 5 (a look at another's note) for moments only.
 *
 * The gate is a lock on the resource's directory. Coming and going happen inside it, so whoever is in the gate of
 * the directory that stands at the path sees all notes as they are:
 * - a note is locked in the gate only; one without a lock belongs to nobody any more, or to one who has yet to
 *   come through the gate and will find it gone, and start over
 * - slots and the directory go only when there is no locked note but our own; a minimum hold that binds stays, and so
 *   does the directory then (held.ts)
 * A path is compared with an open file by `-ef`: an inode number is not used again while it is open.
 */

/** Whether a minimum hold binds, by its name: one of this boot that has not passed. */
const BINDS = `
binds() {
  case $1 in *".$boot."*) ;; *) return 1 ;; esac
  read -r up _ </proc/uptime
  passes=\${1##*/held.*.[sxp].}
  [ "\${up%.*}\${up#*.}" -lt "\${passes%%.*}" ] 2>/dev/null
}`;

/** Ours goes; if nobody else is here, everything does. */
const LEAVE = `${BINDS}
leave() {
  {
    flock -w 10 4 && [ /proc/$$/fd/4 -ef "$dir" ] || return
    for other in "$dir"/c-*; do
      [ "$other" = "$dir/$note" ] && continue
      if flock -n -s 5 5<"$other"; then continue; fi
      if [ -e "$other" ]; then rm -f "$dir/$note"; return; fi
    done
    rm -f "$dir"/c-* "$dir"/slot-*
    for held in "$dir"/held.*; do
      binds "$held" || rm -f "$held"
    done
    rmdir "$dir"
  } 2>/dev/null 4<"$dir"
}`;

/** How the keeper ends when it does not stay. */
export const KEEPER_EXIT = {
  left: 0,
  busy: 1,
  stale: 3,
  wrongKind: 4,
  cannotLock: 5,
  gateStuck: 6,
  noFlock: 127,
} as const;

/**
 * The keeper of one contender: `dir note kind mode permits tree waiters once boot`.
 *
 * It comes in, tries each slot that no minimum hold keeps, and says `held FD`, `waiting` or `kind NOTE`. Then it reads: `keep FD` gives back
 * what was won beside the one slot and is answered by `kept`; `leave FD` unlocks and leaves. The end of its input
 * means that the supervisor has died: it ends the processes that wait for slots, keeps the lock until no process
 * carries the mark of the tree, seen twice because a process can fork past one look, and leaves.
 */
export const KEEPER = `${LEAVE}
trap '' HUP INT QUIT TERM TSTP TTIN TTOU USR1 USR2 ALRM PIPE
dir=$1 note=$2 kind=$3 mode=$4 permits=$5 end=$((10 + $5)) tree=$6 waiters=$7 once=$8 boot=$9
lock() {
  flock "$@" && return
  case $? in 1) return 1 ;; 127) exit 127 ;; *) exit 5 ;; esac
}
bound() {
  for held in "$dir"/held.*; do
    case \${permits#1}$mode.\${held##*/held.} in
      -s.*.s.*) continue ;;
      -[sx].*) ;;
      *-x.$1.p.* | *-x.*.[sx].*) ;;
      *) continue ;;
    esac
    binds "$held" && return
  done
  return 1
}
# Once more when it is ours: only then is it known what those before us have left.
take() {
  bound $(($1 - 10)) && return 1
  lock -n $mode $1 || return
  bound $(($1 - 10)) || return 0
  flock -u $1
  return 1
}
come() {
  lock -w 10 4 || exit 6
  [ /proc/$$/fd/4 -ef "$dir" ] || return
  lock -w 10 3 || exit 6
  [ /proc/$$/fd/3 -ef "$dir/$note" ] || return
  fd=10
  while [ $fd -lt $end ]; do
    [ /proc/$$/fd/$fd -ef "$dir/slot-$((fd - 10))" ] || return
    fd=$((fd + 1))
  done
  for other in "$dir"/c-*; do
    case $other in "$dir/c-$kind-"*) continue ;; esac
    if flock -n -s 5 5<"$other"; then
      rm -f "$other"
    elif [ -e "$other" ]; then
      echo "kind \${other##*/}"
      rm -f "$dir/$note"
      exit 4
    fi
  done
}
{ come; } 4<"$dir" || { leave; exit 3; }
fd=10
until take $fd; do
  fd=$((fd + 1))
  [ $fd -lt $end ] && continue
  if [ "$once" ]; then leave; exit 1; fi
  fd=
  break
done
echo "\${fd:+held }\${fd:-waiting}"
while read -r word fd; do
  case $word in
    keep)
      surplus=10
      while [ $surplus -lt $end ]; do
        [ $surplus -eq $fd ] || flock -u $surplus
        surplus=$((surplus + 1))
      done
      echo kept ;;
    leave)
      [ "$fd" ] && flock -u $fd
      leave
      exit 0 ;;
  esac
done
looks=0
while [ $looks -lt 2 ]; do
  for environ in $(grep -lsF -e "$waiters" /proc/[0-9]*/environ); do
    pid=\${environ#/proc/}
    kill -9 "\${pid%/environ}"
  done
  if [ "$tree" ] && grep -qsF -e "$tree" /proc/[0-9]*/environ; then
    looks=0
    sleep 0.1
  else
    looks=$((looks + 1))
    sleep 0.02
  fi
done
leave
`;

/** For a contender whose keeper died: \`dir note boot\`. */
export const SWEEP = `${LEAVE}
dir=$1 note=$2 boot=$3
leave
`;

/** Prints which of the notes given are locked: whose contenders live. */
export const LOOK = `
for note do
  flock -n -s 5 5<"$note" 2>/dev/null || [ ! -e "$note" ] || echo "\${note##*/}"
done
`;
