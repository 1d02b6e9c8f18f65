#!/usr/bin/perl
# The guardian: stands between lockex and the command, and outlives lockex. It is the command's parent and, as a child
# subreaper (prctl(2)), the parent of whatever the command leaves behind, so that waitpid(2) says when the tree is dead:
# ECHILD is the only proof of that which needs no privileges.
#
# Why perl: something outside of Node has to act when Node is killed, stopped or busy; perl is on every Debian, starts in
# 4 ms and takes 5 MB. It uses no module, not even POSIX, which would take 15 ms: what perl lacks is asked of the kernel
# by syscall(2), by the numbers below. The protocol is that of protocol.ts.
#
#   guardian.pl ARCH GROUP CGROUP FORMAT NODE FAREWELL
#
# ARCH as Node names it; GROUP `own` or `shared`, see child.ts; CGROUP the directory of our own cgroup or ''; FORMAT
# `json`, `pretty` or `silent` for the one line that is written to standard error when lockex has died; NODE and
# FAREWELL the program that gives the lock back where that takes TLS. Descriptor 3 is the
# socket whose other end only lockex has.
use strict;

# By arch: prctl, setsid, rt_sigprocmask, signalfd4 (Linux, arch/*/syscall.tbl; the generic table for the newer ones).
my %NUMBERS = (
  x64 => [157, 112, 14, 289], arm64 => [167, 157, 135, 74], riscv64 => [167, 157, 135, 74],
  loong64 => [167, 157, 135, 74], ppc64 => [171, 66, 174, 313], s390x => [172, 66, 175, 322],
  arm => [172, 66, 175, 355], ia32 => [172, 66, 175, 327],
);
my ($arch, $group, $cgroup, $format, $node, $farewell_program) = @ARGV;
my ($PRCTL, $SETSID, $SIGPROCMASK, $SIGNALFD) = @{$NUMBERS{$arch} || die "no system calls known for $arch\n"};
my ($SET_PDEATHSIG, $SET_NAME, $SET_CHILD_SUBREAPER) = (1, 15, 36);
my ($BLOCK, $UNBLOCK, $CLOEXEC, $SIGCHLD, $SIGKILL, $SIGCONT, $WNOHANG, $ECHILD, $EINTR) =
  (0, 1, 0x80000, 17, 9, 18, 1, 10, 4);

# The same everywhere.
my ($CLONE3, $CLONE_INTO_CGROUP) = (435, 2 ** 33);

# Nothing but lockex ends us: not the keys of the terminal, nor its closing.
my @DEAF = qw(HUP INT QUIT TERM USR1 USR2 ALRM PIPE TSTP TTIN TTOU);
$SIG{$_} = 'IGNORE' for @DEAF;
my $name = "lockex-guardian\0";
syscall($PRCTL, $SET_NAME, $name, 0, 0, 0);
die "this kernel has no child subreapers: $!\n" if syscall($PRCTL, $SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0;

# Deaths of children come as data: a handler would be overrun by 500 of them at once ("Maximal count of pending signals").
my $chld = pack('Q', 1 << ($SIGCHLD - 1));
syscall($SIGPROCMASK, $BLOCK, $chld, 0, 8) == 0 or die "rt_sigprocmask: $!\n";
my $deaths_fd = syscall($SIGNALFD, -1, $chld, 8, $CLOEXEC | 0x800);
die "signalfd4: $!\n" if $deaths_fd < 0;
open(my $deaths, '<&=', $deaths_fd) or die "signalfd4: $!\n";
open(my $lockex, '+<&=', 3) or die "descriptor 3: $!\n";
open(my $uptime, '<', '/proc/uptime') or die "/proc/uptime: $!\n";
fcntl($_, 2, 1) for $deaths, $lockex, $uptime;

# The command's pid once it was started, and whether it was reaped; whether its tree is gone, and lockex has been told.
my ($leader, $leader_ended, $gone, $told) = (undef, 0, 0, 0);
# When SIGKILL is due (of `now`), whether it was; whether lockex asked for it; whether lockex is there, and was heard.
my ($kill_at, $overdue, $killing, $lockex_died, $heard_at) = (undef, 0, 0, 0, 0);
# What gives the lock back, as the frame had it, and whether it was said although lockex is there.
my (@farewells, $parted);

# CLOCK_BOOTTIME, ms: goes on while the host is suspended, as the lease does on the servers.
sub now {
  sysseek($uptime, 0, 0);
  sysread($uptime, my $text, 64);
  return (split ' ', $text)[0] * 1000;
}

sub report { syswrite($lockex, join(' ', @_) . "\n") if !$lockex_died }

# Living descendants, ourselves not among them: pid => [state, name].
sub tree {
  my (%children, %facts);
  opendir(my $proc, '/proc') or return ();
  for my $pid (reverse grep { /^\d/ } readdir $proc) {
    open(my $file, '<', "/proc/$pid/stat") or next;
    my $line = readline($file);
    next if !defined $line || $line !~ /\((.*)\) (\S) (\d+) \d+ \d+ -?\d+ -?\d+ \d+ (?:\d+ ){6}(?:-?\d+ ){4}(\d+) /s;
    $facts{$pid} = [$2 eq 'Z' && $4 > 1 ? 'R' : $2, $1];
    push @{$children{$3}}, $pid;
  }
  my @line = ($$);
  my %found;
  while (defined(my $pid = shift @line)) {
    for my $child (@{$children{$pid} || []}) {
      $found{$child} = $facts{$child} if $facts{$child}[0] !~ /[ZX]/;
      push @line, $child;
    }
  }
  return %found;
}

# Whether the number of the command's group is still the command's: we have not reaped it, or somebody is in the group
# whom the kernel keeps the number for. Only what is our descendant is asked.
sub leads { return $group eq 'own' && defined $leader && !$leader_ended }

sub signal_all {
  my @signals = @_;
  my %tree = tree();
  for my $signal (@signals) {
    kill $signal, -$leader if leads();
    for my $pid (keys %tree) { kill $signal, $pid if !(leads() && getpgrp($pid) == $leader) }
  }
  return %tree;
}

sub populated {
  return 0 if $cgroup eq '';
  open(my $events, '<', "$cgroup/cgroup.events") or return 0;
  return scalar grep { /^populated 1/ } readline($events);
}

sub end_cgroup {
  return if $cgroup eq '';
  open(my $switch, '>', "$cgroup/cgroup.kill") or return;
  syswrite($switch, '1');
}

# Reaps who has died; finds out when nobody is left.
sub reap {
  while (1) {
    my $pid = waitpid(-1, $WNOHANG);
    if ($pid <= 0) {
      $gone = 1 if $pid < 0 && $! == $ECHILD && $leader_ended && !populated();
      return;
    }
    next if !defined $leader || $pid != $leader;
    $leader_ended = 1;
    report($? & 127 ? ('killed', $? & 127) : ('exited', $? >> 8));
  }
}

# A child that is born in the cgroup (clone3(2), CLONE_INTO_CGROUP, Linux 5.7): moving one there takes 10 ms, since the
# kernel waits until all processors have seen it. Undefined where that is not to be had.
sub fork_into_cgroup {
  return undef if $cgroup eq '' || !open(my $directory, '<', $cgroup);
  my $arguments = pack('Q11', $CLONE_INTO_CGROUP, 0, 0, 0, $SIGCHLD, 0, 0, 0, 0, 0, fileno $directory);
  my $pid = syscall($CLONE3, $arguments, length $arguments);
  return $pid < 0 ? undef : $pid;
}

sub start {
  my ($count, @words) = @_;
  my @command = splice(@words, 0, $count);
  pipe(my $read, my $write) or die "pipe: $!\n";
  fcntl($_, 2, 1) for $read, $write;
  my $self = $$;
  my $pid = fork_into_cgroup();
  my $moved = $pid;
  $pid = fork() if !defined $pid;
  return report('failed', $! + 0) if !defined $pid;
  if ($pid == 0) {
    $SIG{$_} = 'DEFAULT' for @DEAF, 'FPE';
    syscall($SIGPROCMASK, $UNBLOCK, $chld, 0, 8);
    # The command does not outlive us either: were we killed, nobody could tell when its tree is dead.
    syscall($PRCTL, $SET_PDEATHSIG, $SIGKILL, 0, 0, 0);
    # We may have been killed before that.
    kill 'KILL', $$ if getppid() != $self;
    syscall($SETSID) if $group eq 'own';
    if ($cgroup ne '' && !defined $moved) {
      my $procs;
      open($procs, '>', "$cgroup/cgroup.procs") && syswrite($procs, '0') or fail($write, 'cgroup ');
    }
    %ENV = map { split /=/, $_, 2 } @words;
    { no warnings; exec { $command[0] } @command; }
    fail($write, '');
  }
  close $write;
  $leader = $pid;
  # The command stays in the session of the terminal, we leave it. What the command reads and writes is its own.
  syscall($SETSID);
  open(STDIN, '<', '/dev/null');
  open(STDOUT, '>', '/dev/null');
  chdir '/';
  my $errno = readline($read);
  if (defined $errno) {
    waitpid($pid, 0);
    $leader = undef;
    return report('failed', $errno);
  }
  report('started', $pid);
}

sub fail {
  my ($write, $what) = @_;
  syswrite($write, $what . ($! + 0));
  kill 'KILL', $$;
}

my %ON = (
  farewell => sub { @farewells = @_ },
  go => sub {
    my $at = shift;
    $kill_at = $at eq '' ? undef : $at;
    # We may have been stopped since this was written.
    if (defined $kill_at && now() >= $kill_at) { report('late') }
    else { start(@_) }
  },
  keep => sub { my ($at, $number) = @_; $kill_at = $at eq '' ? undef : $at; report('kept', $number) },
  signal => sub {
    my ($number) = @_;
    if ($group ne 'own') { signal_all($number) }
    elsif (leads()) { kill $number, -$leader }
    elsif (defined $leader) {
      # The command has gone. Who it left in its group is ours to reach, but not a stranger's group of that number.
      my %tree = tree();
      kill $number, grep { getpgrp($_) == $leader } keys %tree;
    }
  },
  stop => sub { my ($number) = @_; signal_all($number, $SIGCONT) },
  kill => sub { $killing = 1 },
  done => sub { leave() },
);

# Takes a cgroup away, and those that a lockex inside of it has left.
sub remove_cgroup {
  my ($directory) = @_;
  opendir(my $entries, $directory) or return;
  for my $name (readdir $entries) { remove_cgroup("$directory/$name") if $name !~ /^\.\.?$/ && -d "$directory/$name" }
  rmdir $directory;
}

sub leave {
  remove_cgroup($cgroup) if $cgroup ne '';
  exit 0;
}

my $input = '';
sub hear {
  my $got = sysread($lockex, $input, 65536, length $input);
  return if !defined $got && $! == $EINTR;
  if (!$got) {
    $lockex_died = 1;
    return;
  }
  while ($input =~ /^(\d+):/ && length $input >= length($1) + 1 + $1) {
    my $words = substr($input, length($1) + 1, $1);
    $input = substr($input, length($1) + 1 + $1);
    my ($verb, @rest) = split /\0/, $words, -1;
    $heard_at = now();
    $ON{$verb}->(@rest);
  }
  # Were we to wait for sense, nothing would be heard any more. Our end is noticed, and the tree killed.
  die "not a frame: " . substr($input, 0, 20) . "\n" if $input !~ /^(?:\d{1,9}(?::|$)|$)/;
}

# Says what was prepared for this: how, is between lockex and the lock service.
sub say_farewells {
  my (@calls, @heard);
  for (my @words = @farewells; @words;) {
    my ($bytes, $tls, $taken, $count) = splice(@words, 0, 4);
    push @calls, [pack('H*', $bytes), $tls, $taken, splice(@words, 0, 2 * $count)];
  }
  return 'nothing to give back' if !@calls;
  return farewells_by_node() if grep { $_->[1] ne '' } @calls;
  for my $call (@calls) {
    my $at = say_farewell(@$call);
    push @heard, $at if defined $at;
  }
  return 'no server took the lock back: it ends with the session' if !@heard;
  return 'gave the lock back at ' . join(', ', @heard);
}

# Connects, hands the words over, and waits until the answer is there. Returns the address that took them, if one did.
sub say_farewell {
  my ($bytes, $tls, $taken, @addresses) = @_;
  require Socket;
  while (my ($host, $port) = splice(@addresses, 0, 2)) {
    my ($error, @found) = Socket::getaddrinfo($host, $port, { socktype => Socket::SOCK_STREAM() });
    for my $found (@found) {
      socket(my $socket, $found->{family}, $found->{socktype}, $found->{protocol}) or next;
      fcntl($socket, 4, 0x800);
      my $bits = '';
      vec($bits, fileno $socket, 1) = 1;
      connect($socket, $found->{addr}) or select(undef, my $ready = $bits, undef, 1);
      next if unpack('i', getsockopt($socket, Socket::SOL_SOCKET(), Socket::SO_ERROR()) || pack('i', 1)) != 0;
      next if !defined getpeername($socket) || !defined syswrite($socket, $bytes);
      # It may be a proxy that has no server behind it.
      my ($patience, $answer) = (now() + 2000, '');
      while (now() < $patience) {
        next if select(my $ready = $bits, undef, undef, 0.5) <= 0;
        my $got = sysread($socket, $answer, 4096, length $answer);
        last if defined $got ? $got == 0 : $! != $EINTR;
        # An empty pattern would be the one that was used last.
        return "$host:$port" if $answer =~ /(?:$taken)/s;
      }
    }
  }
  return undef;
}

# The one thing that perl cannot do without more modules than it comes with.
sub farewells_by_node {
  pipe(my $in_read, my $in_write) && pipe(my $out_read, my $out_write) or return "pipe: $!";
  my $pid = fork();
  return "fork: $!" if !defined $pid;
  if ($pid == 0) {
    syscall($SIGPROCMASK, $UNBLOCK, $chld, 0, 8);
    open(STDIN, '<&', $in_read);
    open(STDOUT, '>&', $out_write);
    { no warnings; exec { $node } $node, $farewell_program; }
    kill 'KILL', $$;
  }
  close $in_read;
  close $out_write;
  syswrite($in_write, join("\0", @farewells));
  close $in_write;
  my $bits = '';
  vec($bits, fileno $out_read, 1) = 1;
  my $answer = select($bits, undef, undef, 10) > 0 ? readline($out_read) : undef;
  kill 'KILL', $pid;
  $answer = 'the lock could not be given back: it ends with the session' if !defined $answer;
  chomp $answer;
  return $answer;
}

sub write_line {
  my ($message) = @_;
  return if $format eq 'silent';
  $message = "guardian: $message";
  my ($s, $m, $h, $d, $mon, $y) = gmtime;
  my $time = sprintf '%04d-%02d-%02dT%02d:%02d:%02d.000Z', $y + 1900, $mon + 1, $d, $h, $m, $s;
  $message = qq({"level":"error","time":"$time","name":"lockex","pid":$$,"msg":"$message"}) if $format eq 'json';
  # Who does not read must not keep us. Not O_NONBLOCK: whoever shares the terminal or the pipe with us would have it, too.
  my $writable = '';
  vec($writable, fileno STDERR, 1) = 1;
  return if select(undef, $writable, undef, 0) <= 0;
  syswrite(STDERR, $format eq 'json' ? "$message\n" : "lockex: $message\n");
}

# What forks and exits without pause is gone again before a look over /proc is at its end. But whoever loses his parent is
# our child from that moment on, and our children stand in one file (CONFIG_PROC_CHILDREN): a look at it takes 30 us.
sub kill_children {
  for (1 .. 100) {
    open(my $file, '<', "/proc/$$/task/$$/children") or return;
    my @children = split ' ', readline($file) || '';
    return if !@children;
    for my $pid (@children) { kill $SIGKILL, $pid }
    reap();
    return if $gone;
  }
}

# One round of killing: as often as there is somebody new, and then ever more slowly, down to 20 times a second.
my ($complain_at, $pause, $known) = (undef, 0, '');
sub kill_tree {
  $complain_at = now() + 3000 if !defined $complain_at;
  end_cgroup();
  # Before the look over /proc, which takes milliseconds: another may have the lock already.
  kill $SIGKILL, -$leader if leads();
  my %tree = signal_all($SIGKILL);
  kill_children();
  my $these = join ' ', sort keys %tree;
  $pause = $these ne $known ? 0 : $pause * 2 > 0.05 ? 0.05 : $pause * 2 + 0.001;
  $known = $these;
  return if now() < $complain_at;
  $complain_at = now() + 3000;
  my @left = map { "$_ $tree{$_}[1] $tree{$_}[0]" } sort { $a <=> $b } keys %tree;
  s/[^\x20-\x7e]|[;"\\]/?/g for @left;
  # Lockex may be stopped and not read: we must not wait for it, there is killing to do.
  my $writable = '';
  vec($writable, fileno $lockex, 1) = 1 if !$lockex_died;
  report('left', join ';', @left[0 .. ($#left > 19 ? 19 : $#left)]) if select(undef, $writable, undef, 0) > 0;
}

sub readable {
  my $bits = '';
  vec($bits, fileno $_[0], 1) = 1;
  return select($bits, undef, undef, 0) > 0;
}

report('ready');
while (1) {
  reap();
  if ($gone && !$told) { $told = 1; report('gone') }
  my $left = defined $kill_at ? $kill_at - now() : undef;
  # Short sleeps: while the host is suspended, select(2) counts no time, and the lease is lost all the same.
  my $wait = !defined $left ? undef : $left < 0 ? 0 : $left < 200 ? $left / 1000 : 0.2;
  if (defined $leader && !$gone) {
    if (defined $left && $left <= 0 && !$overdue) {
      # We may have been stopped ourselves, and renewals lie unread.
      if (!$lockex_died && readable($lockex)) { hear(); next }
      $overdue = 1;
    }
    if ($overdue || $killing || $lockex_died) {
      kill_tree();
      reap();
      next if $gone;
      $wait = $pause;
    }
  }
  elsif ($lockex_died) {
    my $end = say_farewells();
    write_line("lockex has died; its command was killed, all of it; $end") if defined $leader;
    leave();
  }
  elsif ($overdue && !$parted) {
    # Lockex is stopped, or cut off and about to say that it is done.
    if (now() - $heard_at > 500) {
      $parted = 1;
      write_line('lockex did not renew its lease in time; its command was killed, all of it; ' . say_farewells());
    }
    $wait = 0.1;
  }
  else { $wait = undef }
  my $bits = '';
  vec($bits, fileno $lockex, 1) = 1 if !$lockex_died;
  vec($bits, fileno $deaths, 1) = 1;
  next if select(my $ready = $bits, undef, undef, $wait) <= 0;
  sysread($deaths, my $ignored, 128 * 64) if vec($ready, fileno $deaths, 1);
  hear() if !$lockex_died && vec($ready, fileno $lockex, 1);
}
