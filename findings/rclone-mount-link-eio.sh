#!/bin/bash
# findings/rclone-mount-link-eio.sh
# What a file system that has no hard links says of link(2): EPERM, as POSIX and FAT have it, or EOPNOTSUPP or
# ENOSYS, as most of FUSE. A mount by rclone 1.60.1 (Debian 12) says EIO, as of a disk that fails; of symlinks
# and FIFOs, too. A program that asks whether there are links by what link(2) says must take every error but
# that of a full disk for "no", else it stops there with an input/output error.
# Needs root and /dev/fuse; unpacks rclone and fuse3 of Debian 12.
# Seen: 1.60.1+dfsg-2+b5: link EIO, symlink EIO, mkfifo EIO; a rename is done.
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
import errno, os
open("mnt/a", "w").close()
for name, call in (("link", lambda: os.link("mnt/a", "mnt/b")), ("symlink", lambda: os.symlink("a", "mnt/c")),
                   ("mkfifo", lambda: os.mkfifo("mnt/d")), ("rename", lambda: os.rename("mnt/a", "mnt/e"))):
    try:
        call()
        print(name, "done")
    except OSError as error:
        print(name, errno.errorcode[error.errno])
END_OF_PYTHON
)
echo "$seen"
[ "$seen" = "link EIO
symlink EIO
mkfifo EIO
rename done" ] || { echo 'behaviour has changed' >&2 && exit 1; }
