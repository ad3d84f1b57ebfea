#!/usr/bin/env bats
# shellcheck disable=SC2012,SC2016,SC2030,SC2031,SC2034,SC2154  # variables of helper.bash; names are tame here
# Small limits, old kernels, containers.
load helper

setup() {
  own_directory
  small_jpeg >a.jpg
}

# Runs a command as somebody who is not root, in this directory.
as_nobody() {
  chmod 777 .
  if [ "$(id -u)" -eq 0 ]; then set -- setpriv --reuid=4321 --regid=4321 --clear-groups "$@"; fi
  "$@"
}

@test "with few descriptors, and no more to be had, all of a long list is submitted" {
  "$imgq" init
  for _ in $(seq 150); do echo a.jpg; done >list
  (ulimit -n 80 && "$imgq" submit --files-from list) >ids
  same "$(wc -l <ids)" 150
}

@test "a soft limit of descriptors is raised" {
  "$imgq" init
  for _ in $(seq 300); do echo a.jpg; done >list
  (ulimit -S -n 80 && "$imgq" submit --files-from list) >ids
  same "$(wc -l <ids)" 300
}

@test "with little address space a worker has what there is" {
  ! sanitized || skip "the sanitizers map terabytes"
  (ulimit -v 900000 && exec "$imgq" run -q -o out a.jpg)
  [ -s out/a.jpg ]
}

@test "with few processes it is said what is missing, and nothing aborts" {
  [ "$(id -u)" -eq 0 ] || skip "needs root to be a user without processes"
  cp "$bin"/imgq "$bin"/imgq-worker .
  export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 # that looks for leaks in a process of its own
  local got=0
  as_nobody prlimit --nproc=1 env HOME=/nonexistent ./imgq run -q -o out a.jpg >stdout 2>stderr || got=$?
  same "$got" 75 || { cat stderr; return 1; }
  contains "$(cat stderr)" "start a thread"
  got=0
  as_nobody prlimit --nproc=4 env HOME=/nonexistent ./imgq run -q -o out a.jpg 2>stderr || got=$?
  [ "$got" -lt 128 ] || { echo "$got"; cat stderr; return 1; }
  [ "$got" -eq 0 ] || [ -s stderr ]
}

@test "a home that may not be searched is no home" {
  mkdir locked
  cp "$bin"/imgq "$bin"/imgq-worker .
  chmod 0 locked
  unset XDG_CONFIG_HOME XDG_STATE_HOME IMGQ_SPOOL
  as_nobody env HOME="$dir/locked" ./imgq run -q -o out a.jpg
  [ -s out/a.jpg ]
}

# Runs a command to which the kernel says that it has no close_range(2).
without_close_range() {
  python3 - "$@" <<'END'
import ctypes, errno, os, platform, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
allow, refuse, number = 0x7fff0000, 0x00050000 | errno.ENOSYS, 436
rules = [(0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, refuse), (0x06, 0, 0, allow)]
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *rule) for rule in rules))
program = struct.pack("HxxxxxxP", len(rules), ctypes.addressof(code))
libc.prctl(38, 1, 0, 0, 0)
if libc.prctl(22, 2, program) != 0:
    sys.exit(77)
os.execv(sys.argv[1], sys.argv[1:])
END
}

@test "a kernel without close_range(2) will do" {
  local got=0
  without_close_range "$imgq" run -q -o out a.jpg 2>stderr || got=$?
  [ "$got" -ne 77 ] || skip "no filters here"
  same "$got" 0 || { cat stderr; return 1; }
  [ -s out/a.jpg ]
}

@test "doctor sees a part of the spool that is mounted from the same file system" {
  can_mount || skip "cannot mount"
  "$imgq" init
  unshare -m sh -c 'mount --bind spool/jobs spool/jobs && "$0" doctor' "$imgq" >stdout || true
  grep -q '^bad.*on one file system' stdout || { cat stdout; return 1; }
  contains "$(cat stdout)" "mounted from elsewhere: jobs"
  "$imgq" doctor >stdout || true
  lacks '^bad.*on one file system' stdout
  same "$(find spool/staging spool/jobs spool/keys -type f)" ""
}

only_the_daemon() { # is left of the children of PID 1
  [ "$(ps -o pid= --ppid "$init" | wc -l)" -eq 1 ]
}

@test "imgqd as PID 1 reaps what hooks leave running, and drains when it is told to stop" {
  can_mount || skip "cannot unshare"
  "$imgq" init
  printf '#!/bin/sh\nsleep 0.2 &\n' >hook
  chmod +x hook
  printf 'daemon.hook = "%s"\n' "$dir/hook" >imgq.toml
  unshare -p -f --mount-proc "$bin/imgqd" --config imgq.toml --spool "$IMGQ_SPOOL" --workers 1 2>log 3>&- &
  local outer=$!
  until_true has_daemon
  init=$(pgrep -P "$outer")
  for _ in 1 2 3 4 5 6; do echo a.jpg; done | "$imgq" submit --wait --files-from - >ids
  until_true only_the_daemon
  kill "$init"
  wait "$outer"
  grep -q "told to stop" log
  [ -z "$(ls spool/hooks)" ]
}
