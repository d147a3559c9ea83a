import { networkInterfaces } from 'node:os';

/**
 * Those of x86-64 that are open to every user: ptrace, process_vm_readv, unshare, keyctl, userfaultfd, io_uring_setup;
 * a namespace by clone; a socket of netlink.
 */
const systemCalls = `
  for my $number (101, 310, 272, 250, 323, 425) {
    tried("make system call $number", syscall($number, 0, 0, 0, 0, 0) != -1 || $! != 1);
  }
  tried('make a namespace', syscall(56, 0x10000000, 0, 0, 0, 0) != -1 || $! != 1);
  tried('open a socket of netlink', socket(my $netlink, 16, SOCK_RAW, 0));
`;

/**
 * What a vmm that was taken over would try, in the place of QEMU or of Node with v86: same user, same guard, same state
 * directory. Each line it writes to its console is something it could do and should not.
 */
export const intruder = (
  other: string,
  secrets: readonly string[],
  { ports = [], names = [] }: Partial<Record<'ports', number[]> & Record<'names', string[]>> = {},
): string => `#!/usr/bin/perl
use Socket qw(:DEFAULT inet_pton);
if ("@ARGV" eq '--version') { print "version 10.0.2\\n"; exit } # asked by the worker, as root
exit if "@ARGV[-1 .. -1]" eq 'try'; # asked by the worker, as a vmm's user: whether it could run
$| = 1;
sub tried { my ($what, $did) = @_; print "CAN $what\\n" if $did }
my @files = (${secrets.map((path) => `'${path}'`).join(', ')});
my @ports = (${ports.join(', ')});
my @names = (${names.map((name) => `'${name}'`).join(', ')});
for my $file (@files) {
  tried("read $file", open(my $in, '<', $file));
  tried("write $file", open(my $out, '>>', $file));
}
tried("list ${other}", opendir(my $directory, '${other}'));
tried("list the state of the node", opendir(my $nodeDirectory, '${other}/../..'));
for my $name ('qmp', 'agent', 'serial') {
  socket(my $socket, AF_UNIX, SOCK_STREAM, 0);
  tried("connect $name of another", connect($socket, sockaddr_un("${other}/$name.sock")));
}
for my $port (@ports) {
  for my $address ('127.0.0.1', ${addressesOfThisMachine('IPv4')}) {
    socket(my $tcp, AF_INET, SOCK_STREAM, 0);
    tried("connect to port $port of $address", connect($tcp, sockaddr_in($port, inet_aton($address))));
    socket(my $udp, AF_INET, SOCK_DGRAM, 0);
    send($udp, 'x', 0, sockaddr_in($port, inet_aton($address)));
  }
  for my $address ('::1', '::ffff:127.0.0.1', ${addressesOfThisMachine('IPv6')}) {
    my $to = pack_sockaddr_in6($port, inet_pton(AF_INET6, $address));
    socket(my $tcp, AF_INET6, SOCK_STREAM, 0) or last;
    tried("connect to port $port of $address", connect($tcp, $to));
    socket(my $udp, AF_INET6, SOCK_DGRAM, 0);
    send($udp, 'x', 0, $to);
  }
}
for my $name (@names) {
  for my $kind (SOCK_STREAM, SOCK_DGRAM) {
    socket(my $socket, AF_UNIX, $kind, 0);
    tried("connect to $name", connect($socket, pack('S a*', AF_UNIX, "\\0$name")));
  }
}
for my $pid (grep { /^[0-9]+$/ && $_ != $$ } map { s|/proc/||r } glob '/proc/[0-9]*') {
  tried("signal $pid", kill(0 => $pid));
  tried("memory of $pid", open(my $memory, '+<', "/proc/$pid/mem"));
  tried("environment of $pid", open(my $environment, '<', "/proc/$pid/environ"));
  tried("descriptors of $pid", opendir(my $descriptors, "/proc/$pid/fd"));
  tried("memory file of $pid", grep { open(my $file, '<', "/proc/$pid/fd/$_") } 3 .. 20);
}
if ("@ARGV" =~ /preserve-symlinks/) { # as Node: all that it was handed is for reading; QEMU has drives and memory
  for my $handed (map { "/proc/self/fd/$_" } 3 .. 20) {
    tried("write to " . readlink($handed), open(my $file, '+<', $handed));
    tried("make a file in " . readlink($handed), open(my $file, '>', "$handed/intruder"));
  }
${process.arch === 'x64' ? systemCalls : ''}}
tried('become root', ($> = 0) == 0 && $> == 0);
print "TRIED ALL\\n";
sleep 1 while 1;
`;

/** Quoted for Perl. */
function addressesOfThisMachine(wanted: 'IPv4' | 'IPv6'): string {
  const addresses = Object.values(networkInterfaces()).flatMap((infos = []) => infos);
  return addresses.flatMap(({ family, address }) => (family === wanted ? [`'${address}'`] : [])).join(', ');
}
