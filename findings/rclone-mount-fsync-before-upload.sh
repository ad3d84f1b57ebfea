#!/bin/bash
# findings/rclone-mount-fsync-before-upload.sh
# What fsync(2) is worth on `rclone mount --vfs-cache-mode writes` (rclone 1.60.1, Debian 12): fsync of the
# file, of its folder, close(2) and sync(2) all succeed while the remote has nothing. It is uploaded five
# seconds after it was closed (--vfs-write-back), so a program that has synced and said "done" has said so
# of a file that is in this machine's cache alone, and that no other client sees.
# Needs root and /dev/fuse; unpacks rclone and fuse3 of Debian 12.
# Seen: 1.60.1+dfsg-2+b5: remote empty after fsync, close, fsync of the folder and sync; there 5.0 s later.
set -euo pipefail
work=$(mktemp -d /var/tmp/finding.XXXXXX)
trap 'umount -l "$work/mnt" 2>/dev/null || true; rm -rf --one-file-system "$work"' EXIT
cd "$work"
apt-get -qq download rclone=1.60.1+dfsg-2+b5 fuse3=3.14.0-4
for package in *.deb; do dpkg-deb -x "$package" unpacked; done
export PATH=$work/unpacked/usr/bin:$work/unpacked/bin:$PATH RCLONE_CONFIG=$work/none
mkdir remote mnt
rclone mount "$work/remote" mnt --vfs-cache-mode writes --cache-dir "$work/cache" --daemon
seen=$(
  python3 - <<'END_OF_PYTHON'
import os, time
file = os.open("mnt/a", os.O_CREAT | os.O_WRONLY)
os.write(file, b"a line\n")
os.fsync(file)
print("fsync", os.listdir("remote"))
os.close(file)
closed = time.monotonic()
folder = os.open("mnt", os.O_RDONLY)
os.fsync(folder)
os.close(folder)
os.sync()
print("sync", os.listdir("remote"))
while not os.listdir("remote"):
    time.sleep(0.01)
print("uploaded after four seconds or more:", time.monotonic() - closed >= 4)
END_OF_PYTHON
)
echo "$seen"
[ "$seen" = "fsync []
sync []
uploaded after four seconds or more: True" ] || { echo 'behaviour has changed' >&2 && exit 1; }
