import { setTimeout as delay } from 'node:timers/promises';
import { EngineError } from '../driver.js';
import type { Identity } from '../identity.js';
import type { GuestAgentClient } from './guest-agent.js';

type Voice = Pick<GuestAgentClient, 'exec'>;

/** One line of a shell takes milliseconds; an interpreter that begins cold on a busy machine needs many. */
const commandTimeoutMs = 60_000;
const settledPollMs = 2000;
const notYet = 75;

/**
 * A system of systemd, cloud-init, OpenSSH and perl is made ready for copies: its first boot is over, and nothing stays
 * that two copies must not share, neither in its memory nor on its disk, from which a copy may have to boot.
 */
const settling = `
for program in perl cloud-init ssh-keygen systemd-run blockdev; do
  command -v $program >/dev/null || { echo "it has no $program"; exit 1; }
done
[ -e /run/cloud-init/result.json ] || exit ${notYet}
systemctl stop ssh.service || systemctl stop sshd.service || exit 1
rm -rf /etc/ssh/ssh_host_* /var/lib/systemd/random-seed /run/cloud-init/.instance-id /run/cloud-init/sem
: >/etc/machine-id
sync
`;

/**
 * Random numbers before keys. cloud-init is told to leave those keys; by its seed it then goes through the first boot
 * of another instance, in the background as it does after a boot, and from its next boot on makes keys as it likes.
 */
function becoming({ hostname, machineId, seed, macAddress = '' }: Identity): string {
  const seconds = Math.round(Date.now() / 1000);
  return `set -e
date -s @${seconds} >/dev/null
perl -e 'open(F, ">", "/dev/random") && ioctl(F, ${RNDADDENTROPY}, pack("iia*", 256, 32, pack("H*", $ARGV[0]))) &&
  ioctl(F, ${RNDRESEEDCRNG}, 0) or die $!' ${seed.toString('hex')}
for card in /sys/class/net/e*; do
  [ -z "${macAddress}" ] || ip link set dev "\${card##*/}" address "${macAddress}"
  break
done
hostname '${hostname}'
echo '${hostname}' >/etc/hostname
echo ${machineId} >/etc/machine-id
rm -f /etc/ssh/ssh_host_*
for kind in ed25519 ecdsa; do ssh-keygen -q -t $kind -N '' -C 'root@${hostname}' -f /etc/ssh/ssh_host_\${kind}_key; done
echo 'ssh_deletekeys: false' >>/run/cloud-init/cloud.cfg
blockdev --flushbufs /dev/disk/by-label/CIDATA
systemctl is-active -q berth-first-boot || systemd-run --quiet --collect --unit=berth-first-boot sh -c '${firstBoot}'
`;
}

/** Of include/uapi/linux/random.h. */
const RNDADDENTROPY = 0x40085203;
const RNDRESEEDCRNG = 0x5207;

/**
 * In the order of a boot: the card, which has another address by now, then the owner's keys, and only then the server
 * that asks for them.
 */
const firstBoot = [
  'systemctl restart cloud-init-local',
  'systemctl try-restart systemd-networkd',
  'systemctl restart cloud-init',
  'systemctl start ssh.service || systemctl start sshd.service',
  'systemctl restart cloud-config cloud-final',
].join('; ');

/** Waits for the end of its first boot. @throws EngineError no-answer; AbortError when the signal fires */
export async function settleWhole(agent: Voice, signal: AbortSignal): Promise<void> {
  while ((await run(agent, settling)) === notYet) await delay(settledPollMs, undefined, { signal });
}

/** Of a copy; told twice, it is the same one with other keys. @throws EngineError no-answer */
export async function identifyWhole(agent: Voice, identity: Identity): Promise<void> {
  await run(agent, becoming(identity));
}

async function run(agent: Voice, script: string): Promise<number> {
  const { exitCode, output } = await agent.exec(script, commandTimeoutMs);
  if (exitCode === 0 || exitCode === notYet) return exitCode;
  throw new EngineError('no-answer', `the guest did not do as a template must: ${output.toString().slice(0, 200)}`);
}
