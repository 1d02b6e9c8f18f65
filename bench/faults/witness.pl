# Says when the trees of commands live. Usage: witness.pl FIFO...
# A command opens a FIFO for writing and its whole tree inherits that (command.sh). The end of file is the kernel's
# word that the last process of the tree is dead: no look at /proc that a fork could slip through.
# Writes "MS NAME TEXT" for each line that came, and "MS NAME end"; MS is CLOCK_MONOTONIC, as process.hrtime() of
# Node is. One program stamps all, so that what it is late by hits ends and beginnings alike.
use strict; use warnings;
use Fcntl qw(O_RDONLY O_NONBLOCK);
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

# On a busy machine it is still to be on time; without privileges it does what it can.
{ no warnings; eval { setpriority(0, 0, -15) }; }
$| = 1;

# O_NONBLOCK: to open a FIFO for reading must not wait for a writer.
sub look { my ($path) = @_; sysopen(my $fifo, $path, O_RDONLY | O_NONBLOCK) or die "$path: $!\n"; return $fifo; }

my %of = map { my ($name) = m{([^/]+)$}; ($name => { path => $_, fifo => look($_), text => '' }) } @ARGV;
print "0 witness watching\n";
while (1) {
  my $set = '';
  vec($set, fileno $_->{fifo}, 1) = 1 for values %of;
  # Nobody needs it for longer, should whoever started it have gone.
  my $ready = select($set, undef, undef, 120);
  exit 0 if $ready == 0;
  my $now = sprintf '%.3f', 1000 * clock_gettime(CLOCK_MONOTONIC);
  for my $name (sort keys %of) {
    my $it = $of{$name};
    next unless vec($set, fileno $it->{fifo}, 1);
    my $got = sysread $it->{fifo}, $it->{text}, 4096, length $it->{text};
    next unless defined $got;
    while ($it->{text} =~ s/^(.*)\n//) { print "$now $name $1\n" }
    next if $got > 0;
    print "$now $name end\n";
    # A FIFO that had its end says so for ever: a new look waits for the next writer.
    $it->{fifo} = look($it->{path});
  }
}
