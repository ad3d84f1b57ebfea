#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031,SC2154  # variables of helper.bash
# README.md: what it shows to be typed works as it is written, for who has these files.
load helper

readme=$BATS_TEST_DIRNAME/../../README.md

setup() {
  own_directory
  PATH=$bin:$PATH
  unset IMGQ_SPOOL
  mkdir -p Pictures
  cp "$samples"/fig.jpg "$samples"/stream.jpg Pictures/
  small_jpeg >photo.jpg
  small_jpeg >a.jpg
  cp "$samples"/dandelion-cut-out.png b.png
  touch -d '1 hour ago' stamp
}

# The first block of a section, with /tmp/q and its port being places of our own.
block() { # SECTION
  awk -v section="## $1" '$0 == section { here = 1 } here && /^```$/ { exit }
    printing { print } here && /^```sh$/ { printing = 1 }' "$readme" |
    sed "s|/tmp/q|$dir/q|"
}

@test "the examples for the shell" {
  block "From the shell" >script
  same "$(grep -c '^imgq' script)" 5
  exits 0 bash -euo pipefail script
  [ -s web/fig.640w.webp ]
  [ -s squares/b.jpg ]
  [ -s small.jpg ]
  [ -s thumbs/photo.jpg ]
  contains "$output" "16x11"
}

@test "the examples with the daemon" {
  block "With the daemon" >script
  same "$(grep -c '^imgqd &' script)" 1
  { cat script && echo 'kill %1 && wait'; } >all
  exits 0 timeout 100 bash -euo pipefail all
  [ -s thumb.jpg ]
  same "$(grep -c '^[0-9a-f-]*$' ids)" 3
}
