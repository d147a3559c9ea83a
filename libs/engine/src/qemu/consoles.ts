import { firmwareLog } from '../vmm/signs.js';
import type { VmmSpec } from '../vmm-spec.js';
import { screenServer } from './screen-socket.js';

/** Serial port, the line to the agent inside, the screen, and the sign of a panic. */
export function consoleArguments(spec: VmmSpec): string[] {
  return [
    ['-chardev', 'stdio,id=serial,signal=off', '-serial', 'chardev:serial'],
    agentArguments(spec),
    spec.image.kind === 'firmware' ? screenArguments : [],
    hasVirtio(spec) ? ['-device', 'pvpanic-pci'] : [],
    ['-action', 'panic=exit-failure'],
  ].flat();
}

/** Whether the guest can be spoken to at all: a system of before virtio has no such port. */
export function hasAgentPort(spec: Pick<VmmSpec, 'image' | 'profile'>): boolean {
  return spec.image.kind === 'kernel-initrd' || hasVirtio(spec);
}

function hasVirtio({ profile = 'virtio' }: Pick<VmmSpec, 'profile'>): boolean {
  return profile === 'virtio';
}

function agentArguments(spec: VmmSpec): string[] {
  if (!hasAgentPort(spec)) return [];
  const port =
    spec.image.kind === 'kernel-initrd'
      ? 'virtconsole,chardev=agent'
      : 'virtserialport,chardev=agent,name=org.qemu.guest_agent.0';
  const ports = spec.image.kind === 'kernel-initrd' ? 1 : 2; // the first is kept for a console
  return [
    ['-chardev', 'socket,id=agent,fd={agent},server=on,wait=off'],
    ['-device', `virtio-serial-pci,max_ports=${ports}`, '-device', port],
  ].flat();
}

const screenArguments = [
  ['-device', 'VGA'],
  screenServer,
  ['-chardev', `ringbuf,id=${firmwareLog.id},size=${firmwareLog.bytes}`],
  ['-device', `isa-debugcon,iobase=0x402,chardev=${firmwareLog.id}`],
].flat();
