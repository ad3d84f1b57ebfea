#!/bin/bash
# findings/vips-icc-transform-depth.sh [MIRROR]
# vips_icc_transform of a 16-bit picture without `depth`: 8.14 (Debian 12) gives 8 bits, 8.16 (Debian 13)
# gives 16. Code that casts the result to 8 bits behind it was right for years and then turns every value
# over 255 into white, without a warning. With depth 8 both give the same.
# Needs root and debootstrap. MIRROR: a Debian archive (default: the one apt uses here).
# Seen: 8.14.1-3+deb12u3: uchar 107 107 107; 8.16.1-1+deb13u2: ushort 27499 27499 27499; --depth 8: 107 in both.
set -euo pipefail
# shellcheck disable=SC2016  # apt expands them
mirror=${1:-$(apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 'Created-By: Packages' |
  awk '$1 == "bookworm" || $1 == "trixie" { print $2; exit }')}
work=$(mktemp -d /var/tmp/finding.XXXXXX)
trap 'rm -rf --one-file-system "$work"' EXIT

observed() { # SUITE: the package's version, then format and pixel without and with a depth
  debootstrap --variant=minbase --include=libvips-tools "$1" "$work/$1" "$mirror" >"$work/log" 2>&1 ||
    { tail "$work/log" >&2 && return 69; }
  # shellcheck disable=SC2016  # the inner shell expands it
  chroot "$work/$1" bash -euc '
    cd /tmp
    dpkg-query -W -f "\${Version}\n" libvips-tools
    vips black black.v 8 8 --bands 3
    vips linear black.v grey.v "0 0 0" "27499 27499 27499"
    vips cast grey.v ushort.v ushort
    vips copy ushort.v in.v --interpretation rgb16
    vips icc_transform in.v plain.v srgb --input-profile srgb
    vips icc_transform in.v deep8.v srgb --input-profile srgb --depth 8
    for out in plain deep8; do vipsheader -f format "$out.v"; vips getpoint "$out.v" 1 1; done' |
    sed 's/ *$//; s/.*VIPS_FORMAT_\([A-Z]*\).*/\1/'
}

expect() { # SUITE LINE...
  local suite=$1 got
  shift
  got=$(observed "$suite")
  printf '== %s\n%s\n' "$suite" "$got"
  [ "$got" = "$(printf '%s\n' "$@")" ] || { echo "$suite: behaviour or version has changed" >&2 && exit 1; }
}
expect bookworm 8.14.1-3+deb12u3 UCHAR '107 107 107' UCHAR '107 107 107'
expect trixie 8.16.1-1+deb13u2 USHORT '27499 27499 27499' UCHAR '107 107 107'
