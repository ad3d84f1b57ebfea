#!/usr/bin/env bats
# shellcheck disable=SC2012,SC2016,SC2030,SC2031,SC2154  # variables of helper.bash; names are tame here
# Whatever keeps a spool from working, doctor names it and the cure.
load helper

setup() {
  own_directory
  small_jpeg >a.jpg
  "$imgq" init >/dev/null
}

# What doctor says of one thing: "bad: ... -> cure", all lines joined.
verdicts() { # WHAT: from $output
  grep -A 1 -E "^(good|doubtful|bad) +$1: " <<<"$output" | tr -s ' \n' ' '
}

# The command with one system call failing always, as it does on a file system that lacks it.
without() { # CALL ERRNO COMMAND...
  local call=$1 errno=$2
  shift 2
  strace -f -qq -o /dev/null -e "trace=$call" -e "inject=$call:error=$errno" "$@"
}

@test "the worker program is missing" {
  IMGQ_WORKER=$dir/nowhere exits 1 "$imgq" doctor
  contains "$(verdicts worker)" "-> install imgqd, or name the program by IMGQ_WORKER"
}

@test "too few open files, too few inotify watches" {
  exits 1 bash -c 'ulimit -n 200; "$1" doctor' _ "$imgq"
  contains "$(verdicts 'open files')" "doubtful open files: at most 200 -> raise the limit: ulimit -n 1024, or LimitNOFILE="
  can_mount || skip "the rest cannot be tried: cannot mount here"
  echo 8 >few
  exits 1 unshare -m sh -c 'mount --bind few /proc/sys/fs/inotify/max_user_watches && exec "$1" doctor' _ "$imgq"
  contains "$(verdicts inotify)" "doubtful inotify: for a user, watches: 8,"
  contains "$(verdicts inotify)" "-> raise fs.inotify.max_user_watches and max_user_instances by sysctl"
}

@test "a mistyped variable, and another format version" {
  IMGQ_SPOOOL=x exits 1 "$imgq" doctor
  contains "$output" "IMGQ_SPOOOL means nothing to imgq"
  contains "$output" "-> see imgq.toml(5) for the names"
  sed -i 's/^imgq spool 1/imgq spool 999/' spool/format
  exits 1 "$imgq" doctor
  contains "$(verdicts spool)" "a spool of a format version that this imgq does not know -> use the imgq that made it, or a newer one"
}

@test "no right to the spool: whose it is decides the cure" {
  [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null || skip "needs root and setpriv"
  chmod 711 "$dir"
  cp "$imgq" "$dir/imgq"
  local stranger=(setpriv --reuid=65534 --regid=65534 --clear-groups "$dir/imgq" doctor) me
  me=$(id -un 65534)
  exits 1 "${stranger[@]}"
  contains "$(verdicts spool)" "you may not enter it -> it is somebody's own: use a spool of your own"
  chmod 2770 spool
  chgrp daemon spool
  exits 1 "${stranger[@]}"
  contains "$(verdicts spool)" "you may not enter it -> become a member of its group: adduser $me daemon, then log in again; or use a spool of your own"
  find spool -exec chmod o+rX {} +
  chmod 2775 spool
  exits 1 "${stranger[@]}"
  contains "$(verdicts permission)" "mode 2775, group daemon -> become a member of its group: adduser $me daemon, then log in again"
  chmod 2755 spool
  exits 1 "${stranger[@]}"
  contains "$(verdicts permission)" "-> it is somebody's own spool: use your own, or a shared one (imgq init --shared)"
  mkdir -m 700 inner
  mv spool inner/
  IMGQ_SPOOL=$dir/inner/spool exits 1 "${stranger[@]}"
  contains "$(verdicts spool)" "-> a directory above it keeps you out"
}

@test "a file system without links, without locks, that cannot sync folders" {
  without linkat EPERM true || skip "cannot trace here"
  exits 1 without linkat EPERM "$imgq" doctor
  contains "$(verdicts 'hard links.*')" "-> put the spool on a file system with hard links"
  exits 1 without flock ENOLCK "$imgq" doctor
  contains "$(verdicts 'flock.*')" "-> mount the file system with locks"
  exits 1 without fsync EINVAL "$imgq" doctor
  contains "$(verdicts 'fsync of a directory')" "-> the file system cannot sync names"
}

@test "a folder on another device" {
  can_mount || skip "cannot mount here"
  exits 1 unshare -m sh -c 'mount -t tmpfs none spool/staging && exec "$1" doctor' _ "$imgq"
  contains "$(verdicts spool)" "a folder of it is on another file system -> unmount what is mounted inside the spool"
}

@test "no space and no inodes" {
  IMGQ_DAEMON_MIN_FREE=9000TB exits 1 "$imgq" doctor
  contains "$(verdicts room)" "; cannot keep the room that daemon.min_free asks for -> nothing is submitted or processed until there is more: make room, or imgq purge --older 1d --dry-run, then --force"
  IMGQ_DAEMON_MIN_FREE=9000TB exits 75 "$imgq" submit a.jpg
  IMGQ_DAEMON_MIN_FREE=0 exits 1 "$imgq" doctor
  contains "$(verdicts room)" "good room: "
  without fstatfs EIO true || skip "cannot trace here"
  exits 1 without fstatfs EIO "$imgq" doctor
  contains "$(verdicts room)" "bad room: "
  can_mount || skip "the rest cannot be tried: cannot mount here"
  rm -r spool && mkdir spool
  IMGQ_DAEMON_MIN_FREE=1 exits 75 unshare -m sh -c 'mount -t tmpfs -o nr_inodes=25,mode=700 none spool && "$1" init >/dev/null &&
    { "$1" doctor >verdicts; "$1" submit a.jpg; }' _ "$imgq"
  output=$(cat verdicts)
  contains "$(verdicts room)" "; cannot go on: hardly any inode is free -> nothing is submitted"
}

@test "room and clock are told of once, also where no file can be made" {
  local one
  exits 1 "$imgq" doctor
  for one in room clock; do same "$(grep -ic "^[a-z]* *[^:]*$one" stdout)" 1; done
  rm -r spool/tmp
  exits 1 "$imgq" doctor
  for one in room clock; do same "$(grep -ic "^[a-z]* *[^:]*$one" stdout)" 1; done
  contains "$(verdicts clock)" "bad clock: no file can be made in the spool -> "
}

@test "clocks apart, and jobs of the future" {
  command -v faketime >/dev/null || skip "no faketime"
  ! sanitized || skip "faketime and the sanitizers exclude each other"
  export NO_FAKE_STAT=1
  exits 1 faketime -f +600s "$imgq" doctor
  contains "$(verdicts clock)" "bad clock: "
  contains "$(verdicts clock)" "s away from the file system's clock -> synchronise the clocks of all hosts (timedatectl set-ntp true)"
  exits 1 faketime -f +20s "$imgq" doctor
  contains "$(verdicts clock)" "doubtful clock: "
  exits 1 faketime '2020-01-01 00:00:00' "$imgq" doctor
  contains "$(verdicts clock)" "bad clock: 2020-01-01T00:"  # however long it took to start
  faketime -f +600s "$imgq" submit a.jpg
  exits 1 "$imgq" doctor
  contains "$(verdicts clock)" "s in the future -> synchronise the clocks of all hosts"
}

@test "jobs that nobody takes, files set aside" {
  command -v faketime >/dev/null || skip "no faketime"
  ! sanitized || skip "faketime and the sanitizers exclude each other"
  faketime -f -20m "$imgq" submit a.jpg
  echo x >spool/corrupt/00000000000000aa.some
  exits 1 "$imgq" doctor
  contains "$(verdicts daemon)" "bad daemon: none is running: submitted jobs wait -> imgqd --spool $dir/spool"
  contains "$(verdicts jobs)" "the oldest has waited for 20 min -> see what the daemons do: imgq top, journalctl -u imgqd"
  contains "$(verdicts corrupt)" "unreadable files that were set aside: 1 -> look at them in corrupt/"
}

@test "leftovers of a killed daemon, of an earlier boot, of a host that is silent" {
  local owner host
  start_daemon
  owner=$(ls spool/processing)
  host=${owner%%.*}
  exits 0 "$imgq" doctor
  echo x >"spool/tmp/00000000000000aa.$host.0000.2147483647"
  mkdir spool/processing/elsewhere.0000.7.00000000000000aa
  touch -d '1 hour ago' spool/processing/elsewhere.0000.7.00000000000000aa/.alive
  exits 0 "$imgq" doctor
  contains "$output" "temporary files of programs that are gone: 1"
  contains "$output" "-> a running imgqd sweeps them; so does imgq fsck --repair"
  contains "$output" "process 7 on elsewhere gave no sign of life while it was watched, for two beats"
  same "$("$imgq" stats --json | jq .daemons)" 1
  kill -KILL "$daemon"
  wait "$daemon" 2>/dev/null || true
  until_true sh -c '! flock -n -s "$1"/processing/"$2"/.alive false' _ spool "$owner"
  exits 1 "$imgq" doctor
  contains "$output" "process $daemon on $host is gone and left jobs behind"
  same "$("$imgq" stats --json | jq .daemons)" 0
  same "$("$imgq" top --once --json | jq .daemons)" 0
  "$imgq" stats --prometheus | grep -qxE 'imgq_daemons\{spool=.*\} 0'
  contains "$output" "-> a running imgqd takes its jobs over by itself"
  # And so it is: a new daemon clears both away.
  start_daemon
  until_true sh -c '[ ! -e "$1"/processing/"$2" ] && ! ls "$1"/tmp | grep -qv "^.\{8\}0\{8\}.*\.$3$"' _ spool "$owner" "$daemon"
}

@test "a folder that answers EIO is named, with what repairs it on GlusterFS" {
  "$imgq" submit -q a.jpg
  command -v strace >/dev/null || skip "needs strace"
  local hour
  hour=$(cd spool && echo jobs/*/*)
  exits 1 strace -f -qq -o /dev/null -P "$hour" -P "$dir/spool/$hour" -e trace=openat -e inject=openat:error=EIO "$imgq" doctor
  contains "$(verdicts folder)" "bad folder: $hour: Input/output error -> no job in it can be read"
  contains "$(verdicts folder)" "getfattr -n trusted.gfid -e hex BRICK/FOLDER"
  exits 1 "$imgq" doctor
  lacks "^bad *folder: " stdout
}

@test "hot folders and watermarks that are not there" {
  mkdir -p in kept config/imgq
  cat >config/imgq/imgq.toml <<END
[[intake]]
directory = "$dir/in"
after = "move"
move_to = "$dir/kept"
results = "$dir/made"
[watermark.logo]
file = "$dir/logo.png"
END
  "$imgq" init >/dev/null
  exits 1 "$imgq" doctor  # no daemon runs
  contains "$output" "intake: $dir/in"
  contains "$output" "move_to: $dir/kept"
  contains "$output" "results: $dir/made: No such file or directory"
  contains "$output" "or correct $dir/config/imgq/imgq.toml:1"
  contains "$output" "watermark logo: $dir/logo.png: No such file or directory"
  mkdir made
  cp a.jpg logo.png
  exits 1 "$imgq" doctor
  [ "$(grep -c 'No such file' stdout)" -eq 0 ]
}

@test "a daemon of a host whose clock is off is alive when it beats" {
  local alive=spool/processing/elsewhere.0000.7.00000000000000aa/.alive beats
  mkdir "${alive%/*}"
  touch -d '10 minutes ago' "$alive"
  contains "$("$imgq" top --once)" "elsewhere  pid 7  not yet seen"
  (while sleep 1; do touch -d "10 minutes ago" "$alive"; done) 3>&- &
  beats=$!
  exits 0 "$imgq" doctor
  same "$("$imgq" stats --json | jq .daemons)" 1
  "$imgq" stats --prometheus | grep -qxE 'imgq_daemons\{spool=.*\} 1'
  kill "$beats"
  touch "$alive"  # by the clock it beats now; it was not seen to
  same "$("$imgq" stats --json | jq .daemons)" 0
  contains "$(verdicts daemon)" "good daemon: 1 running"
}

@test "hosts where user and group of imgq have different numbers" {
  [ "$(id -u)" -eq 0 ] || skip "needs root to be two users"
  local alive=spool/processing/elsewhere.0000.7.00000000000000aa/.alive
  start_daemon
  mkdir "${alive%/*}"
  touch "$alive"
  "$imgq" doctor >stdout || true
  [ "$(grep -c ' numbers: ' stdout)" -eq 0 ]
  chown 54321 "$alive"
  "$imgq" doctor >stdout || true
  contains "$(cat stdout)" "numbers: daemons have different users: 0 on "
  contains "$(cat stdout)" " 54321 on elsewhere"
  contains "$(cat stdout)" 'the same numbers on all hosts: see imgq-spool(5), "Sharing between hosts"'
  chmod 2770 spool
  chown 54321:54322 spool
  "$imgq" doctor >stdout || true
  contains "$(cat stdout)" "the spool's owner, 54321, is no user of this host"
  contains "$(cat stdout)" "the spool's group, 54322, is no group of this host"
}
