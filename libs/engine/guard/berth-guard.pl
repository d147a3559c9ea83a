#!/usr/bin/perl -w
# berth-guard: the parent of one vmm. It outlives the worker, keeps the serial console within bounds, writes how the vmm
# ended, and stops it when the node's lease has run out. Needs perl-base only. Runs in the vmm's state directory:
#
#   guard.lock      made exclusively: one vmm is launched at most once, whoever retries
#   process.json    pids with start ticks, and the number of the vmm's memory, once the vmm is forked and in its groups
#   serial.log(.1)  the serial console, two halves of the limit
#   serial.sock     gives the kept tail of the console, then live, and takes input
#   exit.json       how it ended; the last thing the guard writes
#
# berth-guard.pl --name NAME --console-bytes N [--lease FILE --lease-seconds N] [--listen KEY]... [--read KEY=PATH]...
#     [--update KEY=PATH]... [--create KEY=PATH]... [--memory MIB[,VMM,PID,TICKS,NUMBER]] [--cgroup DIRECTORY]...
#     [--scoped yes] [--filtered yes] -- ARGV
#
# In ARGV, but for what follows -append or --cmdline=, `{KEY}` becomes the descriptor of a listening KEY.sock or of an
# open file, so that the vmm itself needs no right to any directory or device. With --lease the vmm is killed once the
# boot-clock second written in FILE has passed. `{memory}` of --memory is a file without a name that is memory: a new
# one, or descriptor NUMBER of process PID, which was started at TICKS and is the vmm VMM. The new vmm is put into each
# --cgroup, which goes with it. With --scoped it reaches no abstract unix socket and signals nobody; with --filtered it
# is refused the system calls that `filter` names. Without ARGV nothing is run: exit code 0 says that a filter can be had.
use strict;    # and -w: the modules `warnings` and `constant` take as long to load as perl takes to start

# Of Linux. The modules that know them take longer to load than all the rest of the guard takes to start its vmm.
sub O_WRONLY() { 1 }
sub O_CREAT()  { 0100 }
sub O_EXCL()   { 0200 }
sub AF_UNIX()      { 1 }
sub PF_UNSPEC()    { 0 }
sub SOCK_STREAM()  { 1 }
sub MSG_DONTWAIT() { 0x40 }
sub WNOHANG()      { 1 }
sub ENOSYS()            { 38 }
sub MFD_ALLOW_SEALING() { 2 }
sub F_ADD_SEALS()       { 1033 }
sub F_GET_SEALS()       { 1034 }
sub SEALS()             { 7 }    # SEAL, SHRINK, GROW
sub LANDLOCK_CREATE_RULESET()    { 444 }
sub LANDLOCK_RESTRICT_SELF()     { 446 }
sub SCOPE_ABSTRACT_UNIX_SOCKET() { 1 }
sub SCOPE_SIGNAL()               { 2 }

sub STDERR_BYTES() { 16_384 }
sub TAIL_BYTES()   { 65_536 }
sub CHUNK_BYTES()  { 65_536 }
sub CLIENTS_MAX()  { 8 }

my %mode = ('--read' => '<', '--update' => '+<', '--create' => '>');
my (%option, @listen, @files, @groups);
while (defined(my $flag = shift @ARGV)) {
    last if $flag eq '--';
    my $value = shift @ARGV;
    if    ($flag eq '--listen') { push @listen, $value }
    elsif ($flag eq '--cgroup') { push @groups, $value }
    elsif ($mode{$flag})        { push @files, [$mode{$flag}, split /=/, $value, 2] }
    else                        { $option{ substr $flag, 2 } = $value }
}

if (!@ARGV) { filter(); exit 0 }

umask 0077;
$^F = 1023;    # what is opened below is inherited
sysopen(my $lock, 'guard.lock', O_CREAT | O_EXCL | O_WRONLY) or die "guard.lock: $!\n";
$0 = "berth-guard $option{name}";

my (%key, @inherited);
for my $name (@listen) {
    my $socket = listener("$name.sock");
    push @inherited, $socket;
    $key{$name} = fileno $socket;
}
for my $file (@files) {
    my ($mode, $name, $path) = @$file;
    open(my $handle, $mode, $path) or die "$path: $!\n";
    push @inherited, $handle;
    $key{$name} = fileno $handle;
}
if (my $memory = $option{memory}) {
    my ($mib, @lent) = split /,/, $memory;
    my $handle = @lent ? lentMemory($mib, @lent) : ownMemory($mib);
    push @inherited, $handle;
    $key{memory} = fileno $handle;
}
for my $at (0 .. $#ARGV) {
    my $isOfOwner = $at > 0 && $ARGV[$at - 1] eq '-append' || $ARGV[$at] =~ /^--cmdline=/;
    next if $isOfOwner;    # whatever a guest's kernel is told
    $ARGV[$at] =~ s/\{([a-z][a-z0-9-]*)\}/$key{$1} \/\/ die "no key $1\n"/ge;
}

socketpair(my $serial, my $serialVmm, AF_UNIX, SOCK_STREAM, PF_UNSPEC) or die "socketpair: $!\n";
pipe(my $errors, my $errorsVmm) or die "pipe: $!\n";
my $console = listener('serial.sock');

my $vmm = fork // die "fork: $!\n";
if ($vmm == 0) {
    open(STDIN,  '<&', $serialVmm);
    open(STDOUT, '>&', $serialVmm);
    open(STDERR, '>&', $errorsVmm);
    close $_ for $serial, $serialVmm, $errors, $errorsVmm, $console, $lock;
    scope()  if $option{scoped};
    filter() if $option{filtered};
    if (open(my $score, '>', '/proc/self/oom_score_adj')) { print $score 500 }    # before the worker and the guard
    exec { $ARGV[0] } @ARGV or print STDERR "$ARGV[0]: $!\n";
    exit 127;
}
close $_ for @inherited, $serialVmm, $errorsVmm, $lock;
my $unbounded = grep { !joinGroup($_, $vmm) } @groups;
kill KILL => $vmm if $unbounded;
my $memory = $option{memory} ? ",\"memory\":$key{memory}" : '';
replaceFile('process.json', sprintf '{"guard":%s,"vmm":%s%s}', process($$), process($vmm), $memory);

my $isolated = 0;
$SIG{$_} = 'IGNORE' for qw(HUP INT PIPE);
$SIG{TERM} = sub { kill TERM => $vmm };
my $deadline = bootSeconds() + ($option{'lease-seconds'} // 0);
my $half     = $option{'console-bytes'} / 2;
my ($logBytes, $errorBytes, %client) = (0, 0);
open(my $log, '>>', 'serial.log') or die "serial.log: $!\n";

while ($serial) {
    my @watched = grep { $_ } $serial, $errors, $console, values %client;
    my $bits = '';
    vec($bits, fileno $_, 1) = 1 for @watched;
    next if select($bits, undef, undef, secondsLeft()) < 1;
    my %ready = map { fileno($_) => 1 } grep { vec($bits, fileno $_, 1) } @watched;
    for my $number (grep { $ready{$_} } keys %client) {
        if (sysread($client{$number}, my $typed, CHUNK_BYTES)) { send $serial, $typed, MSG_DONTWAIT }
        else                                                   { delete $client{$number} }
    }
    welcome() if $ready{ fileno $console };
    if ($errors && $ready{ fileno $errors }) {
        if (sysread($errors, my $words, CHUNK_BYTES)) { keepError($words) }
        else                                          { undef $errors }
    }
    next unless $ready{ fileno $serial };
    if (sysread($serial, my $output, CHUNK_BYTES)) { keepConsole($output) }
    else                                           { undef $serial }    # only the vmm held the other end
}

until (waitpid($vmm, WNOHANG) == $vmm) {
    secondsLeft();
    select(undef, undef, undef, 0.01);
}
my ($code, $signal) = $unbounded ? (126, 0) : ($? >> 8, $? & 127);
while ($errors && sysread($errors, my $words, CHUNK_BYTES)) { keepError($words) }
unlink 'serial.sock', map {"$_.sock"} @listen;
my $oomKills = 0;
for my $group (@groups) { $oomKills += oomKills($group); rmdir $group }
replaceFile('exit.json', sprintf '{"exitCode":%s,"signal":%d,"isolated":%s,"oom":%s}',
    $signal ? 'null' : $code, $signal, $isolated ? 'true' : 'false', $oomKills ? 'true' : 'false');

# Kills the vmm once the lease is over. A lease file that is missing or torn leaves the last deadline standing.
sub secondsLeft {
    return undef unless $option{lease};
    if (open(my $file, '<', $option{lease})) {
        my $line = <$file> // '';
        $deadline = $1 if $line =~ /^(\d+(?:\.\d+)?)$/;
    }
    my $left = $deadline - bootSeconds();
    return $left < 0.05 ? 0.05 : $left if $left > 0;
    $isolated = kill(KILL => $vmm) || $isolated;
    return 1;
}

# While the vmm's program is still being linked, long before its guest begins: the kernel takes 10 ms over the first
# group. What it holds by then, which is next to nothing, is not charged to a group that it joins.
sub joinGroup {
    my ($group, $pid) = @_;
    my $joined = open(my $file, '>', "$group/cgroup.procs");
    $joined &&= print($file $pid) && close $file;
    warn "$group: $!\n" unless $joined;
    return $joined;
}

# By Landlock, of Linux 6.12: outside of its domain there are no abstract unix sockets and no processes for the vmm.
sub scope {
    my $rules = pack 'Q3', 0, 0, SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL;
    my $ruleset = syscall(LANDLOCK_CREATE_RULESET, $rules, length $rules, 0);
    syscall(LANDLOCK_RESTRICT_SELF, $ruleset, 0) == 0 or die "landlock: $!\n";
}

# By seccomp, on x86-64. Refused is what Node, and what starts it, never asks for, and who broke out of a guest would:
# to trace or read other processes, to mount, to make or enter namespaces, to load code into the kernel, keys, and the
# young and wide interfaces in which most of its holes were found.
sub filter {
    my @refused = (
        101, 310 .. 312, 438,                   # ptrace, process_vm_readv, process_vm_writev, kcmp, pidfd_getfd
        155, 161, 165, 166, 428 .. 433, 442,    # pivot_root, chroot, mount, umount2, open_tree .. fspick, mount_setattr
        272, 308, 304,                          # unshare, setns, open_by_handle_at
        175, 176, 313, 246, 320, 321,           # init_module, delete_module, finit_module, kexec_load, _file_load, bpf
        103, 154, 163, 167 .. 169, 179, 443,    # syslog, modify_ldt, acct, swapon, swapoff, reboot, quotactl, its _fd
        248 .. 250, 298, 300, 323,              # add_key .. keyctl, perf_event_open, fanotify_init, userfaultfd
        425 .. 427,                             # io_uring
    );
    my ($load, $equal, $atLeast, $any, $return) = (0x20, 0x15, 0x35, 0x45, 0x06);
    my ($allow, $kill, $EPERM, $ENOSYS, $EAFNOSUPPORT) = (0x7fff0000, 0x80000000, 0x50001, 0x50026, 0x50061);
    my ($number, $architecture, $argument, $isX8664) = (0, 4, 16, 0xc000003e);
    my $namespaces = 0x7e020000;
    my @lines      = (
        [$load,  0, 0, $architecture], [$equal,   1, 0, $isX8664],    [$return, 0, 0, $kill],
        [$load,  0, 0, $number],       [$atLeast, 0, 1, 0x40000000],  [$return, 0, 0, $kill],    # calls of x32
        (map { ([$equal, 0, 1, $_], [$return, 0, 0, $EPERM]) } @refused),
        [$equal, 0, 1, 435], [$return, 0, 0, $ENOSYS],    # clone3, whose flags cannot be seen: libc then takes clone
        [$equal, 0, 4, 56], [$load, 0, 0, $argument],     # clone
        [$any, 0, 1, $namespaces], [$return, 0, 0, $EPERM], [$return, 0, 0, $allow],
        [$equal, 0, 6, 41], [$load, 0, 0, $argument],     # socket: of unix, IPv4 and IPv6
        [$equal, 2, 0, 1], [$equal, 1, 0, 2], [$equal, 0, 1, 10],
        [$return, 0, 0, $allow], [$return, 0, 0, $EAFNOSUPPORT],
        [$return, 0, 0, $allow],
    );
    my $filter  = join '', map { pack 'S C C L', @$_ } @lines;
    my $program = pack 'S x6 P', scalar @lines, $filter;
    # prctl(PR_SET_NO_NEW_PRIVS); seccomp(SET_MODE_FILTER, SPEC_ALLOW): code that is made as it runs is not slowed down
    syscall(157, 38, 1, 0, 0, 0) == 0 && syscall(317, 1, 4, $program) == 0 or die "seccomp: $!\n";
}

# How often the kernel killed in a group because its memory was used up; both versions of control groups.
sub oomKills {
    my ($group) = @_;
    for my $name ('memory.events', 'memory.oom_control') {
        open(my $file, '<', "$group/$name") or next;
        while (<$file>) { return $1 if /^oom_kill (\d+)/ }
    }
    return 0;
}

sub keepConsole {
    my ($output) = @_;
    syswrite $log, $output;    # a full disk loses console output, not the vmm
    $logBytes += length $output;
    if ($logBytes >= $half) {
        rename 'serial.log', 'serial.log.1';
        open($log, '>', 'serial.log');
        $logBytes = 0;
    }
    for my $number (keys %client) {    # one who reads too slowly is let go, and may come back for the tail
        my $sent = send $client{$number}, $output, MSG_DONTWAIT;
        delete $client{$number} unless defined $sent && $sent == length $output;
    }
}

sub welcome {
    accept(my $socket, $console) or return;
    return if keys %client >= CLIENTS_MAX;
    my $tail = '';
    for my $name ('serial.log.1', 'serial.log') {
        open(my $file, '<', $name) or next;
        $tail .= do { local $/; <$file> } // '';
    }
    send $socket, substr($tail, -TAIL_BYTES), MSG_DONTWAIT if length $tail;
    $client{ fileno $socket } = $socket;
}

sub keepError {
    my ($words) = @_;
    my $room = STDERR_BYTES - $errorBytes;
    return if $room <= 0;
    syswrite STDERR, substr($words, 0, $room);
    $errorBytes += length $words;
}

sub listener {
    my ($path) = @_;
    socket(my $socket, AF_UNIX, SOCK_STREAM, PF_UNSPEC) or die "socket: $!\n";
    bind($socket, pack('S Z*', AF_UNIX, $path)) && listen($socket, 4) or die "$path: $!\n";
    return $socket;
}

# Sealed: nobody makes it smaller under another who has it too, and nothing else than such a file has these seals.
sub ownMemory {
    my ($mib) = @_;
    my $number;
    for my $call (319, 279) {    # memfd_create of x86-64, and of all that came later
        $number = syscall($call, my $name = 'berth-memory', MFD_ALLOW_SEALING);
        last if $number >= 0 || $! != ENOSYS;
    }
    die "memfd_create: $!\n" if $number < 0;
    open(my $handle, '+<&=', $number) or die "memory: $!\n";
    truncate($handle, $mib << 20)     or die "memory: $!\n";
    defined fcntl($handle, F_ADD_SEALS, SEALS) or die "memory: $!\n";
    return $handle;
}

# Whose number it was is asked once it is open. A vmm that is taken over may have put anything there: the seals say that
# it is memory, and thus no file that it could only read.
sub lentMemory {
    my ($mib, $vmmId, $pid, $ticks, $number) = @_;
    open(my $handle, '+<', "/proc/$pid/fd/$number") or die "memory of process $pid: $!\n";
    my $isIt = process($pid) =~ /"startTicks":$ticks}/ && readlink("/proc/$pid/cwd") =~ m{/vmms/\Q$vmmId\E$};
    $isIt or die "memory of process $pid: it is not of vmm $vmmId\n";
    my $isMemory = (fcntl($handle, F_GET_SEALS, 0) // 0) == SEALS && -s $handle == $mib << 20;
    die "memory of process $pid: it is no such\n" unless $isMemory;
    return $handle;
}

# A pid alone may be another process tomorrow; with its start it never is.
sub process {
    my ($pid) = @_;
    open(my $file, '<', "/proc/$pid/stat") or die "/proc/$pid/stat: $!\n";
    my $stat = <$file>;
    return sprintf '{"pid":%d,"startTicks":%s}', $pid, (split ' ', substr($stat, rindex($stat, ')') + 2))[19];
}

sub bootSeconds {
    open(my $file, '<', '/proc/uptime') or die "/proc/uptime: $!\n";
    return (split ' ', <$file>)[0];
}

sub replaceFile {
    my ($path, $text) = @_;
    open(my $file, '>', "$path.new") or return warn "$path: $!\n";
    print $file "$text\n";
    close $file;
    rename "$path.new", $path;
}
