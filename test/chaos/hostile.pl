# A command of the chaos test, and its witness. Usage: perl hostile.pl DIRECTORY PERMITS SHAPE MOOD SECONDS STATUS
#
# Its first act, before perl has loaded anything else: to lock one of DIRECTORY/slot-1 … slot-PERMITS, without waiting.
# Whatever it forks or execs inherits the lock, and the kernel frees it when the last process that has it is dead. So a
# slot is free only when all of a tree is dead, and a tree that finds no free slot has found one too many.
#
# It appends one line to DIRECTORY/witness, `UPTIME start TOKEN PID CONTENDER`, or `UPTIME overlap …`, and tells the
# runner the same by the socket DIRECTORY/socket, which the whole tree inherits too: the runner sees its end when the
# last of the tree has died. When the runner ends, so do they.
#
# SHAPE  alone   children: two of them   daemons: two, forked twice, in sessions of their own   scrubbed: the same,
#        without an environment   stopped: a child that SIGSTOP has stopped   rabbits: forks and exits every 10 ms
# MOOD   plain   deaf: ignores all that can be ignored   slow: takes 200 ms for its end on TERM
# SECONDS  ends by itself after so long, with STATUS, and leaves the others behind; 0: never
BEGIN {
  $^F = 99; # what is opened here outlives an exec
  our ($dir, $permits) = @ARGV;
  our ($slot, $held);
  for my $k ($dir eq 'live' ? () : 1 .. $permits) {
    open($held, '>>', "$dir/slot-$k") or die "$dir/slot-$k: $!";
    if (flock $held, 2 | 4) { $slot = $k; last } # LOCK_EX | LOCK_NB
  }
}
use strict; use warnings;
our ($dir, $permits, $slot, $held);
my (undef, undef, $shape, $mood, $seconds, $status) = @ARGV;
my $runner;

sub doze { select undef, undef, undef, $_[0] }
sub uptime { open(my $f, '<', '/proc/uptime') or die $!; (split ' ', <$f>)[0] }
sub tell_all {
  my $line = join ' ', @_;
  open(my $f, '>>', "$dir/witness") or die $!; # O_APPEND: one write, one line, in the order of the writes
  syswrite $f, uptime() . " $line\n";
  syswrite $runner, "$line\n";
}
# Until the runner goes, or SECONDS have passed. No process of this file lives longer than twenty minutes.
sub live {
  my ($socket, $limit) = @_;
  my $end = time + 1200; my $rest = $limit || 1200; my $begin = uptime();
  my $bits = ''; vec($bits, fileno $socket, 1) = 1;
  while (time < $end) {
    my $left = $rest - (uptime() - $begin);
    last if $left <= 0;
    last if 0 < select(my $ready = $bits, undef, undef, $left < 1 ? $left : 1);
  }
}

if ($dir eq 'live') {
  open($runner, '+<&=', $permits) or die $!; # the second argument is the socket's number here
  $SIG{$_} = 'IGNORE' for qw(HUP INT QUIT TERM);
  live($runner, 0);
  exit 0;
}

if ($mood eq 'deaf') { $SIG{$_} = 'IGNORE' for qw(HUP INT QUIT TERM USR1 USR2 ALRM PIPE TSTP TTIN TTOU) }
if ($mood eq 'slow') { $SIG{TERM} = sub { doze(0.2); exit 0 } }

socket($runner, 1, 1, 0) or die $!; # AF_UNIX, SOCK_STREAM: the module Socket takes 20 ms to load
connect($runner, pack('S a*', 1, "$dir/socket")) or die "the runner has gone: $!";
my @who = ($ENV{LOCKEX_FENCING_TOKEN} // 0, $$, getppid(), $ENV{CHAOS_RUN});
if (!defined $slot) {
  tell_all('overlap', @who);
  for (1 .. 2000) {
    for my $k (1 .. $permits) {
      open($held, '>>', "$dir/slot-$k") or die $!;
      if (flock $held, 2 | 4) { $slot = $k; last }
    }
    last if defined $slot;
    doze(0.005);
  }
  tell_all('apart', @who);
}
tell_all('start', @who);

sub deaf_child {
  $SIG{$_} = 'IGNORE' for qw(HUP INT QUIT TERM);
  live($runner, 0);
  exit 0;
}
sub daemon {
  require POSIX;
  my $pid = fork // die $!;
  if ($pid) { waitpid $pid, 0; return }
  POSIX::setsid();
  exit 0 if fork // die $!;
  if ($shape eq 'scrubbed') { %ENV = (); exec $^X, $0, 'live', fileno $runner or die $! }
  deaf_child();
}
if ($shape eq 'children') { for (1, 2) { my $pid = fork // die $!; deaf_child() unless $pid } }
if ($shape eq 'daemons' or $shape eq 'scrubbed') { daemon() for 1, 2 }
if ($shape eq 'stopped') {
  my $pid = fork // die $!;
  if (!$pid) { kill 'STOP', $$; deaf_child() }
}
if ($shape eq 'rabbits') {
  my $pid = fork // die $!;
  if (!$pid) {
    for (1 .. 500) { doze(0.01); my $next = fork // die $!; exit 0 if $next }
    deaf_child();
  }
}
syswrite $runner, "whole\n"; # all of the tree that the shape promises is there
live($runner, $seconds);
exit $status;
