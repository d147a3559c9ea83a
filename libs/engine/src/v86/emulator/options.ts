import { parseArgs } from 'node:util';

/** What the process of a vmm is told on its command line, by numbers of descriptors; `arguments.ts` writes it. */
export interface EmulationOptions {
  readonly memoryMib: number;
  /** Listening sockets. */
  readonly qmp: number;
  readonly agent: number;
  readonly bios: number;
  readonly vgaBios: number;
  readonly kernel: number;
  readonly initrd: number;
  readonly cmdline: string;
  /** Where it is saved to. */
  readonly outgoing: number;
  /** A saved state to take up, standing still, instead of booting. */
  readonly restore?: number;
  /** Waits for a guest from another vmm instead of booting. */
  readonly incoming: boolean;
}

const text = { type: 'string' } as const;

/** @throws when a flag is missing or unknown */
export function parseEmulationArguments(args: readonly string[]): EmulationOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      'memory-mib': text,
      qmp: text,
      agent: text,
      bios: text,
      'vga-bios': text,
      kernel: text,
      initrd: text,
      cmdline: text,
      outgoing: text,
      restore: text,
      incoming: { type: 'boolean' },
    },
  });
  const needed = (flag: Exclude<keyof typeof values, 'incoming'>): string => {
    const value = values[flag];
    if (value === undefined) throw new Error(`--${flag} is missing`);
    return value;
  };
  return {
    memoryMib: Number(needed('memory-mib')),
    qmp: Number(needed('qmp')),
    agent: Number(needed('agent')),
    bios: Number(needed('bios')),
    vgaBios: Number(needed('vga-bios')),
    kernel: Number(needed('kernel')),
    initrd: Number(needed('initrd')),
    cmdline: needed('cmdline'),
    outgoing: Number(needed('outgoing')),
    incoming: values.incoming === true,
    ...(values.restore === undefined ? {} : { restore: Number(values.restore) }),
  };
}
