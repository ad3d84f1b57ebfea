#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031,SC2154  # variables of helper.bash; names are tame here
# shellcheck disable=SC2016  # what is for an inner shell
# Hosts that are cordoned, and what daemons tell of themselves: two daemons of different hosts' names.
load helper

setup() {
  own_directory
  small_jpeg >a.jpg
  "$imgq" init
  daemons=()
}

stop_daemon() { # all of them, when a test ends
  local one
  for one in "${daemons[@]}"; do
    kill "$one" 2>/dev/null || true
    wait "$one" 2>/dev/null || true
  done
  daemons=()
}

flat() { tr -s ' \n' ' ' <stdout; } # what the command has said, in one line

can_be_named() { unshare -u hostname here 2>/dev/null; }

daemon_of() { # HOST [COMMAND...]: that starts it
  local host=$1
  shift
  unshare -u sh -c 'hostname "$0" && exec "$@"' "$host" "$@" \
    "$bin/imgqd" --spool "$IMGQ_SPOOL" --workers 1 >"log.$host" 2>&1 3>&- &
  daemons+=($!)
  until_true grep -q "entered the spool" "log.$host"
}

hosts_of() { # ID...: who ended them, each host once
  local id
  for id in "$@"; do jq -r .owner spool/jobs/*/*/"$id.end"; done | cut -d. -f1 | sort -u | tr '\n' ' '
}

ended() { [ "$("$imgq" status "$1")" = completed ]; }

@test "a cordoned host claims nothing, others take its jobs, until it is uncordoned" {
  can_be_named || skip "cannot set a host's name"
  export IMGQ_DAEMON_POLL=1s IMGQ_LOG_LEVEL=info
  daemon_of web1
  daemon_of web2
  exits 0 "$imgq" -v cordon web1
  contains "$errors" "web1: cordoned"
  lacks "no daemon" stderr
  mapfile -t first < <(yes a.jpg | head -n 12 | "$imgq" submit --files-from -)
  exits 0 "$imgq" wait --timeout 1min "${first[@]}"
  same "$(hosts_of "${first[@]}")" "web2 "
  exits 0 "$imgq" uncordon web1
  exits 0 "$imgq" cordon web2
  mapfile -t second < <(yes a.jpg | head -n 12 | "$imgq" submit --files-from -)
  exits 0 "$imgq" wait --timeout 1min "${second[@]}"
  same "$(hosts_of "${second[@]}")" "web1 "
  # A daemon that comes while its host is cordoned stays idle, too.
  daemon_of web2
  exits 0 "$imgq" cordon --json web1
  jq -e '. == {imgq: 1, host: "web1", cordoned: true, changed: true}' stdout
  local id
  id=$("$imgq" submit a.jpg)
  exits 75 "$imgq" wait --timeout 3s "$id"
  contains "$errors" "every host with a daemon for $dir/spool is cordoned: jobs wait there; to go on: imgq uncordon HOST"
  until_true grep -q "this host is cordoned" log.web1
  exits 0 "$imgq" uncordon web1 web2
  until_true ended "$id"
}

@test "top, stats, doctor and metrics tell who is cordoned, each daemon's version and its clock" {
  can_be_named || skip "cannot set a host's name"
  daemon_of web1
  daemon_of web2
  exits 0 "$imgq" cordon web1
  exits 0 "$imgq" cordon far
  contains "$errors" "far: cordoned, though no daemon of it is there"
  local version
  version=$("$imgq" --version | cut -d' ' -f2)
  exits 0 "$imgq" top --json
  jq -e --arg version "$version" '[.owners[] | [.host, .version, .cordoned]] | sort ==
    [["web1", $version, true], ["web2", $version, false]]' stdout
  jq -e '[.owners[].clock_offset_seconds | fabs < 2] | all and length == 2' stdout
  jq -e --arg me "$(id -un)" '[.cordoned[] | [.host, .by]] == [["far", $me], ["web1", $me]]' stdout
  exits 0 "$imgq" top --once
  grep -qE "^web1  pid [0-9]+  .*  cordoned for .*  $version  clock [+-]0\.[0-9]{3} s$" stdout
  grep -qE '^far  no daemon  cordoned for ' stdout
  exits 0 "$imgq" stats
  grep -qE '^cordoned +2$' stdout
  exits 0 "$imgq" stats --json
  jq -e '[.cordoned[].host] == ["far", "web1"]' stdout
  exits 0 "$imgq" stats --prometheus
  same "$(grep -o '^imgq_host_cordoned{.*,host="[a-z0-9]*"} [01]' stdout | sed 's/.*,//' | tr '\n' ' ')" \
    'host="far"} 1 host="web1"} 1 host="web2"} 0 '
  same "$(grep -cE "^imgq_daemon_info\{.*,daemon=\"web[12]\.[^\"]+\",host=\"web[12]\",version=\"$version\"\} 1$" stdout)" 2
  same "$(grep -cE '^imgq_daemon_clock_offset_seconds\{.*,host="web[12]"\} -?0\.[0-9]{3}$' stdout)" 2
  if command -v promtool >/dev/null; then promtool check metrics <stdout; fi
  exits 0 "$imgq" doctor
  contains "$(flat)" "doubtful cordon: far, since "
  contains "$(flat)" "by $(id -un): its daemons claim nothing -> when it may work again: imgq uncordon far"
  exits 0 "$imgq" cordon web2
  exits 1 "$imgq" doctor
  contains "$(flat)" "bad cordon: every host with a daemon is cordoned: submitted jobs wait -> imgq uncordon HOST"
}

@test "cordon and uncordon: this host, what was so already, what is no host" {
  local here
  here=$(uname -n | tr -c 'A-Za-z0-9\n-' - | cut -c-64)
  exits 0 "$imgq" cordon
  contains "$errors" "$here: cordoned, though no daemon of it is there: one that comes waits"
  [ -f "spool/processing/cordon.$here" ]
  exits 0 "$imgq" cordon "$here"
  contains "$errors" "by $(id -un): was cordoned already"
  exits 0 "$imgq" fsck
  exits 0 "$imgq" -q uncordon
  same "$errors" ""
  [ ! -e "spool/processing/cordon.$here" ]
  exits 0 "$imgq" uncordon --json "$here"
  contains "$errors" "$here: was not cordoned"
  jq -e '.changed == false and .cordoned == false' stdout
  exits 64 "$imgq" cordon good web.example.org
  contains "$errors" "'web.example.org' is no host's name as 'imgq top' shows them"
  same "$(ls spool/processing)" ""
  exits 69 "$imgq" --spool "$dir/none" cordon
  chmod 500 spool/tmp
  [ "$(id -u)" -eq 0 ] || exits 77 "$imgq" cordon
}

@test "daemons of different versions, and one that tells none" {
  can_be_named || skip "cannot set a host's name"
  daemon_of web1
  local alive=spool/processing/elsewhere.0000.7.00000000000000aa/.alive
  mkdir "${alive%/*}"
  : >"$alive"
  (while sleep 1; do touch "$alive"; done) 3>&- &
  daemons+=($!)
  exits 0 "$imgq" doctor
  contains "$(flat)" "doubtful versions: daemons differ: $("$imgq" --version | cut -d' ' -f2) on web1; unknown (older) on elsewhere -> bring all to the newest"
  exits 0 "$imgq" stats --prometheus
  grep -qE '^imgq_daemon_info\{.*,host="elsewhere",version="unknown"\} 1$' stdout
  same "$(grep -c '^imgq_daemon_clock_offset_seconds{.*elsewhere' stdout)" 0
  contains "$("$imgq" top --once)" "elsewhere  pid 7  not yet seen  version unknown"
}

@test "a daemon whose clock is off" {
  can_be_named || skip "cannot set a host's name"
  command -v faketime >/dev/null || skip "no faketime"
  ! sanitized || skip "faketime and the sanitizers exclude each other"
  export NO_FAKE_STAT=1
  daemon_of web1 faketime -f +600s
  exits 1 "$imgq" doctor
  grep -qE "^bad +clock: that of process [0-9]+ on web1 is (599|600|601) s ahead of the file system's$" stdout
  same "$("$imgq" top --json | jq '.owners[0].clock_offset_seconds | round / 10 | round')" 60
  "$imgq" stats --prometheus | grep -qE '^imgq_daemon_clock_offset_seconds\{.*\} (599|600)\.'
  # Against the file system's it is right, and off against ours: as where times are each client's own.
  stop_daemon
  daemon_of web2
  exits 1 faketime -f +20s "$imgq" doctor
  grep -qE "^doubtful +clock: that of process [0-9]+ on web2 is (19|20|21) s behind ours$" stdout
}
