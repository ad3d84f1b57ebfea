#!/usr/bin/env bats
# shellcheck disable=SC2154  # variables of helper.bash
# Runs of several parts at work in one output directory, each with a ledger of its own.
load helper

# COUNT different images in folders of ten.
make_images() { # COUNT
  python3 - "$1" <(small_jpeg) <<'END'
import os, sys
image = open(sys.argv[2], "rb").read()
for n in range(int(sys.argv[1])):
    folder = f"photos/f{n // 10}"
    os.makedirs(folder, exist_ok=True)
    comment = f"image {n}".encode()
    with open(f"{folder}/i{n}.jpg", "wb") as file:
        file.write(image[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + image[2:])
END
}

# The images of one part, by the rule of imgq(1).
part_of() { # INDEX COUNT
  (cd photos && find . -name '*.jpg' -printf '%P\n') | python3 -c '
import hashlib, sys
for line in sys.stdin:
    path = line.rstrip("\n")
    number = int.from_bytes(hashlib.sha256(path.encode()).digest()[:8], "big")
    if number % int(sys.argv[2]) == int(sys.argv[1]):
        print(path)' "$1" "$2" | sort
}
made_in() { (cd "$1" && find . -name '*.jpg' -printf '%P\n' | sort); }

@test "each part makes its images, and together they make all, once" {
  make_images 60
  local part all=()
  for part in 0 1 2 3; do
    exits 0 "$imgq" run -q --workers 1 --shard "$part/4" -o "part$part" photos
    same "$(made_in "part$part")" "$(part_of "$part" 4)"
    all+=("part$part")
  done
  same "$(for part in "${all[@]}"; do made_in "$part"; done | sort)" "$(made_in photos)"
}

@test "parts at work in one place, one of them killed, leave nothing undone and redo nothing" {
  make_images 80
  local pids=() part pid
  for part in 0 1 2 3; do
    "$imgq" run --workers 1 --shard "$part/4" --print -o out photos >"made$part" 2>"err$part" &
    pids+=($!)
  done
  begun() { [ -s made2 ]; }
  until_true begun
  kill -KILL "${pids[2]}"
  for pid in "${pids[@]}"; do wait "$pid" || [ "$pid" = "${pids[2]}" ]; done
  exits 0 "$imgq" run --workers 1 --shard 2/4 -o out photos
  same "$(made_in out)" "$(made_in photos)"
  # Another number of parts, and none, find all made; the ledgers become one.
  local inodes
  inodes=$(cd out && find . -name '*.jpg' -printf '%P %i\n' | sort)
  exits 0 "$imgq" run --shard 1/3 -o out photos
  contains "$errors" " 0 made, $(part_of 1 3 | wc -l) up to date, 0 failed"
  exits 0 "$imgq" run -o out photos
  contains "$errors" " 0 made, 80 up to date, 0 failed"
  same "$(cd out && find . -name '*.jpg' -printf '%P %i\n' | sort)" "$inodes"
  same "$(ls -A out/.imgq)" "done"
  same "$(wc -l <out/.imgq/done)" 80
  # What they made is no image, as of one run.
  mkdir inside && cp -R photos inside/
  exits 0 "$imgq" run -q --shard 0/1 -o inside/photos/thumbs inside/photos
  exits 0 "$imgq" run -o elsewhere inside/photos
  contains "$errors" " 80 made"
}

@test "a part is at work once, and no run of all beside it" {
  make_images 20
  mkdir -p out/.imgq/1-of-2
  exec 8<out/.imgq 9<out/.imgq/1-of-2
  flock -s 8
  flock 9
  exits 75 "$imgq" run --shard 1/2 -o out photos
  contains "$errors" "another imgq run is at work there"
  exits 75 "$imgq" run -o out photos
  exits 0 "$imgq" run --shard 0/2 -o out photos
  exec 9<&-
  exits 0 "$imgq" run --shard 1/2 -o out photos
  flock 8 # as a run of all has it
  exits 75 "$imgq" run --shard 1/2 -o out photos
}

@test "names, failures and bad images are those of one run" {
  make_images 10
  small_jpeg >photos/same.jpg
  python3 -c 'import sys, zlib, struct
chunk = lambda k, d: struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d))
sys.stdout.buffer.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)) +
    chunk(b"IDAT", zlib.compress(b"\0\x80")) + chunk(b"IEND", b""))' >photos/same.png
  printf 'no image' >photos/bad.jpg
  : >photos/empty.jpg
  local part errors_told=0
  for part in 0 1 2; do
    "$imgq" run --shard "$part/3" -o parts photos nothing.jpg 2>>told || true
  done
  "$imgq" run -o whole photos nothing.jpg 2>once || true
  same "$(made_in parts)" "$(made_in whole)"
  for name in photos/bad.jpg photos/empty.jpg nothing.jpg; do
    errors_told=$(grep -c "$name: " told)
    same "$errors_told" 1
    grep -q "$name: " once
  done
}

@test "a Slurm array and an indexed Job tell the part" {
  make_images 12
  export SLURM_ARRAY_TASK_ID=14 SLURM_ARRAY_TASK_MIN=10 SLURM_ARRAY_TASK_MAX=16 SLURM_ARRAY_TASK_STEP=2
  SLURM_ARRAY_TASK_COUNT=4 exits 0 "$imgq" run -q --shard slurm -o slurm photos
  same "$(made_in slurm)" "$(part_of 2 4)"
  SLURM_ARRAY_TASK_COUNT=3 exits 64 "$imgq" run --shard slurm -o out photos
  contains "$errors" "3 tasks of 4: give it no gaps"
  SLURM_ARRAY_TASK_ID=15 exits 64 "$imgq" run --shard slurm -o out photos
  SLURM_ARRAY_TASK_ID=x exits 64 "$imgq" run --shard slurm -o out photos
  unset SLURM_ARRAY_TASK_MAX
  exits 64 "$imgq" run --shard slurm -o out photos
  contains "$errors" "SLURM_ARRAY_TASK_MAX is not set"
  JOB_COMPLETION_INDEX=1 exits 0 "$imgq" run -q --shard k8s/3 -o pods photos
  same "$(made_in pods)" "$(part_of 1 3)"
  JOB_COMPLETION_INDEX=3 exits 64 "$imgq" run --shard k8s/3 -o out photos
  exits 64 "$imgq" run --shard k8s/3 -o out photos
  # Never by itself.
  JOB_COMPLETION_INDEX=1 exits 0 "$imgq" run -q -o all photos
  same "$(made_in all)" "$(made_in photos)"
}

@test "what is no part is refused, and what a part cannot do" {
  make_images 1
  local wrong
  for wrong in 3 4/4 -1/4 1/0 /4 1/ 1/2/3 a/b k8s k8s/ 1000001/1000002; do
    exits 64 "$imgq" run --shard "$wrong" -o out photos
    contains "$errors" "--shard"
  done
  exits 64 "$imgq" run --shard 0/2 --prune -o out photos
  exits 64 "$imgq" run --shard 0/2 --manifest m.json -o out photos
  exits 64 "$imgq" run --shard 0/2 -o one.jpg photos/f0/i0.jpg
  exits 64 "$imgq" run --shard 0/2 -o out - <photos/f0/i0.jpg
  [ ! -e out ]
}

# An example's command, with the folders of this test in the place of its own.
example() { # NAME
  sed -e "s#/mnt/thumbs#$dir/out#g; s#/mnt/photos#$dir/photos#g" \
    -e "s# /thumbs# $dir/out#g; s# /photos# $dir/photos#g" "$BATS_TEST_DIRNAME/../../packaging/examples/$1"
}

@test "the examples for Slurm, Kubernetes and HTCondor make all" {
  make_images 20
  printf 'no image' >photos/bad.jpg # exit status 1 is no reason to begin anew
  export PATH=$bin:$PATH HOME=$dir
  example imgq-slurm.sh >task
  local part command
  for part in 0 1 2; do
    SLURM_ARRAY_TASK_ID=$part SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_MAX=2 SLURM_ARRAY_TASK_COUNT=3 exits 0 bash task
  done
  same "$(made_in out)" "$(cd photos && find f* -name '*.jpg' | sort)"
  rm -r out
  command=$(example imgq-kubernetes.yaml | sed -n 's/.*"sh", "-c", "\(.*\)"\]$/\1/p')
  for part in 0 1 2 3 4 5 6 7; do JOB_COMPLETION_INDEX=$part exits 0 sh -c "$command"; done
  same "$(made_in out)" "$(cd photos && find f* -name '*.jpg' | sort)"
  rm -r out
  command=$(example imgq-condor.sub | sed -n 's/^arguments *= //p')
  for part in {0..15}; do
    # shellcheck disable=SC2016,SC2086  # condor's; words
    "$imgq" ${command/'$(Process)'/$part} 2>>errors || true
  done
  same "$(made_in out)" "$(cd photos && find f* -name '*.jpg' | sort)"
  same "$(grep -c bad.jpg errors)" 1
}
