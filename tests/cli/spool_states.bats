#!/usr/bin/env bats
# shellcheck disable=SC2012,SC2016,SC2030,SC2031,SC2094,SC2154  # variables of helper.bash; names are tame here
# Spools and records that are not as they should be.
load helper

setup() {
  own_directory
  small_jpeg >a.jpg
}

unknown=01a20c4a-2999-7512-8acf-1884698929c9

@test "a missing spool is exit 69 with the cure, and is not made in passing" {
  local command
  for command in "status $unknown" "wait $unknown" "get $unknown" list stats fsck log top \
    "cancel $unknown" "purge --force $unknown" "submit a.jpg"; do
    # shellcheck disable=SC2086
    exits 69 "$imgq" $command
    same "$errors" "imgq: $dir/spool: no spool there: make one with 'imgq init --spool $dir/spool'"
    same "$output" ""
  done
  [ ! -e spool ]
}

@test "with spool_uuid every program refuses another spool, and makes none" {
  local uuid command program
  uuid=$("$imgq" init --json | jq -r .uuid)
  "$imgq" init --spool "$dir/other" >/dev/null
  mkdir empty config config/imgq
  echo "spool_uuid = \"$uuid\"" >config/imgq/imgq.toml
  exits 0 "$imgq" submit a.jpg
  exits 0 "$bin/imgqd" --drain
  local other
  other=$("$imgq" init --json --spool "$dir/other" | jq -r .uuid)
  for command in "status $unknown" list fsck "cancel $unknown" "submit a.jpg"; do
    # shellcheck disable=SC2086
    IMGQ_SPOOL=$dir/other exits 69 "$imgq" $command
    same "$errors" "imgq: $dir/other: another spool than spool_uuid says, $uuid ($dir/config/imgq/imgq.toml:1)"
  done
  IMGQ_SPOOL=$dir/other exits 1 "$imgq" doctor
  contains "$output" "bad       spool: $dir/other: use spool $other in the place of $uuid"
  for program in imgqd imgq-httpd; do
    exits 69 "$bin/$program" --spool "$dir/other" --create
    contains "$errors" "$program: cannot use spool $other in the place of $uuid: $dir/other"
    exits 69 "$bin/$program" --spool "$dir/empty" --create
    contains "$errors" "$program: cannot open the spool $uuid (is its file system mounted?): $dir/empty"
  done
  IMGQ_SPOOL='' exits 69 "$imgq" submit a.jpg
  IMGQ_SPOOL='' exits 69 "$bin/imgqd" --drain
  [ ! -e state/imgq ]
  same "$(ls empty)" ""
  echo 'spool_uuid = "mine"' >config/imgq/imgq.toml
  exits 78 "$imgq" list
  contains "$errors" "'spool_uuid' takes the uuid"
}

@test "the shim, too, remembers which spool it served" {
  exits 69 "$bin/imgq-httpd" --listen 127.0.0.1:0
  "$imgq" init >/dev/null
  "$bin/imgq-httpd" --listen 127.0.0.1:0 >said 2>log 3>&- &
  until_true test -s said
  kill $! && wait $!
  mv spool away
  "$imgq" init >/dev/null
  exits 69 "$bin/imgq-httpd" --listen 127.0.0.1:0
  contains "$errors" "which was there before (--accept-new-spool takes another)"
  "$bin/imgq-httpd" --listen 127.0.0.1:0 --accept-new-spool >again 2>log 3>&- &
  until_true test -s again
  kill $! && wait $!
  exits 0 "$bin/imgqd" --drain # one memory for both
}

@test "another directory is no spool" {
  mkdir spool
  echo mine >spool/file
  exits 69 "$imgq" submit a.jpg
  same "$errors" "imgq: $dir/spool: no spool there, and other files are: name another directory"
  exits 69 "$imgq" init
  one_line stderr
  same "$(ls spool)" file
  exits 69 "$imgq" --spool a.jpg list
  same "$errors" "imgq: $dir/a.jpg: no spool there, and no directory"
}

@test "a spool whose format file is damaged is foreign: exit 69" {
  "$imgq" init >/dev/null
  : >spool/format
  exits 69 "$imgq" list
  same "$errors" "imgq: $dir/spool: file \"format\" is not that of a spool"
}

@test "what is wrong with a daemon's command line is one line in the words of imgq" {
  for program in imgqd imgq-httpd; do
    exits 64 "$bin/$program" --spol x
    same "$errors" "$program: unknown option '--spol'; did you mean '--spool'?; see '$program --help'"
    exits 64 "$bin/$program" somewhere
    same "$errors" "$program: unexpected argument 'somewhere'; see '$program --help'"
    exits 64 "$bin/$program" --spool
    same "$errors" "$program: --spool: needs a value"
    exits 64 "$bin/$program" --spool=
    same "$errors" "$program: --spool: needs a value"
    exits 64 "$bin/$program" --log-level loud
    one_line stderr
  done
}

@test "-s is no longer told of, and still names the spool of a daemon" {
  local program
  for program in imgqd imgq-httpd; do
    exits 0 "$bin/$program" --help
    lacks ' -s' stdout
    exits 69 "$bin/$program" -s nowhere
    same "$(head -1 stderr)" "$program: -s goes away in the next release: use --spool"
    same "$(sed 1d stderr)" "$program: cannot open the spool (--create makes one): nowhere: No such file or directory"
    exits 69 "$bin/$program" -s nowhere --spool elsewhere
    contains "$errors" " elsewhere: "
  done
  exits 0 "$bin/imgqd" -s made --create --drain
  exits 0 "$imgq" --spool made list
}

@test "without a worker that starts, imgqd is exit 69" {
  "$imgq" init >/dev/null
  IMGQ_WORKER=$dir/gone exits 69 "$bin/imgqd" --drain
  one_line stderr
  IMGQ_WORKER=/bin/true exits 69 "$bin/imgqd" --drain
}

@test "a spool of a foreign version is exit 69 and stays as it is" {
  "$imgq" init >/dev/null
  sed -i 's/^imgq spool 1/imgq spool 999/' spool/format
  before=$(find spool | sort)
  exits 69 "$imgq" submit a.jpg
  contains "$errors" "another format version"
  exits 69 "$imgq" init
  same "$(find spool | sort)" "$before"
  exits 1 "$imgq" doctor
}

@test "init makes a spool for oneself, or for a group, and leaves one that is there" {
  exits 0 "$imgq" init
  same "$output" "$dir/spool"
  same "$(stat -c %a spool)" 700
  uuid=$(cat spool/format)
  exits 0 "$imgq" init
  same "$(cat spool/format)" "$uuid"
  exits 0 "$imgq" --spool shared init --shared
  same "$(stat -c %a shared)" 2770
  same "$(stat -c %a shared/staging)" 2770
  exits 64 "$imgq" --spool other init --shared --group no-such-group
  exits 64 "$imgq" --spool other init --group x
}

@test "init --shared leaves the mode of a stranger's directory and of another version's spool" {
  mkdir -m 755 foreign failed half empty
  echo mine >foreign/file
  mkdir failed/failed
  exits 69 "$imgq" --spool foreign init --shared
  same "$errors" "imgq: $dir/foreign: the directory has other things in it"
  exits 69 "$imgq" --spool failed init --shared
  "$imgq" init >/dev/null
  sed -i 's/^imgq spool 1/imgq spool 999/' spool/format
  exits 69 "$imgq" init --shared
  same "$(stat -c %a foreign failed spool | tr '\n' ' ')" "755 755 700 "
  exits 0 "$imgq" --spool empty init --shared
  # what an interrupted one left is finished
  chmod 2770 half
  mkdir half/staging
  exits 0 "$imgq" --spool half init --shared
  same "$(stat -c %a empty half half/staging | tr '\n' ' ')" "2770 2770 2770 "
}

@test "a spool that cannot be made is told" {
  exits 73 "$imgq" --spool /proc/nothing/spool init
  one_line stderr
}

@test "an id that is malformed is exit 64, one that is unknown exit 1" {
  "$imgq" init >/dev/null
  local id
  for id in x "" "../$unknown" "${unknown^^}" "${unknown}0" "$unknown/x" $'a\nb'; do
    exits 64 "$imgq" status -- "$id"
    one_line stderr
  done
  exits 64 "$imgq" cancel "$unknown" x
  exits 1 "$imgq" status "$unknown"
  same "$errors" "imgq: $unknown: no such job"
  exits 1 "$imgq" status --json "$unknown"
  jq -e '.error.code == "unknown"' stdout
  local command
  for command in wait get cancel retry hold release "purge --force" info; do
    # shellcheck disable=SC2086
    exits 1 "$imgq" $command "$unknown"
    same "$errors" "imgq: $unknown: no such job"
  done
}

ticket_of() {
  find spool/jobs -name "$1.job"
}

@test "a ticket that is cut short, forged or too long is exit 74 and nothing else" {
  "$imgq" init >/dev/null
  id=$("$imgq" submit a.jpg)
  ticket=$(ticket_of "$id")
  cp "$ticket" whole
  head -c 100 whole >"$ticket"
  exits 74 "$imgq" status "$id"
  one_line stderr
  sed 's/"name":"a.jpg"/"name":"b.jpg"/' whole >"$ticket"
  exits 74 "$imgq" status "$id"
  contains "$errors" "digest"
  { cat whole; head -c 100000 /dev/zero; } >"$ticket"
  exits 74 "$imgq" status "$id"
  exits 1 "$imgq" fsck
  cp whole "$ticket"
  exits 0 "$imgq" status "$id"
}

@test "a read-only spool is exit 75 for what writes, and can still be asked" {
  can_mount || skip "cannot mount here"
  "$imgq" init >/dev/null
  id=$("$imgq" submit a.jpg)
  cat >inside <<'END'
mount --bind "$dir/spool" "$dir/spool"
mount -o remount,ro,bind "$dir/spool"
"$@"
END
  export dir
  exits 75 unshare -m bash inside "$imgq" submit a.jpg
  one_line stderr
  contains "$errors" "ead-only"
  exits 75 unshare -m bash inside "$imgq" cancel "$id"
  exits 75 unshare -m bash inside timeout 60 "$bin/imgqd" --drain
  contains "$errors" "ead-only"
  exits 0 unshare -m bash inside "$imgq" status "$id"
  same "$output" staging
  exits 1 unshare -m bash inside "$imgq" doctor
  contains "$output" "file system: read-only"
  lacks "hard links" stdout
  exits 0 "$imgq" fsck
}

@test "a full spool is exit 75; what was acknowledged stays, nothing else is left" {
  can_mount || skip "cannot mount here"
  mkdir spool
  head -c 300000 /dev/urandom >noise
  { cat a.jpg noise; } >big.jpg
  cat >inside <<'END'
mount -t tmpfs -o size=2m,mode=700 none "$dir/spool"
"$imgq" init >/dev/null
got=0
"$imgq" submit big.jpg big.jpg >first || exit 1
"$imgq" submit big.jpg big.jpg big.jpg big.jpg big.jpg big.jpg >second 2>errors || got=$?
echo "exit $got"
for id in $(cat first second); do "$imgq" status "$id"; done
find "$dir/spool/tmp" -type f | wc -l
"$imgq" fsck || exit 1
END
  export dir imgq IMGQ_DAEMON_MIN_FREE=0
  exits 0 unshare -m bash inside
  same "$(head -1 stdout)" "exit 75"
  same "$(tail -1 stdout)" 0
  [ "$(grep -c staging stdout)" -eq "$(($(wc -l <first) + $(wc -l <second)))" ]
  same "$(wc -l <first)" 2
  contains "$(cat errors)" "No space left on device"
}

@test "below the floor of free space nothing is submitted" {
  "$imgq" init >/dev/null
  export IMGQ_DAEMON_MIN_FREE=9000TB
  exits 75 "$imgq" submit a.jpg
  one_line stderr
  contains "$errors" "daemon.min_free"
  exits 1 "$imgq" doctor
  contains "$output" "cannot keep the room that daemon.min_free asks for"
  same "$(find spool/jobs spool/tmp -type f | wc -l)" 0
}

@test "with the inodes gone nothing is submitted, and imgq-httpd is not ready" {
  can_mount || skip "cannot mount here"
  mkdir spool
  cat >inside <<'END'
mount -t tmpfs -o size=200m,nr_inodes=60,mode=700 none "$dir/spool"
"$imgq" init >/dev/null
for ((n = 0; n < 60; n++)); do touch "$dir/spool/tmp/$n" 2>/dev/null || break; done
rm "$dir/spool/tmp/0" "$dir/spool/tmp/1" "$dir/spool/tmp/2" "$dir/spool/tmp/3"
"$httpd" --spool "$dir/spool" --listen "unix:$dir/socket" >/dev/null 2>&1 &
trap 'kill $!' EXIT
until [ -S "$dir/socket" ]; do sleep 0.05; done
curl -s --unix-socket "$dir/socket" -o /dev/null -w '%{http_code}\n' http://localhost/readyz
"$imgq" submit a.jpg
END
  export dir imgq httpd=${imgq%/*}/imgq-httpd
  exits 75 unshare -m bash inside
  same "$output" 507
  contains "$errors" "hardly any inode is free"
}

@test "a spool of others is exit 77" {
  [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null || skip "needs root and setpriv"
  "$imgq" init >/dev/null
  chmod 711 "$dir"
  cp "$imgq" "$dir/imgq"
  exits 77 setpriv --reuid=65534 --regid=65534 --clear-groups "$dir/imgq" submit a.jpg
  one_line stderr
  contains "$errors" "permission denied"
  exits 1 setpriv --reuid=65534 --regid=65534 --clear-groups "$dir/imgq" doctor
}

@test "doctor says what is wrong and the cure" {
  exits 1 "$imgq" doctor
  contains "$output" "there is no spool"
  contains "$output" "imgq init"
  "$imgq" init >/dev/null
  exits 1 "$imgq" doctor
  contains "$output" "none is running: submitted jobs wait"
  exits 1 "$imgq" doctor --json
  json_lines stdout
  jq -e '.healthy == false and any(.checks[]; .what == "daemon" and .health == "bad" and .cure)' stdout
  IMGQ_WORKERS=3 exits 1 "$imgq" doctor
  contains "$output" "IMGQ_WORKERS means nothing to imgq"
  start_daemon
  exits 0 "$imgq" doctor
  contains "$output" "1 running"
  exits 0 "$imgq" -q doctor
  same "$output" ""
  kill -KILL "$daemon"
  wait "$daemon" 2>/dev/null || true
  until_true sh -c '! flock -n -s "$1"/processing/*/.alive false' _ spool
  exits 1 "$imgq" doctor
  contains "$output" "is gone and left jobs behind"
}
