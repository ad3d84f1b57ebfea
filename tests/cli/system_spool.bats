#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2154  # variables of helper.bash; words for an inner shell
# Which spool it is when none was named: the system's for its group, else the user's own.
load helper

# Users and the group of the system's spool, by number: nobody has these names.
members=61500
served=61500
ann=61501
bob=61502
carl=61503 # no member

setup() {
  own_directory
  can_mount || skip "needs root and mounts"
  command -v setpriv >/dev/null || skip "no setpriv"
  unset IMGQ_SPOOL XDG_CONFIG_HOME XDG_STATE_HOME
  chmod 711 "$dir"
  cp "$bin/imgq" "$bin/imgqd" "$bin/imgq-worker" "$dir/"
  small_jpeg >a.jpg
  mkdir -p spools/imgq
  chown "$served:$members" spools/imgq
  chmod 2770 spools/imgq
  local user
  for user in "$ann" "$bob" "$carl" "$served"; do
    mkdir "home-$user"
    chown "$user" "home-$user"
  done
  case $BATS_TEST_DESCRIPTION in *"no spool there"*) ;; *) as "$served" ./imgq init --spool /var/spool/imgq >made ;; esac
}

# A command of a user, where $dir/spools is /var/spool.
as() { # USER COMMAND...
  local user=$1 groups=(--clear-groups)
  shift
  [ "$user" = "$carl" ] || groups=(--groups="$members")
  [ "$user" != 0 ] || groups=(--keep-groups)
  HOME=$dir/home-$user unshare -m sh -c 'mount --bind "$0" /var/spool && umask 077 && exec "$@"' "$dir/spools" \
    setpriv --reuid="$user" --regid="$user" "${groups[@]}" "$@"
}

own_of() { # USER
  echo "$dir/home-$1/.local/state/imgq"
}

serve() { # USER SPOOL-AS-WE-SEE-IT [OPTION...]
  local user=$1
  export IMGQ_SPOOL=$2 # for has_daemon
  shift 2
  as "$user" env -u IMGQ_SPOOL ./imgqd --workers 1 "$@" >"$dir/imgqd.log" 2>&1 3>&- &
  export daemon=$! # for stop_daemon
  until_true has_daemon
  unset IMGQ_SPOOL
}

unserved="imgq: no daemon serves /var/spool/imgq: jobs wait there; to start one: systemctl start imgqd"

@test "a member's job goes to the system's spool, where its daemon makes it" {
  serve "$served" spools/imgq --spool /var/spool/imgq
  exits 0 as "$ann" ./imgq submit --wait a.jpg
  same "$errors" ""
  exits 0 as "$bob" ./imgq status "$output"
  same "$output" completed
  exits 0 as "$bob" ./imgq -v list
  contains "$errors" "imgq: the spool is /var/spool/imgq (the system's, as none was named)"
  exits 0 as "$ann" ./imgq config
  contains "$output" 'spool = "/var/spool/imgq"'
  contains "$output" "# default, the system's"
  exits 0 as "$ann" ./imgq doctor
  lacks "other spool" stdout
  [ ! -e "$(own_of "$ann")" ]
}

@test "without a daemon it is the system's all the same, and that is said" {
  exits 0 as "$ann" ./imgq submit a.jpg
  same "$errors" "$unserved"
  exits 0 as "$ann" ./imgq -q list
  same "$errors" ""
  exits 1 as "$bob" ./imgq doctor
  contains "$output" "none is running: submitted jobs wait"
  contains "$output" "-> systemctl start imgqd"
  lacks "imgqd --spool" stdout
}

@test "several at once submit into one that all can use" {
  local n user
  for n in 1 2 3 4 5 6; do
    for user in "$ann" "$bob"; do
      as "$user" ./imgq -q submit a.jpg >"id-$user-$n" 2>"errors-$user-$n" &
    done
  done
  wait
  same "$(cat errors-*)" ""
  same "$(cat id-* | wc -l)" 12
  same "$(stat -c %a:%g spools/imgq/staging spools/imgq/tmp spools/imgq/format | sort -u | tr '\n' ' ')" \
    "2770:$members 660:$members "
  serve "$served" spools/imgq --spool /var/spool/imgq
  cat id-* >ids
  exits 0 as "$bob" ./imgq wait - <ids
  exits 0 as "$ann" ./imgq fsck
}

# Its file system may be one that is not mounted yet, which would hide what is submitted below it.
@test "while there is no spool there, none is made by a submission, nor by the daemon" {
  exits 69 as "$ann" ./imgq submit a.jpg
  same "$errors" "imgq: /var/spool/imgq: no spool there: mount its file system, or make one with 'imgq init --spool /var/spool/imgq'"
  exits 69 as "$served" ./imgqd --spool /var/spool/imgq --drain
  same "$(ls spools/imgq)" ""
}

@test "one's own it stays while a daemon serves it, and for who is no member" {
  as "$ann" ./imgq init >/dev/null
  [ -f "$(own_of "$ann")/format" ] # what init makes is one's own
  serve "$ann" "$(own_of "$ann")"
  exits 0 as "$ann" ./imgq -v submit --wait a.jpg
  contains "$errors" "imgq: the spool is $(own_of "$ann") (your own, as none was named)"
  exits 0 as "$ann" ./imgq doctor
  contains "$output" "good      other spool: /var/spool/imgq, the system's: passed over, as a daemon serves your own"
  exits 69 as "$carl" ./imgq list
  same "$errors" "imgq: $(own_of "$carl"): no spool there: make one with 'imgq init --spool $(own_of "$carl")'; or use the system's, /var/spool/imgq: 'imgq doctor' tells how"
  exits 0 as "$carl" ./imgq submit a.jpg
  same "$errors" "imgq: no daemon serves $(own_of "$carl"): jobs wait there; to start one: imgqd --spool $(own_of "$carl")"
  exits 1 as "$carl" ./imgq doctor
  contains "$output" "doubtful  other spool: /var/spool/imgq, the system's: you may not write to it"
  contains "$output" "-> become a member of its group: adduser $carl $members, then log in again"
  # Once the list of the group names the user, only a new login is missing.
  (cat /etc/passwd && echo "carl:x:$carl:$carl::/:/bin/sh") >passwd
  (cat /etc/group && echo "members:x:$members:carl") >group
  exits 1 unshare -m sh -c 'mount --bind passwd /etc/passwd && mount --bind group /etc/group && exec bash -c "$0"' "
    $(declare -f as); dir=$dir carl=$carl; as $carl ./imgq doctor"
  contains "$output" "-> log in again: you are in the list of its group members, this login is older"
  same "$(ls spools/imgq/staging)" ""
}

@test "jobs left in one's own are not forgotten" {
  chmod 700 spools/imgq
  as "$ann" ./imgq -q submit a.jpg a.jpg >ids
  chmod 2770 spools/imgq
  as "$served" ./imgqd --spool /var/spool/imgq --drain 2>/dev/null
  exits 0 as "$ann" ./imgq list
  same "$errors" "imgq: 2 jobs wait in your own spool, which no daemon serves: imgqd --drain --spool $(own_of "$ann")
$unserved"
  exits 1 as "$ann" ./imgq doctor
  contains "$output" "doubtful  other spool: $(own_of "$ann"), your own, which no daemon serves: 2 jobs wait there"
  contains "$output" "-> this makes them, and ends: imgqd --drain --spool $(own_of "$ann")"
  as "$ann" ./imgqd --drain --spool "$(own_of "$ann")" 2>/dev/null
  exits 0 as "$ann" ./imgq list
  same "$errors" "$unserved"
  exits 1 as "$ann" ./imgq doctor
  contains "$output" "good      other spool: $(own_of "$ann"), your own: no job waits there"
}

@test "root, imgqd and what is named are not led elsewhere" {
  mkdir home-0
  exits 1 as 0 ./imgq doctor
  contains "$output" "-> look at the system's: imgq doctor --spool /var/spool/imgq; or make one: imgq init --spool"
  exits 0 as 0 ./imgq -q submit a.jpg
  [ -f home-0/.local/state/imgq/format ]
  exits 1 as 0 ./imgq doctor
  contains "$output" "good      other spool: /var/spool/imgq, the system's: root uses it only when it is named (--spool)"
  as "$ann" ./imgqd --drain 2>/dev/null
  [ -f "$(own_of "$ann")/format" ]
  exits 0 as "$ann" ./imgq --spool "$(own_of "$ann")" -v list
  same "$errors" "imgq: the spool is $(own_of "$ann") (--spool)"
  exits 0 as "$ann" ./imgq --spool "$(own_of "$ann")" submit a.jpg
  same "$errors" ""
  same "$(ls spools/imgq/staging)" ""
}

@test "with no spool there, what is in the way of the system's is told, not passed over" {
  echo hello >spools/imgq/letter
  exits 69 as "$ann" ./imgq submit a.jpg
  same "$errors" "imgq: /var/spool/imgq: no spool there, and other files are: name another directory"
}
