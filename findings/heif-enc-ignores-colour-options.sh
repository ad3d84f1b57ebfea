#!/bin/bash
# findings/heif-enc-ignores-colour-options.sh [MIRROR]
# What heif-enc makes of its own options --colour_primaries, --transfer_characteristic and
# --matrix_coefficients: 1.15.1 (Debian 12) takes any values and writes what it writes without them: an AVIF
# says "unspecified" (2, 2, 6), a HEIC has no colr box at all. 1.23.6 (Debian 13) writes the values into both. So
# an archive of Display P3 pictures, encoded with the options of the manual, is dull in every viewer.
# Needs root and debootstrap. MIRROR: a Debian archive (default: the one apt uses here).
set -euo pipefail
# shellcheck disable=SC2016  # apt expands them
mirror=${1:-$(apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 'Created-By: Packages' |
  awk '$1 == "bookworm" || $1 == "trixie" { print $2; exit }')}
work=$(mktemp -d /var/tmp/finding.XXXXXX)
trap 'rm -rf --one-file-system "$work"' EXIT

# A PNG of 64 by 64 pixels of one colour.
picture() {
  python3 - "$1" <<'END'
import struct, sys, zlib
def chunk(kind, data):
    return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
rows = (b'\0' + bytes([200, 100, 50]) * 64) * 64
open(sys.argv[1], 'wb').write(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', 64, 64, 8, 2, 0, 0, 0)) +
                              chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b''))
END
}

# The code points of the first colr box of type nclx: primaries, transfer, matrix.
code_points() {
  python3 - "$1" <<'END'
import struct, sys
file = open(sys.argv[1], 'rb').read()
at = file.find(b'colrnclx')
print(*struct.unpack('>HHH', file[at + 8:at + 14]) if at >= 0 else ['none'])
END
}

observed() { # SUITE PACKAGES: the version; the code points of an AVIF and a HEIC, with the options
  debootstrap --variant=minbase --include="libheif-examples,$2" "$1" "$work/$1" "$mirror" \
    >"$work/log" 2>&1 || { tail "$work/log" >&2 && return 69; }
  picture "$work/$1/tmp/in.png"
  # shellcheck disable=SC2016  # the inner shell expands it
  chroot "$work/$1" bash -euc '
    cd /tmp
    dpkg-query -W -f "\${Version}\n" libheif-examples
    colours="--colour_primaries 12 --transfer_characteristic 13 --matrix_coefficients 1"
    heif-enc -A $colours in.png -o out.avif >/dev/null 2>&1
    heif-enc $colours in.png -o out.heic >/dev/null 2>&1'
  code_points "$work/$1/tmp/out.avif"
  code_points "$work/$1/tmp/out.heic"
}

expect() { # SUITE PACKAGES LINE...
  local suite=$1 packages=$2 got
  shift 2
  got=$(observed "$suite" "$packages")
  printf '== %s\n%s\n' "$suite" "$got"
  [ "$got" = "$(printf '%s\n' "$@")" ] || { echo "$suite: behaviour or version has changed" >&2 && exit 1; }
}
expect bookworm libheif1 1.15.1-1+deb12u1 '2 2 6' none
expect trixie libheif-plugin-aomenc,libheif-plugin-x265 1.23.6-2~deb13u1 '12 13 1' '12 13 1'
