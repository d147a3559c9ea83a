#!/bin/sh
# Builds artifact/vmlinux from Debian's linux-source-6.1, then artifact/initrd by build-initrd.sh. User, host and time are
# pinned, so that the same compiler gives the same bytes. About ten CPU minutes.
# Needs: linux-source-6.1 busybox-static gcc make bc flex bison libelf-dev xz-utils.
# Usage: build.sh [WORK_DIR]      WORK_DIR keeps the kernel tree between runs
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=${1:-$(mktemp -d)}
tree=$work/linux-source-6.1
[ -d "$tree" ] || tar -xf /usr/src/linux-source-6.1.tar.xz -C "$work"
export KBUILD_BUILD_TIMESTAMP=@0 KBUILD_BUILD_USER=berth KBUILD_BUILD_HOST=berth KBUILD_BUILD_VERSION=1 LC_ALL=C
mkdir -p "$here/artifact"

# PVH enters an uncompressed ELF image directly: no decompressor under emulation, which would cost 0.3 s a boot.
make -s -C "$tree" tinyconfig
(cd "$tree" && scripts/kconfig/merge_config.sh -m .config "$here/kernel.config" >"$work/merge.log")
make -s -C "$tree" olddefconfig
# The default link aligns the file's segments to 2 MiB, which would add 7 MiB of zeros to it.
sed -i 's/max-page-size=0x200000/max-page-size=0x1000/' "$tree/arch/x86/Makefile"
make -s -C "$tree" -j"$(nproc)" vmlinux
strip --strip-all --remove-section=.comment -o "$here/artifact/vmlinux" "$tree/vmlinux"

"$here/build-initrd.sh" "$work"
