const file = { path: 'none', sha256: '0'.repeat(64) };

/** An image for model nodes: they look at no file. */
export const imageBody = {
  name: 'model',
  osFamily: 'linux',
  minMemoryMib: 16,
  source: { kind: 'kernel-initrd', kernel: file, initrd: file, cmdline: '' },
} as const;
