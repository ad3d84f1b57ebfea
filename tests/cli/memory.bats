#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031,SC2154  # variables of helper.bash; each test has its own
# What is said of the memory that an image will need, against what a worker of its own then takes.
load helper

# estimate FILE OPTION...: MiB, as they are named when they are more than a worker may have.
estimate() {
  local file=$1
  shift
  IMGQ_LIMITS_MEMORY_BYTES=64MiB "$imgq" run -o estimated "$@" "$file" 2>&1 |
    sed -n 's/.*needs about \([0-9]*\) MiB.*/\1/p'
}

# measured FILE OPTION...: MiB at the most that the one worker that made it has had.
measured() {
  local file=$1 id
  shift
  id=$("$imgq" submit "$@" "$file")
  "${imgq}d" --drain >/dev/null 2>&1
  "$imgq" info --json "$id" | jq '.report.peak_kib / 1024 | ceil'
}

@test "an image takes no more memory than is estimated, and at least three quarters of it" {
  ! sanitized || skip "the sanitizers take memory of their own"
  export IMGQ_DAEMON_WORKERS=1 IMGQ_LIMITS_RECYCLE_JOBS=1 IMGQ_LIMITS_MEMORY_BYTES=2GiB
  exits 0 "$imgq" init
  exits 0 "$imgq" run -o big --enlarge --size 3000x2000 --force "$samples/fig.jpg"
  exits 0 "$imgq" run -o plain --format avif --size 3000x2000 big/fig.jpg
  exits 0 "$imgq" run -o full --format avif --chroma 444 --size 3000x2000 big/fig.jpg
  exits 0 "$imgq" run -o low --quality 20 --chroma 444 --size 3000x2000 big/fig.jpg
  exits 0 "$imgq" run -o scans --quality 20 --progressive --size 3000x2000 big/fig.jpg
  exits 0 "$imgq" run -o whole --format png --size 3000x2000 big/fig.jpg
  vips pngsave whole/fig.png whole/small.png --filter all --compression 9
  vips resize big/fig.jpg a.png 0.6
  vips flip a.png b.png horizontal
  vips arrayjoin "a.png b.png a.png b.png a.png b.png" frames.png --across 1
  mkdir moving
  vips gifsave frames.png moving/many.gif --page-height 1200
  exits 0 "$imgq" run -o moving --animated --format webp --enlarge --size 2400x1600 moving/many.gif
  local tried=0 said took line words
  while read -r line; do
    read -ra words <<<"$line"
    said=$(estimate "${words[@]}")
    took=$(measured "${words[@]}")
    echo "$line: estimated $said, measured $took MiB"
    [ "$took" -le "$said" ]
    [ $((said * 100)) -le $((took * 135)) ]
    tried=$((tried + 1))
  done <<'END'
big/fig.jpg --size 3000x2000 --format jpeg
big/fig.jpg --size 3000x2000 --format jpeg --progressive
big/fig.jpg --size 3000x2000 --format jpeg --chroma 444
big/fig.jpg --size 3000x2000 --format webp
big/fig.jpg --size 3000x2000 --format webp --lossless
big/fig.jpg --size 3000x2000 --format png
big/fig.jpg --size 3000x2400 --pad --format jpeg
big/fig.jpg --size 1500x1000 --format avif
big/fig.jpg --size 3000x2000 --format avif
big/fig.jpg --size 3000x2000 --format avif --chroma 444
plain/fig.avif --size 30x20
full/fig.avif --size 30x20
low/fig.jpg --size 3000x2000
scans/fig.jpg --size 3000x2000
whole/small.png --size 3000x2000 --format png
moving/many.gif --size 900x600 --animated --format webp
moving/many.gif --size 900x600 --animated --format webp --lossless
moving/many.webp --size 2400x1600 --animated --format webp
moving/many.webp --size 300x200 --animated --format webp
END
  [ "$tried" -eq 19 ]
}

@test "the peak that is told is that of the image, not of its worker" {
  ! sanitized || skip "the sanitizers take memory of their own"
  export IMGQ_DAEMON_WORKERS=1
  exits 0 "$imgq" init
  local large small
  large=$("$imgq" submit --enlarge --size 6000x4000 "$samples/fig.jpg")
  small=$("$imgq" submit --size 30x20 "$samples/fig.jpg")
  "${imgq}d" --drain >/dev/null 2>&1
  large=$("$imgq" info --json "$large" | jq '.report.peak_kib')
  small=$("$imgq" info --json "$small" | jq '.report.peak_kib')
  echo "$large KiB, then $small"
  [ "$small" -gt 1024 ]
  [ $((large - small)) -gt 65536 ]
}
