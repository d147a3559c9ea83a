import type { ImageView } from '@berth/contracts/http/image.js';
import { mib } from '../output/amounts.js';
import type { Noun } from '../output/noun.js';

export const imageNoun: Noun<ImageView> = {
  path: '/images',
  singular: 'image',
  nameOf: ({ name }) => name,
  columns: [
    { header: 'NAME', value: ({ name }) => name },
    { header: 'STATE', value: stateOf },
    { header: 'OS', value: ({ osFamily }) => osFamily },
    { header: 'FORMAT', value: ({ format }) => format },
    { header: 'FIRMWARE', value: ({ firmware }) => firmware },
    { header: 'MEMORY', value: ({ minMemoryMib }) => mib(minMemoryMib) },
    { header: 'SIZE', value: ({ sizeBytes }) => (sizeBytes === null ? null : mib(Math.ceil(sizeBytes / 1024 ** 2))) },
    { header: 'PROJECT', value: ({ project }) => project ?? 'public' },
    { header: 'PROFILE', value: ({ profile }) => profile, wide: true },
    { header: 'READY', value: readyText, wide: true },
    { header: 'ARCHITECTURE', value: ({ architecture }) => architecture, wide: true },
    { header: 'REASON', value: ({ reason }) => reason, wide: true },
    { header: 'SHA256', value: sumOf, wide: true },
    { header: 'ID', value: ({ id }) => id, wide: true },
    { header: 'CREATED', value: ({ createdAt }) => createdAt, wide: true },
  ],
};

/** `importing 40 %` while the bytes come in. */
function stateOf({ state, receivedBytes, totalBytes }: ImageView): string {
  if (state !== 'importing' || totalBytes === null) return state;
  return `${state} ${Math.floor((100 * receivedBytes) / totalBytes)} %`;
}

/** Of a kernel and its RAM disk both. */
function sumOf({ sha256, source }: ImageView): string | null {
  return 'kernel' in source ? `${source.kernel.sha256} ${source.initrd.sha256}` : sha256;
}

function readyText({ ready }: ImageView): string | null {
  return ready !== null && typeof ready === 'object' ? `serial:${ready.serial}` : ready;
}
