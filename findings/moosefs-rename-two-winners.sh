#!/bin/bash
# findings/moosefs-rename-two-winners.sh [MIRROR]
# What two clients of MooseFS 3.0.117 (Debian 12) are told that rename one file to one new name in the same
# moment: at times both have done it. POSIX has one succeed, and the other find no file (ENOENT); so it is on
# a local file system, where none of 500 races has two winners. A lock or a queue that is a rename to a fixed
# name gives one thing to two owners, without an error anywhere. A name of its own for each claimant is safe.
# Needs root, /dev/fuse and debootstrap. MIRROR: a Debian archive (default: the one apt uses here).
# Seen: 3.0.117-1: 147 and 207 of 500 races with two winners, none without any; locally 0 and 0 of 500.
set -euo pipefail
# shellcheck disable=SC2016  # apt expands them
mirror=${1:-$(apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 'Created-By: Packages' |
  awk '$1 == "bookworm" || $1 == "trixie" { print $2; exit }')}
work=$(mktemp -d /var/tmp/finding.XXXXXX)
trap 'rm -rf --one-file-system "$work"' EXIT
debootstrap --variant=minbase --include=moosefs-master,moosefs-chunkserver,moosefs-client,python3-minimal,iproute2 \
  bookworm "$work/root" "$mirror" >"$work/log" 2>&1 || { tail "$work/log" >&2 && exit 69; }

cat >"$work/root/race" <<'END'
import os, sys, threading
here, there, own = sys.argv[1:]

def race(first, second, n):
    open(f"{first}/from{n}", "w").close()
    os.stat(f"{second}/from{n}")
    meet, won = threading.Barrier(2), []
    def rename(mount):
        meet.wait()
        try:
            os.rename(f"{mount}/from{n}", f"{mount}/to{n}")
            won.append(mount)
        except FileNotFoundError:
            pass
    both = [threading.Thread(target=rename, args=[mount]) for mount in (first, second)]
    for one in both: one.start()
    for one in both: one.join()
    return len(won)

for first, second in ((here, there), (own, own)):
    winners = [race(first, second, n) for n in range(500)]
    print(winners.count(2), winners.count(0))
END
cat >"$work/root/begin" <<'END'
set -eu
mount -t proc proc /proc
mount --bind /outer-dev /dev
ip link set lo up
ip addr add 10.77.0.1/32 dev lo # it wants another address than 127.0.0.1
mkdir -p /d/chunks /d/own /a /b
cp /var/lib/mfs/metadata.mfs.empty /d/metadata.mfs
echo '* / rw,alldirs,maproot=0:0' >/d/exports
echo /d/chunks >/d/disks
common='WORKING_USER=root\nWORKING_GROUP=root\nDATA_PATH=/d\n'
printf "${common}EXPORTS_FILENAME=/d/exports\n" >/d/master
printf "${common}HDD_CONF_FILENAME=/d/disks\nMASTER_HOST=10.77.0.1\nHDD_LEAVE_SPACE_DEFAULT=16MiB\n" >/d/chunk
mfsmaster -c /d/master start >/d/log 2>&1
mfschunkserver -c /d/chunk start >>/d/log 2>&1
for mount in /a /b; do mfsmount -H 10.77.0.1 "$mount" >>/d/log 2>&1; done
for second in $(seq 60); do
  ! dd if=/dev/zero of=/a/probe bs=4096 count=1 conv=fsync 2>/dev/null || break
  sleep 1
done
dpkg-query -W -f '${Version}\n' moosefs-client
python3 /race /a /b /d/own
END
mkdir "$work/root/outer-dev"
# shellcheck disable=SC2016  # the inner shell expands it
seen=$(unshare --mount --net --pid --fork --kill-child --propagation private bash -euc '
  mount --bind /dev "$1/outer-dev"
  exec chroot "$1" sh /begin' bash "$work/root")
echo "$seen"
{ read -r version && read -r two none && read -r two_here none_here; } <<<"$seen"
if [ "$version $none $two_here $none_here" != '3.0.117-1 0 0 0' ] || [ "$two" -eq 0 ]; then
  echo 'behaviour or version has changed' >&2
  exit 1
fi
