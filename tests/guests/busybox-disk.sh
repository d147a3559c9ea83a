#!/bin/sh
# Makes a disk with a system of another family than Debian's: BusyBox as init, getty, login and every tool, and the
# MirBSD shell built with musl; no systemd, no GNU tool, no file of a C library. It boots by GRUB of its own, in its
# master boot record, and lives in memory, as such systems do on routers. The kernel is Debian's.
# Usage: busybox-disk.sh OUT.raw KERNEL BUSYBOX SHELL GRUB_MKIMAGE GRUB_MODULES
set -eu
out=$1 kernel=$2 busybox=$3 shell=$4 grub_mkimage=$5 modules=$6
work=$(mktemp -d "$(dirname "$out")/busybox.XXXXXX")
trap 'rm -rf "$work"' EXIT INT TERM
tree=$work/tree
mkdir -p "$tree/bin" "$tree/etc" "$tree/root" "$tree/proc" "$tree/sys" "$tree/dev" "$work/disk/boot/grub"

cp "$busybox" "$tree/bin/busybox"
cp "$shell" "$tree/bin/mksh"
ln -s /bin/busybox "$tree/init"
ln -s busybox "$tree/bin/sh"
echo box >"$tree/etc/hostname"
echo 'root:x:0:0:root:/root:/bin/mksh' >"$tree/etc/passwd"
echo 'root:$6$berth$EXvVBVlZHht/1HT.oJNall/D6i0afrkSFsdWQyadzsWKegj0wdjnqL9kT.VuhZnQuDpuRjul.JOKTCLMd1diL1:1::::::' >"$tree/etc/shadow" # its password is: berth
echo 'root:x:0:' >"$tree/etc/group"
cat >"$tree/etc/inittab" <<'END'
::sysinit:/etc/rc
ttyS0::respawn:/bin/getty -L ttyS0 115200 vt102
::shutdown:/bin/umount -a
END
cat >"$tree/etc/rc" <<'END'
#!/bin/sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
hostname -F /etc/hostname
END
chmod 755 "$tree/etc/rc"
chmod 600 "$tree/etc/shadow"

(cd "$tree" && find . | "$busybox" cpio -o -H newc -R 0:0) | gzip -1 >"$work/disk/boot/system"
cp "$kernel" "$work/disk/boot/kernel"
cat >"$work/disk/boot/grub/grub.cfg" <<'END'
linux /boot/kernel console=ttyS0 quiet
initrd /boot/system
boot
END

# One partition from the first MiB on, active, type 83: sectors 2048 to 67583.
mke2fs -q -t ext2 -d "$work/disk" "$work/partition" 32m
truncate -s 1M "$out"
cat "$work/partition" >>"$out"
put() { dd of="$out" bs=1 conv=notrunc status=none seek="$1"; }
"$grub_mkimage" -O i386-pc -d "$modules" -o "$work/core" -p '(hd0,msdos1)/boot/grub' biosdisk part_msdos ext2 linux normal
head -c 440 "$modules/boot.img" | put 0
printf '\200\0\0\0\203\0\0\0\0\010\0\0\0\0\001\0' | put 446
printf '\125\252' | put 510
# What grub-install does: the first sector points at the core behind it, the core's block list at its own rest.
dd if="$work/core" of="$out" bs=512 seek=1 conv=notrunc status=none
printf '\001\0\0\0\0\0\0\0' | put 92
printf '\002\0\0\0\0\0\0\0' | put $((512 + 500))
