#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031,SC2154  # variables of helper.bash; names are tame here
# Spools that earlier versions wrote are read: old-spools/VERSION.txt, made by old-spools/make.
load helper

old_spools=$BATS_TEST_DIRNAME/old-spools

setup() {
  own_directory
  export IMGQ_DAEMON_LEASE=5s IMGQ_RETENTION_COMPLETED=0 IMGQ_RETENTION_FAILED=0
  small_jpeg >a.jpg
}

unpacked() { # VERSION.txt
  echo "the spool of $1"
  rm -rf spool
  "$old_spools/listing" unpack spool <"$1"
}

id_of() { "$imgq" list --json | jq -r --arg name "$1" 'select(.name == $name) | .id'; }
states() { "$imgq" list --json | jq -r '"\(.name) \(.state)"' | LC_ALL=C sort; }
told_of() { "$imgq" info --json "$(id_of "$1")" | jq -c "$2"; } # NAME FILTER

@test "each job of an earlier version's spool is told as it is" {
  local old id
  for old in "$old_spools"/*.txt; do
    unpacked "$old"
    same "$(states)" "cancelled.jpg cancelled
completed.jpg completed
delayed.jpg delayed
failed.txt failed
held.jpg hold
key.jpg completed
poison.jpg failed
processing.jpg processing
retried.jpg staging
several.png completed
tries.jpg failed
waiting-key.jpg staging
waiting.png staging"
    same "$("$imgq" list --ids | "$imgq" status - | cut -d' ' -f2 | sort | uniq -c | tr -s ' \n' ' ')" \
      " 1 cancelled 3 completed 1 delayed 3 failed 1 hold 1 processing 3 staging "
    same "$(told_of several.png '[.results[] | [.name, .type, .width]]')" \
      '[["large","image/webp",8],["small","image/jpeg",4],["square","image/png",4]]'
    same "$(told_of key.jpg .key)" '"key of a completed job"'
    same "$(told_of tries.jpg '[.attempts, .max_attempts, .error.code, (.tries | map(.error.code))]')" \
      '[3,3,"io_error",["io_error","io_error"]]'
    same "$(told_of poison.jpg '[.error.code, .error.signal, .tries[0].error.signal]')" '["poison",11,11]'
    same "$(told_of retried.jpg '[.tries[] | [.kind, .attempt]]')" '[["counted",1],["retried",2]]'
    same "$(told_of failed.txt .error.code)" '"not_an_image"'
    same "$(told_of cancelled.jpg .error.code)" '"cancelled"'
    same "$(told_of delayed.jpg '[.tries[].error.code, .attempts, .last_error.code, (.retry_at | length)]')" \
      '["io_error",1,"io_error",24]'
    contains "$(told_of processing.jpg .owner)" '"old.'
    same "$(told_of processing.jpg '[.attempts, .attempt]')" '[1,1]'
    same "$(told_of retried.jpg '[.attempts, .attempt]')" '[0,4]'
    same "$("$imgq" log -n 20 --json | jq -r .name | LC_ALL=C sort | tr '\n' ' ')" \
      "cancelled.jpg completed.jpg failed.txt key.jpg poison.jpg several.png tries.jpg "
  done
}

@test "results, keys and purges of an earlier version's spool are good" {
  local old id
  for old in "$old_spools"/*.txt; do
    unpacked "$old"
    mkdir out
    exits 0 "$imgq" get -o out "$(id_of several.png)" "$(id_of key.jpg)"
    same "$("$imgq" info --json out/* | jq -c '[.file, .format, .width]')" \
      '["out/key.jpg","jpeg",4]
["out/several.large.webp","webp",8]
["out/several.small.jpg","jpeg",4]
["out/several.square.png","png",4]'
    for name in key.jpg waiting-key.jpg; do
      id=$(id_of $name)
      exits 0 "$imgq" submit --key "$(told_of $name .key | tr -d '"')" a.jpg
      same "$output" "$id"
    done
    exits 0 "$imgq" submit --key "key of a purged job" a.jpg
    same "$(told_of a.jpg .state)" '"staging"'
    exits 0 "$imgq" purge --force "$(id_of several.png)" "$(id_of key.jpg)" "$(id_of poison.jpg)" \
      "$(id_of cancelled.jpg)"
    id=$(id_of completed.jpg)
    same "$(find spool/completed spool/failed spool/cancelled -type f | sed 's|.*/||' | sort)" \
      "$(printf '%s\n' "$id" "$(id_of failed.txt)" "$(id_of tries.jpg)" | sort)"
    rm -r out
  done
}

@test "imgqd and fsck carry on where an earlier version was stopped" {
  local old
  for old in "$old_spools"/*.txt; do
    unpacked "$old"
    exits 1 "$imgq" fsck
    same "$(cut -d: -f2 stdout)" " purge cut short"
    exits 0 "$imgq" release "$(id_of held.jpg)"
    exits 0 "$bin/imgqd" --drain --workers 1
    same "$(states | grep -v ' completed$')" "cancelled.jpg cancelled
failed.txt failed
poison.jpg failed
tries.jpg failed"
    same "$(told_of processing.jpg '[.tries[] | [.kind, .attempt]]')" '[["lost",1]]'
    same "$(told_of delayed.jpg '[.state, (.results | length)]')" '["completed",1]'
    exits 0 "$imgq" retry "$(id_of tries.jpg)"
    exits 0 "$bin/imgqd" --drain --workers 1
    same "$(told_of tries.jpg .state)" '"completed"'
    exits 0 "$imgq" fsck --repair
    exits 0 "$imgq" fsck
    same "$(find spool/processing spool/delayed spool/staging spool/hold -mindepth 1)" ""
  done
}
