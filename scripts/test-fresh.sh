#!/usr/bin/env bash
# npm run test:fresh [-- start|tests|killed ...]: Berth on a Debian that has nothing but Node; all three by default.
#
# A clean Debian 12 is made by mmdebstrap from this machine's own package sources, without its backports. Node and the way
# to the network are copied in, this repository's HEAD is cloned into /root (closed to other users, as root's home is), and
# everything runs in mount and pid namespaces of its own, so nothing outlives the test and nothing here is changed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

suites="${*:-start tests killed}"
[[ $EUID == 0 ]] || { echo 'needs root: namespaces and chroot' >&2; exit 1; }
command -v mmdebstrap > /dev/null || apt-get install -y -q --no-install-recommends mmdebstrap

world=$(mktemp -d /var/tmp/berth-fresh.XXXXXX)
trap 'rm -rf --one-file-system "$world"' EXIT
fresh=$world/root

# --- a Debian
sources=/etc/apt/sources.list.d/debian.sources
[[ -s $sources ]] || sources=/etc/apt/sources.list
mmdebstrap --quiet --variant=minbase bookworm "$fresh" "$sources"

# --- Node, and nothing else
node=$(readlink -f "$(command -v node)")
npm=$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")
install -D "$node" "$fresh/usr/local/bin/node"
mkdir -p "$fresh/usr/local/lib/node_modules"
cp -a "$npm" "$fresh/usr/local/lib/node_modules/npm"
for name in npm npx; do ln -s "../lib/node_modules/npm/bin/$name-cli.js" "$fresh/usr/local/bin/$name"; done

# --- the network as it is here: names, certificates, npm's own settings
cp -L /etc/resolv.conf /etc/hosts "$fresh/etc/"
for file in "${NODE_EXTRA_CA_CERTS:-}" "$(npm config get cafile)" "$(npm config get globalconfig)" "$HOME/.npmrc"; do
  [[ -f $file ]] && install -D "$file" "$fresh$file"
done
for file in /etc/apt/apt.conf.d/*; do
  grep -qi 'acquire' "$file" && install -D -m 644 "$file" "$fresh$file"
done
passed_on=()
for name in NODE_EXTRA_CA_CERTS http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY npm_config_registry; do
  [[ -n ${!name:-} ]] && passed_on+=("$name=${!name}")
done

git clone --quiet --no-hardlinks . "$fresh/root/berth"

echo "fresh Debian in $fresh"
env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TERM=dumb \
  "${passed_on[@]}" FRESH="$fresh" SUITES="$suites" \
  unshare --mount --pid --fork --kill-child --propagation private bash -euc '
    mount -t proc proc "$FRESH/proc"
    mount --rbind /dev "$FRESH/dev"
    mount -t sysfs -o ro sysfs "$FRESH/sys"
    exec chroot "$FRESH" bash /root/berth/scripts/test-fresh-inside.sh $SUITES
  '
