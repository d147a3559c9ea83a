#!/bin/sh
# Builds artifact/initrd alone, in seconds, from the userland beside this file and Debian's busybox-static; then
# SHA256SUMS. Times are pinned: the same busybox and compiler give the same bytes.
# Needs: linux-source-6.1 busybox-static gcc xz-utils.
# Usage: build-initrd.sh [WORK_DIR]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=${1:-$(mktemp -d)}
generator=linux-source-6.1/usr/gen_init_cpio.c
export LC_ALL=C
[ -f "$work/$generator" ] || tar -xf /usr/src/linux-source-6.1.tar.xz -C "$work" "$generator"
gcc -O2 -o "$work/gen_init_cpio" "$work/$generator"

userland=$work/userland
mkdir -p "$userland"
cp "$here/init" "$here/agent" "$here/fstab" /bin/busybox "$userland"
for program in dirty identity; do # no libc: 2 KiB instead of 800
  gcc -Os -static -no-pie -nostdlib -ffreestanding -fno-stack-protector -fno-asynchronous-unwind-tables -Wall -Wextra \
    -Wl,--build-id=none -Wl,-n -s -o "$userland/$program" "$here/$program.c"
done
touch -d @0 "$userland"/*

{
  for dir in bin dev etc proc run sys tmp; do echo "dir /$dir 755 0 0"; done
  echo "nod /dev/console 600 0 0 c 5 1"
  for program in init agent dirty identity; do echo "file /$program $userland/$program 755 0 0"; done
  echo "file /etc/fstab $userland/fstab 644 0 0"
  echo "file /bin/busybox $userland/busybox 755 0 0"
  /bin/busybox --list | grep -vx busybox | while read -r applet; do echo "slink /bin/$applet busybox 777 0 0"; done
} >"$work/initrd.list"
"$work/gen_init_cpio" -t 0 "$work/initrd.list" >"$here/artifact/initrd"

cd "$here/artifact"
sha256sum vmlinux initrd >SHA256SUMS
ls -l vmlinux initrd
