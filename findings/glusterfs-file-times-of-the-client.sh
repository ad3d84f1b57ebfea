#!/bin/bash
# findings/glusterfs-file-times-of-the-client.sh [MIRROR]
# Whose clock a file's times are by on a GlusterFS 10.3 volume as it is made by default (Debian 12): the
# client's that wrote it, mtime and ctime alike. On NFS and most others it is the server's, one clock for all
# hosts, and a probe file (touch it, compare its ctime with one's own clock) tells how far one is off. Here it
# never tells anything, and two hosts whose clocks differ put files of one moment into one folder at two
# times: what compares them by age is wrong by as much. `features.ctime off` has the server's clock.
# Needs root, /dev/fuse and debootstrap. MIRROR: a Debian archive (default: the one apt uses here).
# Seen: 10.3-5: a client whose clock is 600 s ahead: mtime and ctime 600 s ahead, for another client, too;
# with features.ctime off: 0 and 0.
set -euo pipefail
# shellcheck disable=SC2016  # apt expands them
mirror=${1:-$(apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 'Created-By: Packages' |
  awk '$1 == "bookworm" || $1 == "trixie" { print $2; exit }')}
work=$(mktemp -d /var/tmp/finding.XXXXXX)
trap 'rm -rf --one-file-system "$work"' EXIT
debootstrap --variant=minbase --include=glusterfs-server,glusterfs-client,libfaketime,python3-minimal,iproute2 \
  bookworm "$work/root" "$mirror" >"$work/log" 2>&1 || { tail "$work/log" >&2 && exit 69; }

cat >"$work/root/begin" <<'END_OF_SCRIPT'
set -eu
mount -t proc proc /proc
mount --bind /outer-dev /dev
ip link set lo up
ip addr add 10.77.0.1/32 dev lo # it wants another address than 127.0.0.1
mkdir -p /ahead /other
glusterd >/log 2>&1
for second in $(seq 30); do ! gluster pool list >/dev/null 2>&1 || break; sleep 1; done
dpkg-query -W -f '${Version}\n' glusterfs-client
ahead=$(echo /usr/lib/*/faketime/libfaketimeMT.so.1)
for ctime in on off; do
  gluster volume create "$ctime" "10.77.0.1:/brick-$ctime" force >>/log
  [ "$ctime" = on ] || gluster volume set "$ctime" features.ctime off >>/log
  gluster volume start "$ctime" >>/log
  LD_PRELOAD=$ahead FAKETIME=+600s FAKETIME_DONT_FAKE_MONOTONIC=1 \
    glusterfs --volfile-server=10.77.0.1 --volfile-id="$ctime" /ahead
  glusterfs --volfile-server=10.77.0.1 --volfile-id="$ctime" /other
  echo a >/ahead/file
  python3 -c '
import os, time
about = os.stat("/other/file")
print(*(round((then - time.time()) / 100) * 100 for then in (about.st_mtime, about.st_ctime)))'
  umount -l /ahead /other
done
END_OF_SCRIPT
mkdir "$work/root/outer-dev"
# shellcheck disable=SC2016  # the inner shell expands it
seen=$(unshare --mount --net --uts --pid --fork --kill-child --propagation private bash -euc '
  mount --bind /dev "$1/outer-dev"
  exec chroot "$1" sh /begin' bash "$work/root")
echo "$seen"
[ "$seen" = "10.3-5
600 600
0 0" ] || { echo 'behaviour or version has changed' >&2 && exit 1; }
