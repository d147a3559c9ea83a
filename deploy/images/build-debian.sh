#!/bin/sh
# Builds a full Debian 12 disk image from packages: cloud-init, ssh, qemu-guest-agent; boots by BIOS and by UEFI.
# No loop device and no mount of the image: the partition table is written to a file, ext4 is filled from a folder at
# its offset, GRUB is placed by hand. Needs root (the packages' scripts run in a chroot) and the programs listed below.
# Usage: build-debian.sh OUT.qcow2 [ROOT_MIB]      TMPDIR: about 2 GiB free      MIRROR: where the packages come from
set -eu
out=$(realpath "$1")
root_mib=${2:-1536}
mirror=${MIRROR:-http://deb.debian.org/debian}
export LC_ALL=C
work=$(mktemp -d "${TMPDIR:-/tmp}/berth-debian.XXXXXX")
trap 'rm -rf "$work"' EXIT INT TERM
tree=$work/root
label=cloudimg-rootfs

packages=linux-image-cloud-amd64,systemd-sysv,systemd-resolved,libpam-systemd,dbus,udev,cloud-init,cloud-guest-utils
packages=$packages,openssh-server,qemu-guest-agent,sudo,zstd,e2fsprogs,iproute2,iputils-ping,procps,less,nano
packages=$packages,ca-certificates,netbase,tzdata

echo "· packages from $mirror"
mmdebstrap --quiet --mode=root --variant=minbase --include="$packages" \
  --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
  bookworm "$tree" "$mirror"

echo '· configuration'
echo debian >"$tree/etc/hostname"
echo "LABEL=$label / ext4 rw,noatime,discard,x-systemd.growfs 0 1" >"$tree/etc/fstab"
cat >"$tree/etc/cloud/cloud.cfg.d/90_berth.cfg" <<E
datasource_list: [ NoCloud, None ]
datasource: { NoCloud: { fs_label: cidata } }
apt: { preserve_sources_list: true }
locale: C.UTF-8
E
# Every instance has an identity of its own: these are made anew at its first boot.
: >"$tree/etc/machine-id"
rm -f "$tree"/etc/ssh/ssh_host_*
systemctl --quiet --root="$tree" enable systemd-networkd systemd-resolved serial-getty@ttyS0.service
ln -sf ../run/systemd/resolve/stub-resolv.conf "$tree/etc/resolv.conf"
# /vmlinuz and /initrd.img are links that Debian keeps on the newest kernel.
mkdir -p "$tree/boot/grub"
cat >"$tree/boot/grub/grub.cfg" <<E
set timeout=0
serial --unit=0 --speed=115200
terminal_input console serial
terminal_output console serial
search --no-floppy --label $label --set=root
linux /vmlinuz root=LABEL=$label ro console=tty0 console=ttyS0 quiet net.ifnames=0 nowatchdog
initrd /initrd.img
boot
E
test -e "$tree/vmlinuz" && test -e "$tree/initrd.img"

echo '· disk'
# GPT in sectors of 512 bytes: 1 MiB for GRUB's BIOS core, 32 MiB of ESP, the root.
bios_start=2048 bios_size=2048
esp_start=$((bios_start + bios_size)) esp_size=$((32 * 2048))
root_start=$((esp_start + esp_size)) root_size=$((root_mib * 2048))
disk=$work/disk.raw
truncate -s $(((root_start + root_size + 2048) * 512)) "$disk"
sfdisk --quiet "$disk" <<E
label: gpt
start=$bios_start, size=$bios_size, type=21686148-6449-6E6F-744E-656564454649
start=$esp_start, size=$esp_size, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B
start=$root_start, size=$root_size, type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709
E
mke2fs -q -t ext4 -L "$label" -d "$tree" -E "offset=$((root_start * 512)),root_owner=0:0" "$disk" "${root_mib}m"

cat >"$work/early.cfg" <<E
search --no-floppy --label $label --set=root
set prefix=(\$root)/boot/grub
configfile (\$root)/boot/grub/grub.cfg
E
modules='part_gpt ext2 search search_label configfile linux normal serial terminal echo test'
# shellcheck disable=SC2086 # a list of words
grub-mkimage -O i386-pc -o "$work/core.img" -p /boot/grub -c "$work/early.cfg" biosdisk $modules
# shellcheck disable=SC2086
grub-mkimage -O x86_64-efi -o "$work/bootx64.efi" -p /boot/grub -c "$work/early.cfg" fat $modules

# What grub-install does: boot.img in the first sector points at the core, the core's block list at its own rest.
put() { dd of="$disk" bs=1 conv=notrunc status=none seek="$1"; }
little_endian() { printf '%016x' "$1" | sed 's/../& /g' | awk '{ for (i = 8; i > 0; i--) printf "\\x%s", $i }'; }
head -c 440 /usr/lib/grub/i386-pc/boot.img | put 0
/usr/bin/printf "$(little_endian $bios_start)" | put $((0x5c))
dd if="$work/core.img" of="$disk" bs=512 seek=$bios_start conv=notrunc status=none
/usr/bin/printf "$(little_endian $((bios_start + 1)))" | put $((bios_start * 512 + 0x1f4))

truncate -s $((esp_size * 512)) "$work/esp.fat"
mkfs.vfat -n ESP "$work/esp.fat" >"$work/vfat.log"
mmd -i "$work/esp.fat" ::/EFI ::/EFI/BOOT
mcopy -i "$work/esp.fat" "$work/bootx64.efi" ::/EFI/BOOT/BOOTX64.EFI
dd if="$work/esp.fat" of="$disk" bs=512 seek=$esp_start conv=notrunc status=none

qemu-img convert -f raw -O qcow2 -c -o compression_type=zstd "$disk" "$work/disk.qcow2"
mv "$work/disk.qcow2" "$out"
ls -l "$out"
