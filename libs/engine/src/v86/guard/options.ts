import { parseArgs } from 'node:util';

/** What a guard is told on its command line; `arguments.ts` writes it. */
export interface GuardOptions {
  readonly name: string;
  readonly memoryMib: number;
  readonly consoleBytes: number;
  readonly bios: string;
  readonly vgaBios: string;
  readonly kernel: string;
  readonly initrd: string;
  readonly cmdline: string;
  readonly lease?: { readonly path: string; readonly seconds: number };
  /** A saved state to take up, standing still, instead of booting. */
  readonly restore?: string;
  /** Waits for a guest from another vmm instead of booting. */
  readonly incoming: boolean;
}

const text = { type: 'string' } as const;

/** @throws when a flag is missing or unknown */
export function parseGuardArguments(args: readonly string[]): GuardOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      name: text,
      'memory-mib': text,
      'console-bytes': text,
      bios: text,
      'vga-bios': text,
      kernel: text,
      initrd: text,
      cmdline: text,
      lease: text,
      'lease-seconds': text,
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
    name: needed('name'),
    memoryMib: Number(needed('memory-mib')),
    consoleBytes: Number(needed('console-bytes')),
    bios: needed('bios'),
    vgaBios: needed('vga-bios'),
    kernel: needed('kernel'),
    initrd: needed('initrd'),
    cmdline: needed('cmdline'),
    incoming: values.incoming === true,
    ...(values.lease === undefined ? {} : { lease: { path: values.lease, seconds: Number(needed('lease-seconds')) } }),
    ...(values.restore === undefined ? {} : { restore: values.restore }),
  };
}
