#!/bin/bash
# findings/vips-sharpen-beside-alpha.sh [MIRROR]
# vips_sharpen of an RGBA picture, asked for from the top in strips of 16 rows as a writer asks, takes tens of
# times the CPU of the same picture without alpha, one band more: the work is done anew for each strip. Asked
# for as a whole in memory, the band costs its share. So a saver behind it is slow, and a loop that measures
# write_to_memory does not see it. Splitting the alpha off before and joining it after is cheap.
# Needs root and debootstrap. MIRROR: a Debian archive (default: the one apt uses here).
# Seen, 900x600, sigma 0.5, one thread, seconds of CPU:
#   8.14.1-3+deb12u3: strips 0.09 with three bands, 3.70 with four; whole 0.06 and 0.17
#   8.16.1-1+deb13u2: the fourth band makes strips take 16 times as long, the whole 2.4 times
set -euo pipefail
# shellcheck disable=SC2016  # apt expands them
mirror=${1:-$(apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 'Created-By: Packages' |
  awk '$1 == "bookworm" || $1 == "trixie" { print $2; exit }')}
work=$(mktemp -d /var/tmp/finding.XXXXXX)
trap 'rm -rf --one-file-system "$work"' EXIT
cat >"$work/sharpen.c" <<'SOURCE'
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <vips/vips.h>

enum { kWidth = 900, kHeight = 600, kStrip = 16 };

static double seconds(int bands, int in_strips) {
  const size_t size = (size_t)kWidth * kHeight * bands;
  unsigned char *noise = malloc(size);
  for (size_t i = 0; i < size; i++) noise[i] = (unsigned char)(rand() >> 8);
  VipsImage *bare = vips_image_new_from_memory(noise, size, kWidth, kHeight, bands, VIPS_FORMAT_UCHAR);
  VipsImage *picture, *sharp;
  if (vips_copy(bare, &picture, "interpretation", VIPS_INTERPRETATION_sRGB, NULL) ||
      vips_sharpen(picture, &sharp, "sigma", 0.5, NULL))
    vips_error_exit(NULL);
  const clock_t start = clock();
  if (in_strips) {
    VipsRegion *region = vips_region_new(sharp);
    for (int top = 0; top < kHeight; top += kStrip) {
      VipsRect strip = {0, top, kWidth, VIPS_MIN(kStrip, kHeight - top)};
      if (vips_region_prepare(region, &strip)) vips_error_exit(NULL);
    }
  } else {
    size_t written;
    if (vips_image_write_to_memory(sharp, &written) == NULL) vips_error_exit(NULL);
  }
  return (double)(clock() - start) / CLOCKS_PER_SEC;
}

int main(int count, char **words) {
  (void)count;
  if (VIPS_INIT(words[0])) vips_error_exit(NULL);
  vips_concurrency_set(1);
  const double strips = seconds(4, 1) / seconds(3, 1), whole = seconds(4, 0) / seconds(3, 0);
  fprintf(stderr, "four bands to three: strips %.1f, whole %.1f\n", strips, whole);
  printf("strips %s, whole %s\n", strips > 10 ? "much" : "little", whole > 10 ? "much" : "little");
  return 0;
}
SOURCE

observed() { # SUITE: the package's version, and how much more the fourth band takes
  debootstrap --variant=minbase "$1" "$work/$1" "$mirror" >"$work/log" 2>&1 || { tail "$work/log" >&2 && return 69; }
  cp /etc/resolv.conf "$work/$1/etc/"
  cp "$work/sharpen.c" "$work/$1/tmp/"
  # shellcheck disable=SC2016  # the inner shell expands it
  chroot "$work/$1" bash -euc '
    DEBIAN_FRONTEND=noninteractive apt-get -qq -o APT::Sandbox::User=root install --no-install-recommends gcc libc6-dev pkgconf libvips-dev >/tmp/log 2>&1 ||
      { tail /tmp/log >&2; exit 69; }
    dpkg-query -W -f "\${Version}\n" libvips-dev
    gcc -O1 /tmp/sharpen.c -o /tmp/sharpen $(pkg-config --cflags --libs vips)
    /tmp/sharpen'
}

expect() { # SUITE LINE...
  local suite=$1 got
  shift
  got=$(observed "$suite")
  printf '== %s\n%s\n' "$suite" "$got"
  [ "$got" = "$(printf '%s\n' "$@")" ] || { echo "$suite: behaviour or version has changed" >&2 && exit 1; }
}
expect bookworm 8.14.1-3+deb12u3 'strips much, whole little'
expect trixie 8.16.1-1+deb13u2 'strips much, whole little'
