import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What KVM does to the probe's firmware. */
export const romFates = ['good', 'hang', 'abort', 'reset', 'internal-error', 'no-faster'] as const;
/** What KVM does to guests: `good` runs them, by software; the others begin only afterwards. */
export type GuestFate = 'good' | 'internal-error' | 'exit';

/**
 * Stands for QEMU on a machine with another KVM: asked for `-accel kvm` it does what two files beside it say, anything
 * else goes to the real one.
 */
export class FakeQemu {
  private constructor(private readonly folder: string) {}

  static async make(): Promise<FakeQemu> {
    const folder = await mkdtemp(join(tmpdir(), 'berth-fake-qemu-'));
    await chmod(folder, 0o755); // vmms run as nobody
    const fake = new FakeQemu(folder);
    await writeFile(fake.path, program, { mode: 0o755 });
    await fake.setRom('good');
    await fake.setGuests('good');
    return fake;
  }

  get path(): string {
    return join(this.folder, 'qemu-system-fake');
  }

  setRom(fate: (typeof romFates)[number]): Promise<void> {
    return writeFile(join(this.folder, 'rom'), fate);
  }

  setGuests(fate: GuestFate): Promise<void> {
    return writeFile(join(this.folder, 'guests'), fate);
  }

  remove(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }
}

const program = String.raw`#!/usr/bin/perl
use strict; use warnings; use Socket;
my ($folder) = $0 =~ m{^(.*)/};
my $line = join ' ', @ARGV;
exec 'qemu-system-x86_64', @ARGV unless $line =~ /-accel kvm/;
sub fate { open(my $file, '<', "$folder/$_[0]") or die; local $/; return scalar <$file> }
$| = 1;
if ($line =~ /-bios (\S+probe\.rom)/) {
    my $fate = fate('rom');
    my $all  = join '', 'A', map { '.' x 160 . $_ } qw(R P L);
    sleep 600 if $fate eq 'hang';
    kill ABRT => $$ if $fate eq 'abort';
    if ($fate eq 'reset') { print 'A......A'; sleep 600 }
    if ($fate eq 'internal-error') {
        print 'A.';
        print STDERR "KVM internal error. Suberror: 1\n";
        open(my $qmp, '>&=', 3);
        syswrite $qmp, qq({"event": "STOP"}\n);
        sleep 600;
    }
    for my $part (unpack '(a24)*', $all) { select undef, undef, undef, $fate eq 'good' ? 0.0005 : 0.04; print $part }
    exit 33;
}
my $fate = fate('guests');
if ($fate eq 'good') {
    s/^kvm.*/tcg,tb-size=16/, s/^qemu64$/qemu64,-tsc/ for @ARGV;
    exec 'qemu-system-x86_64', @ARGV;
}
exit 1 if $fate eq 'exit';
my ($fd) = $line =~ /socket,id=qmp,fd=(\d+)/;
open(my $listener, '+<&=', $fd) or die "qmp: $!";
while (accept(my $client, $listener)) {
    syswrite $client, qq({"QMP": {}}\n);
    while (<$client>) {
        my ($id) = /"id": *(\d+)/;
        my $status = /query-status/ ? '{"status": "internal-error", "running": false}' : '{}';
        syswrite $client, qq({"return": $status, "id": $id}\n);
    }
}
`;
