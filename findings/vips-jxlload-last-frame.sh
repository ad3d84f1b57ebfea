#!/bin/bash
# findings/vips-jxlload-last-frame.sh [MIRROR]
# What libvips reads of an animated JPEG XL: 8.14 (Debian 12) gives its last frame and calls it a picture of
# one page; 8.16 (Debian 13) gives the first, as libvips does for GIF and WebP in both. A thumbnail of the
# same file shows another moment after an upgrade.
# Needs root and debootstrap. MIRROR: a Debian archive (default: the one apt uses here).
# Seen: 8.14.1-3+deb12u3: blue, the third; 8.16.1-1+deb13u2: red, the first; of the GIF: red in both.
set -euo pipefail
# shellcheck disable=SC2016  # apt expands them
mirror=${1:-$(apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 'Created-By: Packages' |
  awk '$1 == "bookworm" || $1 == "trixie" { print $2; exit }')}
work=$(mktemp -d /var/tmp/finding.XXXXXX)
trap 'rm -rf --one-file-system "$work"' EXIT

# A GIF of three frames of one pixel: red, green, blue.
three_frames() {
  printf 'GIF89a\1\0\1\0\201\0\0\0\0\0\310\0\0\0\310\0\0\0\310'
  printf '\41\377\13NETSCAPE2.0\3\1\0\0\0'
  local code
  for code in '\114' '\124' '\134'; do
    printf '\41\371\4\0\12\0\0\0\54\0\0\0\0\1\0\1\0\0\2\2%b\1\0' "$code"
  done
  printf '\73'
}

observed() { # SUITE: the package's version, then the pixel of the JPEG XL and of the GIF
  debootstrap --variant=minbase --include=libvips-tools,libjxl-tools "$1" "$work/$1" "$mirror" \
    >"$work/log" 2>&1 || { tail "$work/log" >&2 && return 69; }
  three_frames >"$work/$1/tmp/in.gif"
  # shellcheck disable=SC2016  # the inner shell expands it
  chroot "$work/$1" bash -euc '
    cd /tmp
    dpkg-query -W -f "\${Version}\n" libvips-tools
    cjxl -d 0 in.gif in.jxl >/dev/null 2>&1
    for in in in.jxl in.gif; do
      vips copy "$in" out.v
      vips extract_band out.v rgb.v 0 --n 3
      vips getpoint rgb.v 0 0
    done' | sed 's/ *$//'
}

expect() { # SUITE LINE...
  local suite=$1 got
  shift
  got=$(observed "$suite")
  printf '== %s\n%s\n' "$suite" "$got"
  [ "$got" = "$(printf '%s\n' "$@")" ] || { echo "$suite: behaviour or version has changed" >&2 && exit 1; }
}
expect bookworm 8.14.1-3+deb12u3 '0 0 200' '200 0 0'
expect trixie 8.16.1-1+deb13u2 '200 0 0' '200 0 0'
