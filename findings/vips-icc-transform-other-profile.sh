#!/bin/bash
# findings/vips-icc-transform-other-profile.sh [MIRROR]
# vips_icc_transform of 8.14 (Debian 12), asked for an intent whose table the picture's profile lacks,
# succeeds by another profile: sRGB for RGB, its own for ink. A profile with the perceptual table alone
# (scanners and printers have such, and so has every JPEG of jpegli in XYB) is valid, and its table serves for
# the other intents, by ICC.1 and by lcms, which libvips calls. With the relative intent, which photo tools ask
# for, the colours are thus those of no profile at all; the program gets no error, only a line in GLib's log.
# 8.16 (Debian 13) uses the profile.
# Here the table says that every colour is a grey of L* 50, which is 119 in sRGB.
# Needs root and debootstrap. MIRROR: a Debian archive (default: the one apt uses here).
# Seen, relative intent: 8.14.1-3+deb12u3: 200 30 60, as it went in; 8.16.1-1+deb13u2: 119 119 119;
# transicc of lcms (2.14-2+deb12u1, 2.16-2+deb13u2): 119 119 119.
set -euo pipefail
# shellcheck disable=SC2016  # apt expands them
mirror=${1:-$(apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 'Created-By: Packages' |
  awk '$1 == "bookworm" || $1 == "trixie" { print $2; exit }')}
work=$(mktemp -d /var/tmp/finding.XXXXXX)
trap 'rm -rf --one-file-system "$work"' EXIT
cat >"$work/profile.py" <<'CODE'
import struct, sys
identity = struct.pack(">9i", *[65536 if i % 4 == 0 else 0 for i in range(9)])
grey = struct.pack(">3H", 0x7F80, 0x8000, 0x8000)  # L* 50, as version 2 codes it
ramps = struct.pack(">2H", 0, 0xFFFF) * 3
table = b"mft2" + bytes(4) + bytes([3, 3, 2, 0]) + identity + struct.pack(">2H", 2, 2) + ramps + grey * 8 + ramps
d50 = struct.pack(">3i", 63190, 65536, 54061)
tags = {b"desc": b"desc" + bytes(4) + struct.pack(">I", 5) + b"grey" + bytes(79),
        b"cprt": b"text" + bytes(4) + b"none\0", b"wtpt": b"XYZ " + bytes(4) + d50, b"A2B0": table}
index, data, at = b"", b"", 132 + 12 * len(tags)
for name, body in tags.items():
    body += bytes(-len(body) % 4)
    index += name + struct.pack(">2I", at + len(data), len(body))
    data += body
head = struct.pack(">I4sI", at + len(data), b"none", 0x02400000) + b"scnrRGB Lab "
head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp"
head += bytes(68 - len(head)) + d50
open(sys.argv[1], "wb").write(head + bytes(128 - len(head)) + struct.pack(">I", len(tags)) + index + data)
CODE

observed() { # SUITE: the versions, then the pixel by libvips and by lcms
  debootstrap --variant=minbase --include=libvips-tools,liblcms2-utils,python3-minimal "$1" "$work/$1" "$mirror" \
    >"$work/log" 2>&1 || { tail "$work/log" >&2 && return 69; }
  cp "$work/profile.py" "$work/$1/tmp/"
  # shellcheck disable=SC2016  # the inner shell expands it
  chroot "$work/$1" bash -euc '
    cd /tmp
    dpkg-query -W -f "\${Version}\n" libvips-tools liblcms2-utils
    python3 profile.py grey.icc
    vips black black.v 8 8 --bands 3
    vips linear black.v float.v "0 0 0" "200 30 60"
    vips cast float.v uchar.v uchar
    vips copy uchar.v in.v --interpretation srgb
    vips icc_transform in.v out.v srgb --input-profile grey.icc --intent relative 2>/dev/null
    echo vips $(vips getpoint out.v 1 1)
    echo lcms $(echo 200 30 60 | transicc -n -i grey.icc -o "*sRGB" -t1 2>/dev/null | tail -1 | xargs printf "%.0f ")' |
    sed 's/ *$//'
}

expect() { # SUITE LINE...
  local suite=$1 got
  shift
  got=$(observed "$suite")
  printf '== %s\n%s\n' "$suite" "$got"
  [ "$got" = "$(printf '%s\n' "$@")" ] || { echo "$suite: behaviour or version has changed" >&2 && exit 1; }
}
expect bookworm 2.14-2+deb12u1 8.14.1-3+deb12u3 'vips 200 30 60' 'lcms 119 119 119'
expect trixie 2.16-2+deb13u2 8.16.1-1+deb13u2 'vips 119 119 119' 'lcms 119 119 119'
