#!/bin/sh
# Builds the initrd alone, in seconds, from the userland beside this file and Debian's busybox-static; then SHA256SUMS.
# Times are pinned: the same busybox and compiler give the same bytes.
# Needs: linux-source-6.1 busybox-static gcc xz-utils; for i386 the network, as its busybox is unpacked, not installed.
# Usage: build-initrd.sh x86_64|i386 [WORK_DIR]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
architecture=$1
work=${2:-$(mktemp -d)}
generator=linux-source-6.1/usr/gen_init_cpio.c
export LC_ALL=C
[ -f "$work/$generator" ] || tar -xf /usr/src/linux-source-6.1.tar.xz -C "$work" "$generator"
gcc -O2 -o "$work/gen_init_cpio" "$work/$generator"

# Debian's package of an architecture that this machine is not: by lists and folders of apt's own for it.
foreign_busybox() {
  apt=$work/apt-$1
  mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/root"
  touch "$apt/status"
  set -- -q -o APT::Architecture="$1" -o APT::Architectures="$1" -o Dir::State="$apt" -o Dir::State::status="$apt/status" \
    -o Dir::Cache="$apt/cache" -o APT::Sandbox::User=
  apt-get "$@" update >/dev/null || : # one list that is out of step elsewhere is no matter
  (cd "$apt" && apt-get "$@" download busybox-static >/dev/null)
  dpkg-deb -x "$apt"/busybox-static_*.deb "$apt/root"
  busybox=$apt/root/bin/busybox
}

userland=$work/userland-$architecture
mkdir -p "$userland"
case $architecture in
  x86_64) artifact=$here/artifact kernel=vmlinux bits=64 programs='dirty identity' busybox=/bin/busybox ;;
  i386)
    artifact=$here/artifact/i386 kernel=bzImage bits=32 programs=identity # dirty.c counts in 64 bits
    foreign_busybox i386
    ;;
esac
mkdir -p "$work/include/gnu"
touch "$work/include/gnu/stubs-32.h" # the one header of a 32-bit libc that others ask for
headers="-I$work/include -idirafter /usr/include/$(gcc -print-multiarch)"
for program in $programs; do # no libc: 2 KiB instead of 800
  gcc -m$bits $headers -Os -static -no-pie -nostdlib -ffreestanding -fno-stack-protector \
    -fno-asynchronous-unwind-tables -Wall -Wextra -Wl,--build-id=none -Wl,-n -s -o "$userland/$program" "$here/$program.c"
done
cp "$here/init" "$here/agent" "$here/fstab" "$busybox" "$userland"
touch -d @0 "$userland"/*

{
  for dir in bin dev etc proc run sys tmp; do echo "dir /$dir 755 0 0"; done
  echo "nod /dev/console 600 0 0 c 5 1"
  for program in init agent $programs; do echo "file /$program $userland/$program 755 0 0"; done
  echo "file /etc/fstab $userland/fstab 644 0 0"
  echo "file /bin/busybox $userland/busybox 755 0 0"
  /bin/busybox --list | grep -vx busybox | while read -r applet; do echo "slink /bin/$applet busybox 777 0 0"; done
} >"$work/initrd.list"
"$work/gen_init_cpio" -t 0 "$work/initrd.list" >"$artifact/initrd"

cd "$artifact"
sha256sum "$kernel" initrd >SHA256SUMS
ls -l "$kernel" initrd
