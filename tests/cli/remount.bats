#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2154  # variables of helper.bash; an inner shell expands some
# The file system goes away under daemon and shim, and is mounted anew.
load helper
load mounted

entered_twice() { [ "$(grep -c 'entered the spool' daemon.log)" -eq 2 ]; }

@test "work goes on once the file system is mounted anew, and nothing of the old mount is kept" {
  export NOTIFY_SOCKET=$dir/notify WATCHDOG_USEC=3000000
  python3 -c '
import socket, sys, time
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind(sys.argv[1])
while True:
    if b"WATCHDOG=1" in listener.recv(4096):
        print(time.monotonic(), flush=True)
' "$NOTIFY_SOCKET" >beats 3>&- &
  listener=$!
  until_true test -S "$NOTIFY_SOCKET"
  start_both
  local id pid fd before
  id=$(upload)
  exits 0 inside "$imgq" wait --timeout 60s "$id"
  curl -sN --unix-socket "$dir/http" http://localhost/v1/events >events 3>&- &
  local stream=$!
  until_true test -s events
  inside "$imgq" submit "$samples"/*.jpg "$samples"/*.jpg "$samples"/*.jpg >ids
  kill_mount
  until_true ready 503
  until_true grep -q "the spool's file system went away" daemon.log
  inside umount -l "$dir/mnt"
  # Where another spool stands, nobody enters.
  mount_it other
  until_true grep -q 'use spool .* in the place of' daemon.log
  until_true grep -q 'use spool .* in the place of' shim.log
  ready 503
  kill_mount
  inside umount -l "$dir/mnt"
  mount_it store
  before=$SECONDS
  until_true ready 200
  until_true grep -q 'the spool is mounted anew' daemon.log
  until_true entered_twice
  [ $((SECONDS - before)) -le 20 ] # a few looks; this machine may be slow
  upload >>ids
  exits 0 inside "$imgq" wait --timeout 120s - <ids
  wait "$stream" # its reader asks again
  kill -0 "$daemon" "$shim"
  # What was opened through the dead mount answers nothing, not even what it is.
  for pid in "$daemon" "$shim"; do
    for fd in "/proc/$pid/fd/"*; do stat -L "$fd" >>opened 2>&1 || true; done
  done
  lacks 'endpoint is not connected' opened
  exits 0 inside "$imgq" fsck
  kill -TERM "$daemon" "$shim"
  wait "$daemon" "$shim"
  same "$(find store/spool/processing -mindepth 1)" ""
  same "$(find other/spool -mindepth 2)" ""
  kill "$listener"
  python3 -c '
import sys
beats = [float(line) for line in open(sys.argv[1])]
assert len(beats) > 2 and max(b - a for a, b in zip(beats, beats[1:])) < 3, beats' beats
}

# As a unit with ReadWritePaths= sees the spool: a mount of its own, below that of the file system.
in_a_unit=(unshare -m --propagation slave sh -c 'mount --bind "$IMGQ_SPOOL" "$IMGQ_SPOOL" && exec "$@"' sh)

@test "a daemon and a shim that cannot see the new mount end with 75, and begin anew in another namespace" {
  start_both "${in_a_unit[@]}"
  local id status
  kill_mount
  inside umount -l "$dir/mnt"
  mount_it store
  id=$(inside "$imgq" submit "$samples/fig.jpg")
  local deadline=$((SECONDS + 120))
  status=0 && wait "$daemon" || status=$?
  same "$status" 75
  status=0 && wait "$shim" || status=$?
  same "$status" 75
  [ "$SECONDS" -lt "$deadline" ]
  contains "$(cat daemon.log)" "a mount that died is all there is"
  contains "$(cat shim.log)" "a mount that died is all there is"
  start_both "${in_a_unit[@]}"
  exits 0 inside "$imgq" wait --timeout 60s "$id"
}

@test "a run ends when the mount of images and output goes, and the next goes on" {
  like_a_bucket
  mkdir store/photos
  local n
  for n in {1..60}; do cp "$samples/fig.jpg" "store/photos/$n.jpg"; done
  inside env LD_PRELOAD="$dir/bucket.so" "$imgq" run --workers 1 --print -o "$dir/mnt/out" "$dir/mnt/photos" >made 2>errors 3>&- &
  local run=$! got=0
  until_true [ -s made ]
  kill_mount
  wait "$run" || got=$?
  same "$got" 74
  grep -q "^imgq: stopped: $dir/mnt/out: .*: Transport endpoint is not connected" errors
  grep -qE "^imgq: [0-9]+ made, [0-9]+ left; the same command goes on from here" errors
  lacks '1.jpg: ' errors # none is to blame
  inside umount "$dir/mnt"
  mount_it store
  exits 0 inside env LD_PRELOAD="$dir/bucket.so" "$imgq" run --workers 1 -o "$dir/mnt/out" "$dir/mnt/photos"
  [[ $errors =~ \ ([0-9]+)\ up\ to\ date,\ 0\ failed ]]
  [ "${BASH_REMATCH[1]}" -ge "$(wc -l <made)" ]
  same "$(find store/out -name '*.jpg' | wc -l)" 60
  same "$(ls -A state/imgq-run)" ""
}
