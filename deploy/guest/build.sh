#!/bin/sh
# Builds the kernel of the tiny guest from Debian's linux-source-6.1, then its initrd by build-initrd.sh. User, host and
# time are pinned, so that the same compiler gives the same bytes. About ten CPU minutes.
# Needs: linux-source-6.1 busybox-static gcc make bc flex bison libelf-dev xz-utils; lz4 for i386.
# Usage: build.sh x86_64|i386 [WORK_DIR]      WORK_DIR keeps the kernel tree between runs
set -eu
here=$(cd "$(dirname "$0")" && pwd)
architecture=$1
work=${2:-$(mktemp -d)}
tree=$work/linux-source-6.1
[ -d "$tree" ] || tar -xf /usr/src/linux-source-6.1.tar.xz -C "$work"
export KBUILD_BUILD_TIMESTAMP=@0 KBUILD_BUILD_USER=berth KBUILD_BUILD_HOST=berth KBUILD_BUILD_VERSION=1 LC_ALL=C
export ARCH="$architecture"
build() { make -s -C "$tree" "$@"; }

case $architecture in
  x86_64) fragments=$here/kernel.config artifact=$here/artifact ;;
  i386) fragments="$here/kernel.config $here/kernel-i386.config" artifact=$here/artifact/i386 ;;
esac
mkdir -p "$artifact"
build tinyconfig
(cd "$tree" && scripts/kconfig/merge_config.sh -m .config $fragments >"$work/merge.log")
build olddefconfig

case $architecture in
  x86_64)
    # PVH enters an uncompressed ELF image directly: no decompressor under emulation, which would cost 0.3 s a boot.
    # The default link aligns the file's segments to 2 MiB, which would add 7 MiB of zeros to it.
    sed -i 's/max-page-size=0x200000/max-page-size=0x1000/' "$tree/arch/x86/Makefile"
    build -j"$(nproc)" vmlinux
    strip --strip-all --remove-section=.comment -o "$artifact/vmlinux" "$tree/vmlinux"
    ;;
  i386)
    build -j"$(nproc)" bzImage
    cp "$tree/arch/x86/boot/bzImage" "$artifact/bzImage"
    ;;
esac

"$here/build-initrd.sh" "$architecture" "$work"
