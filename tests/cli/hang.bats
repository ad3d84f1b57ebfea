#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031,SC2154  # variables of helper.bash and mounted.bash
# The file system does not answer: its program stands still, and with it whatever asks for a file.
load helper
load mounted

stop_mount() { kill -STOP "$mounted"; }
go_on() { kill -CONT "$mounted"; }

# COMMAND...: ends with 75 within SECONDS, and says why.
gives_up() { # LEAST MOST COMMAND...
  local least=$1 most=$2 began=$EPOCHREALTIME took
  shift 2
  exits 75 inside "$imgq" "$@"
  took=$(python3 -c 'import sys; print(int((float(sys.argv[2]) - float(sys.argv[1])) * 1000))' "$began" "$EPOCHREALTIME")
  echo "took $took ms: $*"
  [ "$took" -ge "$least" ]
  [ "$took" -lt "$most" ]
}

@test "a command gives up, and its caller goes on" {
  local id command
  id=$(inside "$imgq" submit "$samples/fig.jpg")
  inside "$imgq" --io-timeout 2s status "$id"
  stop_mount
  for command in "status $id" stats list top doctor fsck "cancel $id" "purge --older 0s --force" "log -n 3" init; do
    # shellcheck disable=SC2086  # words
    gives_up 2000 15000 --io-timeout 2s $command
    contains "$errors" "imgq: $dir/mnt/spool: no answer from the file system for "
    contains "$errors" ": try again later"
  done
  gives_up 2000 15000 --io-timeout 2s submit "$samples/fig.jpg"
  contains "$errors" "what has no id yet may have been accepted; repeat it with the same --key"
  IMGQ_IO_TIMEOUT=3s gives_up 3000 15000 list
  # The time for waiting is kept, however long a call may take.
  gives_up 1000 10000 wait --timeout 1s "$id"
  contains "$errors" "timed out: the file system is slow to answer ("
  gives_up 1000 10000 get --wait --timeout 1s "$id"
  # Nobody waits for 0s.
  exits 124 inside timeout 4 "$imgq" --io-timeout 0s status "$id"
  go_on
  exits 0 inside "$imgq" status "$id"
  same "$output" staging
  exits 64 "$imgq" --io-timeout soon status "$id"
}

@test "doctor tells what it has found before the call that hangs" {
  stop_mount
  gives_up 1000 15000 --io-timeout 1s doctor
  contains "$output" "open files"
  contains "$errors" "no answer from the file system for 1 s ("
}

@test "what is read from a pipe may keep a command waiting, and signals reach it" {
  local status
  { sleep 3 && cat "$samples/fig.jpg"; } | inside "$imgq" --io-timeout 1s submit - >id
  stop_mount
  inside "$imgq" wait "$(cat id)" 2>err 3>&- &
  local command=$!
  sleep 1
  kill -TERM "$command"
  status=0 && wait "$command" || status=$?
  same "$status" 143
  go_on
}

@test "daemon and shim say so, and go on when the answer comes" {
  export IMGQ_IO_STALLED=2s IMGQ_IO_TIMEOUT=6s
  start_both
  local id waits
  id=$(upload)
  exits 0 inside "$imgq" wait --timeout 60s "$id"
  waits=$(inside "$imgq" submit --hold "$samples/fig.jpg")
  # Begun before, too, and asks the spool again only at its end.
  curl -s --unix-socket "$dir/http" -w '%{http_code}' "http://localhost/v1/jobs/$waits?wait=3" >polled 3>&- &
  local polled=$!
  sleep 0.5
  stop_mount
  curl -s --unix-socket "$dir/http" -F "file=@$samples/fig.jpg" -w '%{http_code}' http://localhost/v1/jobs >held 3>&- &
  local held=$!
  until_true ready 503
  jq -e '.code == "no_answer"' answer
  same "$(ask /healthz)" 503
  same "$(ask /livez)" 200
  same "$(ask /metrics)" 200
  grep -q '^imgq_spool_up{.*} 0$' answer
  same "$(ask "/v1/jobs/$id")" 503
  same "$(curl -s --unix-socket "$dir/http" -F "file=@$samples/fig.jpg" -o answer -w '%{http_code}' http://localhost/v1/jobs)" 503
  wait "$held" "$polled" # begun before it was known
  contains "$(cat polled)" 'may have been accepted"}503'
  contains "$(cat held)" 'may have been accepted"}503'
  until_true grep -q 'no answer from the file system call=' daemon.log
  until_true grep -q 'no answer from the file system call=' shim.log
  go_on
  until_true ready 200
  until_true grep -q 'the file system answers again after=' daemon.log
  until_true grep -q 'the file system answers again after=' shim.log
  id=$(upload)
  exits 0 inside "$imgq" wait --timeout 60s "$id"
  kill -TERM "$daemon" "$shim"
  wait "$daemon" "$shim"
  exits 0 inside "$imgq" fsck
}

@test "daemon and shim end when told, though the file system does not answer" {
  export IMGQ_IO_STALLED=2s
  start_both
  local status
  stop_mount
  until_true grep -q 'no answer from the file system call=' daemon.log
  until_true grep -q 'no answer from the file system call=' shim.log
  kill -TERM "$daemon" "$shim"
  until_true grep -q "ending without the file system's answer; the kernel may keep the process" daemon.log
  until_true grep -q "ending without the file system's answer; the kernel may keep the process" shim.log
  go_on # the kernel does keep it where the mount's program had read the request before it was stopped
  status=0 && wait "$daemon" || status=$?
  same "$status" 75
  status=0 && wait "$shim" || status=$?
  same "$status" 75
}

@test "a daemon that stands still is told of, by the age of its heartbeat" {
  start_both
  exits 0 inside "$imgq" stats --json
  jq -e '.daemons == 1 and .heartbeat_age_seconds < 10' "$dir/stdout"
  kill -STOP "$daemon"
  sleep 11
  exits 0 inside "$imgq" stats --json
  jq -e '.daemons == 1 and .heartbeat_age_seconds >= 10' "$dir/stdout"
  exits 0 inside "$imgq" stats
  contains "$output" "heartbeat "
  exits 0 inside "$imgq" stats --prometheus
  grep -E '^imgq_daemon_heartbeat_age_seconds\{spool=.*\} 1[0-9]\.' "$dir/stdout"
  exits 0 inside "$imgq" top
  contains "$output" "its heart stands still for 1"
  exits 1 inside "$imgq" doctor
  contains "$output" "runs, but its heart stands still for 1"
  kill -CONT "$daemon"
  beating() { inside "$imgq" stats --json | jq -e '.heartbeat_age_seconds < 10' >/dev/null; }
  until_true beating
}

# A file system that stays away for the kernel, too: whoever asks cannot be killed.
freeze_disk() {
  truncate -s 32M disk.img
  mkfs.ext4 -q disk.img
  mkdir frozen
  mount -o loop disk.img frozen
  "$imgq" init --spool "$dir/frozen/spool" >/dev/null
  fsfreeze -f frozen
}

@test "nothing is held open by a command that the kernel keeps" {
  freeze_disk 2>err || skip "no loop device, or no fsfreeze: $(cat err)"
  local began=$SECONDS told
  told=$("$imgq" --spool "$dir/frozen/spool" --io-timeout 2s submit "$samples/fig.jpg" 2>&1 3>&-) || true
  contains "$told" "no answer from the file system"
  [ $((SECONDS - began)) -lt 15 ]
  fsfreeze -u frozen
  until_true umount frozen
}

# What a caller ignores or blocks is not for the command, and SIGCHLD that he ignores, too.
@test "a caller's own signals stay his" {
  local id status
  id=$(inside "$imgq" submit "$samples/fig.jpg")
  exits 0 timeout 20 python3 -c '
import os, signal, subprocess, sys
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
pid = os.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
try:
    os.waitpid(pid, 0)
except ChildProcessError:
    pass' nsenter -t "$space" -m -- "$imgq" status "$id"
  same "$output" staging
  (trap '' TERM && exec nsenter -t "$space" -m -- "$imgq" wait --timeout 12s "$id") 2>err 3>&- &
  local command=$!
  sleep 1
  kill -TERM "$command"
  status=0 && wait "$command" || status=$?
  same "$status" 75 # at its own time
  contains "$(cat err)" "timed out"
}

@test "a terminal is given back when top is interrupted while nothing answers" {
  start_both
  TERM=xterm exits 0 timeout 40 python3 - "$mounted" nsenter -t "$space" -m -- "$imgq" top --interval 1s <<'END'
import os, pty, select, signal, sys, termios, time
mounted, command = int(sys.argv[1]), sys.argv[2:]
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(command[0], command)
shown = b""
def read(until, seconds):
    global shown
    end = time.monotonic() + seconds
    while until not in shown and time.monotonic() < end:
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                shown += os.read(terminal, 65536)
            except OSError:
                return
read(b"\x1b[?1049h", 10)
time.sleep(1)
os.kill(mounted, signal.SIGSTOP)
time.sleep(2)
os.write(terminal, b"\x03")
read(b"\x1b[?1049l", 15)
_, status = os.waitpid(pid, 0)
flags = termios.tcgetattr(terminal)[3]
os.kill(mounted, signal.SIGCONT)
assert b"\x1b[?1049l" in shown, shown[-200:]
assert flags & termios.ICANON and flags & termios.ECHO
assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGINT, status
END
}
