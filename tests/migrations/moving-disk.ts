import { randomBytes, randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Drive } from '@berth/engine/vmm-spec.js';
import { createOverlay } from '@berth/images/overlay.js';

/** Of a node. */
interface NodeFolder {
  readonly statePath: string;
}

export const diskBytes = 8 * 2 ** 20;

/** The image that both nodes have, as a node fetches it once. */
export async function makeBase(node: NodeFolder): Promise<string> {
  const path = join(node.statePath, `base-${randomUUID()}.raw`);
  await writeFile(path, randomBytes(diskBytes));
  return path;
}

/** A disk of the node's own over that image, with nothing written to it. */
export async function freshDisk(node: NodeFolder, basePath: string): Promise<Drive> {
  const path = join(node.statePath, `disk-${randomUUID()}.qcow2`);
  await createOverlay({ path: basePath, format: 'raw', virtualSizeBytes: diskBytes }, path, diskBytes);
  const backing = [{ path: basePath, format: 'raw' as const }];
  return { id: 'root', medium: 'disk', path, format: 'qcow2', readOnly: false, backing };
}

/**
 * Fills the disk block by block, over and over, each block with its number and first in a copy in memory, while there
 * is no /run/hold; /run/writes says how many. Builtins only: a program costs an emulated guest a tenth of a second.
 */
export const writeForEver = asLine(`
mount -t tmpfs none /tmp && cat /dev/vda >/tmp/copy
echo 10 >/proc/sys/vm/dirty_expire_centisecs; echo 10 >/proc/sys/vm/dirty_writeback_centisecs
mkfifo /run/quiet
cat >/run/writer <<'END'
exec 4<>/run/quiet
i=0
while exec 5<>/dev/vda 6<>/tmp/copy; do
  end=$((i + ${diskBytes / 4096}))
  while [ $i -lt $end ]; do
    if [ -e /run/hold ]; then : >/run/held; while [ -e /run/hold ]; do read -t 0.02 _ <&4; done; fi
    i=$((i + 1))
    printf '%-4096d' $i >&6
    printf '%-4096d' $i >&5
    echo $i >/run/writes
    read -t 0.02 _ <&4
  done
done
END
(sh /run/writer >/dev/null 2>&1 &)`);

/** Says how many writes there were, and ends with 1 unless every byte of the disk is as written. */
export const compareDisk = asLine(`
: >/run/hold
until [ -e /run/held ]; do sleep 0.1; done
blockdev --flushbufs /dev/vda
cmp /tmp/copy /dev/vda; same=$?
cat /run/writes
rm -f /run/hold /run/held
exit $same`);

/** A script as the one line that the agent takes. */
function asLine(script: string): string {
  return `echo ${Buffer.from(script).toString('base64')} | base64 -d | sh`;
}
