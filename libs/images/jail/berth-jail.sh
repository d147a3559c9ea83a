#!/bin/sh
# Runs one program where there is nothing but the system's programs, one file to read and one to write: a root of its
# own in memory. To be started in fresh mount, network, ipc and pid namespaces.
# Usage: berth-jail.sh ROOT INPUT OUTPUT PROGRAM [ARGUMENT...]     inside they are /input and /output
set -e
root=$1 input=$2 output=$3
shift 3
mount -t tmpfs -o size=64k,mode=755 berth-jail "$root"
only_read() { mount --bind "$1" "$root/$2" && mount -o remount,bind,ro,nosuid,nodev "$root/$2"; }
for folder in usr bin sbin lib lib32 lib64; do
  if [ -L "/$folder" ]; then
    cp -P "/$folder" "$root/$folder"
  elif [ -d "/$folder" ]; then
    mkdir "$root/$folder"
    only_read "/$folder" "$folder"
  fi
done
mkdir "$root/dev"
: >"$root/dev/null"
mount --bind /dev/null "$root/dev/null"
: >"$root/input"
only_read "$input" input
: >"$root/output"
mount --bind "$output" "$root/output"
mount -o remount,bind,ro,nosuid,nodev "$root"
exec chroot "$root" "$@"
