#!/usr/bin/env bats
# shellcheck disable=SC2012,SC2016,SC2030,SC2031,SC2094,SC2154  # variables of helper.bash; names are tame here
# Jobs from submission to results, with a daemon.
load helper

setup() {
  own_directory
  "$imgq" init >/dev/null
  small_jpeg >a.jpg
  small_jpeg >b.jpg
}

@test "submit, wait, status, get: the whole way" {
  start_daemon
  exits 0 "$imgq" submit --size 8x8 a.jpg "$samples/fig.jpg"
  cp stdout ids
  exits 0 "$imgq" wait <ids
  same "$output$errors" ""
  exits 0 "$imgq" status "$(head -1 ids)"
  same "$output" completed
  # shellcheck disable=SC2046
  exits 0 "$imgq" status $(cat ids)
  same "$output" "$(sed 's/$/ completed/' ids)"
  exits 0 "$imgq" status --json - <ids
  json_lines stdout
  jq -e -s 'all(.[]; .state == "completed" and .attempts == 1 and .results[0].name == "thumb" and
    .results[0].width == 8 and .results[0].bytes > 0 and .results[0].type == "image/jpeg")' stdout
  mkdir got
  exits 0 "$imgq" get -o got - <ids
  same "$output" $'got/a.jpg\ngot/fig.jpg'
  cmp got/a.jpg "$("$imgq" status --json "$(head -1 ids)" | jq -r '.results[0].file')"
  exits 0 "$imgq" get -o - "$(head -1 ids)"
  cmp stdout got/a.jpg
  exits 0 "$imgq" fsck
}

@test "get names files after their source, whole and replaced at once" {
  start_daemon
  id=$("$imgq" submit --size 4x,8x a.jpg)
  "$imgq" wait "$id"
  exits 0 "$imgq" get "$id"
  same "$output" $'a.4w.jpg\na.8w.jpg'
  echo old >a.8w.jpg
  exits 0 "$imgq" get --overwrite --rendition 8w "$id"
  same "$(head -c 2 a.8w.jpg | od -An -tx1)" " ff d8"
  exits 0 "$imgq" get --rendition 4w -o deep.jpg "$id"
  exits 0 "$imgq" get -o new/folder/ "$id"
  [ -s new/folder/a.4w.jpg ]
  exits 64 "$imgq" get -o one.jpg "$id"
  contains "$errors" "several results"
  exits 1 "$imgq" get --rendition none "$id"
  exits 73 "$imgq" get -o /proc/nothing/x.jpg --rendition 4w "$id"
  exits 74 bash -c '"$1" get -o - --rendition 4w "$2" >/dev/full' _ "$imgq" "$id"
  exits 0 "$imgq" get --json "$id"
  json_lines stdout
  same "$(find . -name '.imgq-*' | wc -l)" 0
}

@test "get does not write over the photograph, nor over what else is in a directory" {
  start_daemon
  id=$("$imgq" submit --wait --size 8x8 a.jpg)
  cp a.jpg before
  exits 73 "$imgq" get "$id"
  same "$errors" "imgq: a.jpg: other content is in the way, perhaps the photograph itself; -o DIR/ puts the result elsewhere, --overwrite replaces the file"
  exits 73 "$imgq" get --json -o . "$id"
  jq -e --arg id "$id" '.id == $id and .error.code == "io_error"' stdout
  cmp a.jpg before
  mkdir got
  ln -s ../a.jpg got/a.jpg
  exits 73 "$imgq" get -o got "$id"
  cmp a.jpg before
  exits 0 "$imgq" get -o got --overwrite "$id"
  same "$output" got/a.jpg
  cmp a.jpg before
  exits 0 "$imgq" get -o got "$id" # it is what is there
  same "$output" got/a.jpg
  echo old >mine.jpg
  exits 0 "$imgq" get -o mine.jpg "$id"
  cmp mine.jpg got/a.jpg
}

@test "get -o FILE writes into a pipe or a device and through a link" {
  start_daemon
  id=$("$imgq" submit --wait --size 8x8 a.jpg)
  "$imgq" get -q -o got.jpg "$id"
  mkfifo pipe
  cat pipe >from-pipe &
  exits 0 "$imgq" get -o pipe "$id"
  wait $!
  cmp from-pipe got.jpg
  [ -p pipe ]
  if mknod null c 1 3 2>/dev/null && : >null; then
    exits 0 "$imgq" get -o null "$id"
    [ -c null ]
  fi
  ln -s target.jpg link
  exits 0 "$imgq" get -o link "$id"
  [ -L link ]
  cmp target.jpg got.jpg
  ln -s loop loop
  exits 73 "$imgq" get -o loop "$id"
}

@test "get --wait tells once of a job that failed, and odd bytes of a directory survive in JSON" {
  start_daemon
  echo "hello" >text.jpg
  "$imgq" submit text.jpg a.jpg >ids
  mkdir $'g\xff'
  exits 1 "$imgq" get --wait --json -o $'g\xff' - <ids
  one_line stderr
  contains "$errors" "has no result"
  jq -e -s '.[0].error.code == "not_an_image" and .[1].file_percent == "g%FF/a.jpg"' stdout
  exits 0 "$imgq" --spool $'g\xff/spool' init --json
  jq -e '.spool_percent | endswith("g%FF/spool")' stdout
}

@test "with --json there is an object for each job and image, also for what is unknown" {
  small_jpeg >a.jpg
  "$imgq" init >/dev/null
  id=$("$imgq" submit a.jpg)
  unknown=01a20c4a-2999-7512-8acf-1884698929c9
  local command
  for command in status wait get info cancel retry hold release purge; do
    local options=(--json)
    [ "$command" != purge ] || options+=(--force)
    exits 1 "$imgq" "$command" "${options[@]}" "$unknown"
    json_lines stdout
    jq -e --arg id "$unknown" '.id == $id and .error.code == "unknown"' stdout
    same "$errors" "imgq: $unknown: no such job"
  done
  exits 1 "$imgq" get --json "$id"
  jq -e '.error.code == "staging"' stdout
  "$imgq" cancel "$id"
  : >"$(find spool -name "$id.end")"
  exits 74 "$imgq" status --json "$id"
  jq -e --arg id "$id" '.id == $id and .error.code == "unreadable"' stdout
  cp stderr by-status
  exits 1 "$imgq" wait --json "$id"
  jq -e --arg id "$id" '.id == $id and .error.code == "unreadable"' stdout
  cmp stderr by-status
  exits 66 "$imgq" info --json $'gone\xff.jpg'
  jq -e '.error.code == "source_missing" and .file_percent == "gone%FF.jpg"' stdout
  exits 64 "$imgq" info
  same "$errors" "imgq: no job id or image named; see 'imgq info --help'"
  exits 64 "$imgq" get -o there "$id" "$id"
  same "$errors" "imgq: --output: several jobs need a directory: 'there/' makes one"
}

@test "names that are odd, hidden or paths become harmless files" {
  start_daemon
  local odd=$'x\n\xff y.jpg'
  cp a.jpg "$odd"
  cp a.jpg .hidden
  "$imgq" submit "$odd" .hidden >ids
  "$imgq" submit --name ../../up/evil.png - <a.jpg >>ids
  "$imgq" wait <ids
  mkdir got
  exits 0 "$imgq" get --print0 -o got - <ids
  same "$(tr -cd '\0' <stdout | wc -c)" 3
  [ -s got/$'x\n\xff y.jpg' ]
  [ -s got/evil.jpg ]
  [ -s "got/$(sed -n 2p ids).jpg" ]
  same "$(ls -A got | wc -l)" 4
}

@test "jobs of one get that are named alike do not meet" {
  start_daemon
  mkdir x y
  cp a.jpg x/
  cp a.jpg y/
  "$imgq" submit x/a.jpg y/a.jpg >ids
  exits 0 "$imgq" get --wait -o got/ - <ids
  same "$output" $'got/a.jpg\ngot/a-2.jpg'
}

@test "what is no image fails with its cause, the others are done" {
  start_daemon
  echo "hello, world" >text.jpg
  head -c 200 "$samples/fig.jpg" >cut.jpg
  huge_png 50000 50000 >huge.png
  exits 1 "$imgq" submit --wait a.jpg text.jpg cut.jpg huge.png b.jpg
  cp stdout ids
  same "$(wc -l <stderr)" 3
  contains "$errors" "not_an_image"
  contains "$errors" "truncated"
  # shellcheck disable=SC2046
  exits 0 "$imgq" status $(cat ids)
  same "$(cut -d' ' -f2 stdout | tr '\n' ' ')" "completed failed failed failed completed "
  exits 0 "$imgq" status --json "$(sed -n 2p ids)"
  jq -e '.error.code == "not_an_image" and (.error.message | length > 0) and .attempts == 1' stdout
  exits 0 "$imgq" status --json "$(sed -n 4p ids)"
  jq -e '.error.code == "side_too_long" or .error.code == "too_many_pixels"' stdout
  exits 1 "$imgq" get "$(sed -n 2p ids)"
  contains "$errors" "has no result"
  exits 1 "$imgq" wait - <ids
  exits 0 "$imgq" log
  same "$(wc -l <stdout)" 5
  local last
  last=$(tail -n 2 stdout | cut -d' ' -f2)
  exits 0 "$imgq" log -n 2 --json
  same "$(jq -r .id stdout)" "$last"
  json_lines stdout
}

@test "a list for programs is whole, the table says that there is more" {
  for n in $(seq 101); do ln a.jpg "$n.jpg"; done
  "$imgq" submit ./[0-9]*.jpg >ids
  exits 0 "$imgq" list --ids
  same "$(sort stdout)" "$(sort ids)"
  exits 0 "$imgq" list --json --state staging
  same "$(wc -l <stdout)" 101
  exits 0 "$imgq" list
  same "$(wc -l <stdout)" 100
  same "$errors" "imgq: only 100 are listed: --limit N lists more"
  exits 0 "$imgq" list --limit 100
  same "$errors" ""
  exits 64 "$imgq" list --ids --json
}

@test "a failed job is tried again by hand, a completed one never" {
  start_daemon
  echo "hello" >text.jpg
  exits 1 "$imgq" submit --wait text.jpg
  id=$output
  exits 0 "$imgq" list --state failed --ids
  same "$output" "$id"
  "$imgq" list --state failed --ids | exits 0 "$imgq" retry --json
  jq -e '.id == $id and .state == "staging"' --arg id "$id" stdout
  exits 1 "$imgq" wait "$id"
  exits 0 "$imgq" status --json "$id"
  jq -e '.attempts == 1 and .attempt == 2 and .max_attempts == 3 and (.tries | length) == 1 and
    .tries[0].kind == "retried" and .tries[0].error.code == "not_an_image"' stdout
  exits 0 "$imgq" info "$id"
  grep -qE '^attempts +1 of 3$' stdout
  exits 0 "$imgq" submit --wait a.jpg
  done=$output
  exits 1 "$imgq" retry "$done"
  same "$errors" "imgq: $done: is completed and cannot be retried"
  exits 1 "$imgq" cancel "$done"
}

@test "attempts are tries that count: a job that waits, or was held, has had none" {
  id=$("$imgq" submit a.jpg)
  for _ in 1 2; do
    exits 0 "$imgq" hold "$id"
    exits 0 "$imgq" release "$id"
  done
  for command in status info; do
    exits 0 "$imgq" "$command" --json "$id"
    jq -e '.attempts == 0 and .attempt == 3 and .max_attempts == 3' stdout
  done
  exits 0 "$imgq" list --json
  jq -e '.attempts == 0 and .attempt == 3' stdout
  mkdir -p spool/processing/one.4f0c.1.9d3e0a77c1b2f465
  mv "spool/staging/$id.3" spool/processing/one.4f0c.1.9d3e0a77c1b2f465/
  exits 0 "$imgq" info --json "$id"
  jq -e '.state == "processing" and .attempts == 1 and .attempt == 3' stdout
}

@test "a job in JSON has one shape: names, times and errors as over HTTP" {
  start_daemon
  echo "hello" >text.jpg
  cp a.jpg "$(printf 'g\xff.jpg')"
  exits 1 "$imgq" submit --wait text.jpg "$(printf 'g\xff.jpg')"
  exits 0 "$imgq" list --json --oldest
  json_lines stdout
  jq -e -s '.[0] | .error.code == "not_an_image" and (.error.meaning | length > 0) and
    .error.retryable == false and .bytes == 6 and .tries == [] and .report' stdout
  jq -e -s '.[1] | .name_percent == "g%FF.jpg" and (.results[0].sha256 | length) == 64 and
    .results[0].max_bytes_met == true and .source.width == 16 and .report.source.width == 16' stdout
}

@test "wait ends by its time, and says how many are left" {
  exits 0 "$imgq" submit a.jpg b.jpg
  cp stdout ids
  exits 75 "$imgq" wait --timeout 0 - <ids
  same "$(tail -1 stderr)" "imgq: timed out: 2 of 2 jobs not ended"
  exits 75 "$imgq" wait --timeout 0 "$(head -1 ids)"
  same "$(tail -1 stderr)" "imgq: timed out: 1 of 1 job not ended"
  exits 75 "$imgq" submit --wait --timeout 0 a.jpg
  same "$(wc -l <stdout)" 1
  "$imgq" cancel <ids
  exits 1 "$imgq" wait - <ids
  contains "$errors" "cancelled"
}

@test "waiting says once that no daemon runs, however it is asked for; not of what has ended" {
  local unserved="imgq: no daemon serves $dir/spool: jobs wait there; to start one: imgqd --spool $dir/spool"
  exits 75 "$imgq" submit --wait --timeout 0 a.jpg
  same "$(head -1 stderr)" "$unserved"
  id=$output
  exits 75 "$imgq" get --wait --timeout 0 "$id"
  same "$(head -1 stderr)" "$unserved"
  exits 75 "$imgq" -q wait --timeout 0 "$id"
  lacks "no daemon" stderr
  unset IMGQ_SPOOL # one's own, and told when it is opened
  exits 75 "$imgq" submit --wait --timeout 0 a.jpg
  same "$(grep -c 'no daemon serves' stderr)" 1
  export IMGQ_SPOOL=$dir/spool
  start_daemon
  exits 0 "$imgq" wait "$id"
  same "$errors" ""
  stop_daemon
  exits 0 "$imgq" wait "$id"
  same "$errors" ""
}

@test "waiting says when the daemon goes away meanwhile" {
  start_daemon
  id=$("$imgq" submit --hold a.jpg)
  "$imgq" wait "$id" 2>wait.log 3>&- &
  waiting=$!
  stop_daemon
  until_true grep -q 'no daemon serves' wait.log
  "$imgq" cancel "$id"
  exits 1 wait "$waiting"
  same "$(grep -c 'no daemon serves' wait.log)" 1
  contains "$(tail -1 wait.log)" "$id: a.jpg: cancelled"
}

@test "submit --wait, wait and get --wait show on a terminal how far they are" {
  start_daemon
  echo "hello" >text.jpg
  "$imgq" submit a.jpg text.jpg >ids
  exits 1 "$imgq" wait - <ids
  lacks '#' stderr
  exits 1 env TERM=xterm script -qec "'$imgq' submit --wait a.jpg text.jpg" /dev/null
  grep -q '0/2 .*2/2 \[#*\] 100%.*1 failed' <(tr '\r\n' '  ' <stdout)
  exits 1 env TERM=xterm script -qec "'$imgq' wait $(tr '\n' ' ' <ids)" /dev/null
  grep -q '2/2 \[#*\] 100%.*1 failed' <(tr '\r\n' '  ' <stdout)
  exits 1 env TERM=xterm script -qec "'$imgq' get --wait -o got/ $(tr '\n' ' ' <ids)" /dev/null
  grep -q '2/2 \[#*\] 100%.*1 failed' <(tr '\r\n' '  ' <stdout)
  exits 1 env TERM=xterm script -qec "'$imgq' -q wait $(tr '\n' ' ' <ids)" /dev/null
  lacks '#' stdout
}

# Answers the question of a command on a terminal; prints what it said there.
answer() { # ANSWER COMMAND...
  python3 - "$@" <<'END'
import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[2], sys.argv[2:])
seen = b''
while b'[y/N] ' not in seen:
    seen += os.read(fd, 1024)
os.write(fd, sys.argv[1].encode() + b'\n')
try:
    while more := os.read(fd, 1024):
        seen += more
except OSError:
    pass
sys.stdout.buffer.write(seen)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
END
}

@test "purge removes ended jobs, shows them first, and asks on a terminal" {
  start_daemon
  "$imgq" submit --wait a.jpg b.jpg >ids
  waiting=$("$imgq" submit --hold a.jpg)
  exits 0 "$imgq" purge --older 0 --dry-run
  same "$(sort stdout)" "$(sort ids)"
  exits 0 "$imgq" purge --older 1h --force
  same "$output" ""
  exits 1 "$imgq" purge --force "$waiting"
  same "$errors" "imgq: $waiting: has not ended: cancel it first"
  exits 1 answer n "$imgq" purge "$(head -1 ids)"
  contains "$output" "Remove 1 job and its results? [y/N]"
  exits 1 answer n "$imgq" purge --older 0
  contains "$output" "Remove 2 jobs and their results? [y/N]"
  exits 0 "$imgq" status "$(head -1 ids)"
  exits 64 "$imgq" purge "$(head -1 ids)"
  same "$errors" "imgq: nobody can be asked, as this is no terminal: --force or --dry-run"
  head -1 ids | exits 64 "$imgq" purge
  exits 64 "$imgq" purge --older 0
  exits 64 "$imgq" purge --older 5 --force
  same "$errors" "imgq: --older: '5' has no unit: 5d, 5h, 5min or 5s"
  exits 0 "$imgq" status "$(head -1 ids)"
  exits 0 answer y "$imgq" purge "$(head -1 ids)"
  exits 1 "$imgq" status "$(head -1 ids)"
  exits 0 "$imgq" purge --older 0 --state completed --force --json
  jq -e '.purged == true' stdout
  exits 64 "$imgq" purge --force --older 0 --state staging
  exits 64 "$imgq" purge --force --older 0 "$waiting"
  same "$(find spool/jobs -name '*.jpg' | wc -l)" 0
  exits 0 "$imgq" fsck
}

@test "info tells all about a job and about a file" {
  start_daemon
  id=$("$imgq" submit --wait "$samples/dogs-sideways.jpg")
  exits 0 "$imgq" info "$id"
  contains "$output" "completed"
  contains "$output" "image/jpeg"
  exits 0 "$imgq" info --json "$samples/dogs-sideways.jpg" "$id"
  json_lines stdout
  jq -e -s '.[0].format == "jpeg" and .[0].width > 0 and .[0].orientation > 1 and
    .[1].state == "completed"' stdout
  placeholder=$(jq -r -s '.[0].thumbhash' stdout)
  [ "${#placeholder}" -gt 20 ]
  jq -e -s --arg hash "$placeholder" '.[1].source.thumbhash == $hash' stdout # as the job has it
  exits 0 "$imgq" info "$samples/dogs-sideways.jpg"
  grep -qxF "placeholder  $placeholder" stdout
  head -c 20000 "$samples/dogs-sideways.jpg" >cut.jpg
  exits 0 "$imgq" info cut.jpg
  grep -qx 'placeholder  none' stdout
  grep -qx 'note         no placeholder could be made' stdout
  exits 0 "$imgq" info --json cut.jpg
  jq -e '.thumbhash == null and (.notes | length) == 1' stdout
  printf '\0\0\0\x18ftypheic\0\0\0\0heicmif1%0100d' 0 >phone.heic
  exits 65 env IMGQ_FORMATS_HEIC=false "$imgq" info phone.heic
  same "$errors" "imgq: phone.heic: HEIC is switched off: the configuration has 'heic = false' below '[formats]' (format_not_enabled)"
  echo "no image" >text.jpg
  exits 65 "$imgq" info text.jpg
  contains "$errors" "not_an_image"
  exits 66 "$imgq" info gone.jpg
  exits 1 "$imgq" info text.jpg "$samples/fig.jpg"
  exits 64 "$imgq" info
}

@test "info tells of a camera raw that its preview is read, and of a BMP" {
  corpus=$BATS_TEST_DIRNAME/../fuzz/corpus/image
  exits 0 "$imgq" info "$corpus/raw.nef"
  grep -qx 'size         320x16' stdout
  grep -qx 'format       raw' stdout
  grep -qx 'note         the preview in a camera raw was taken; width and height are its own' stdout
  exits 65 env IMGQ_FORMATS_RAW=false "$imgq" info "$corpus/raw.nef"
  contains "$errors" "'raw = false' below '[formats]' (format_not_enabled)"
  exits 0 "$imgq" info --json "$corpus/rle8.bmp"
  jq -e '.format == "bmp" and .type == "image/bmp" and .width == 3 and .height == 2' stdout
  exits 0 "$imgq" run -o out --format keep "$corpus/raw.nef" "$corpus/rle8.bmp"
  same "$(ls out)" $'raw.jpg\nrle8.png'
}

@test "list is ordered, limited and filtered" {
  "$imgq" submit a.jpg b.jpg a.jpg >ids
  "$imgq" cancel "$(sed -n 2p ids)"
  exits 0 "$imgq" list --ids --oldest
  same "$output" "$(cat ids)"
  exits 0 "$imgq" list --ids
  same "$output" "$(tac ids)"
  exits 0 "$imgq" list --ids --limit 1
  same "$output" "$(tail -1 ids)"
  exits 0 "$imgq" list --ids --state cancelled
  same "$output" "$(sed -n 2p ids)"
  exits 0 "$imgq" list --json --state staging
  json_lines stdout
  same "$(wc -l <stdout)" 2
  exits 64 "$imgq" list --state finished
  contains "$errors" "staging, delayed, processing, completed, failed, hold or cancelled"
}

@test "stats counts, gives the oldest age, and metrics that Prometheus reads" {
  exits 0 "$imgq" stats --age
  same "$output" 0
  "$imgq" submit a.jpg b.jpg >ids
  exits 0 "$imgq" stats --json
  json_lines stdout
  jq -e '.jobs.staging == 2 and .oldest_waiting_seconds >= 0 and .free_bytes > 0' stdout
  jq -e --arg id "$(head -1 ids)" '.oldest_waiting == $id' stdout
  exits 0 "$imgq" stats
  grep -qE '^staging +2$' stdout
  exits 0 "$imgq" stats --prometheus
  grep -qxF "imgq_jobs{spool=\"$IMGQ_SPOOL\",state=\"staging\"} 2" stdout
  grep -qxF "imgq_spool_up{spool=\"$IMGQ_SPOOL\"} 1" stdout
  grep -qxF "imgq_daemons{spool=\"$IMGQ_SPOOL\"} 0" stdout
  grep -qxE "imgq_oldest_job_age_seconds\{spool=\"$IMGQ_SPOOL\"\} [0-9]+\.[0-9]{3}" stdout
  if command -v promtool >/dev/null; then promtool check metrics <stdout; fi
}

@test "top knows the jobs of every daemon, however many run" {
  yes a.jpg | head -n 258 >list
  "$imgq" submit --files-from list >ids
  local owner
  for owner in one.4f0c.1.9d3e0a77c1b2f465 two.4f0c.2.9d3e0a77c1b2f466; do
    mkdir "spool/processing/$owner"
    touch "spool/processing/$owner/.alive"
  done
  mv spool/staging/"$(tail -1 ids)".* spool/processing/two.4f0c.2.9d3e0a77c1b2f466/
  mv spool/staging/* spool/processing/one.4f0c.1.9d3e0a77c1b2f465/
  exits 0 "$imgq" top --json
  jq -e '[.owners[] | {(.host): (.processing | length)}] | add == {one: 257, two: 1}' stdout
  jq -e '.jobs.processing == 258' stdout
  # The job of one goes while top looks: what it counts is still what it shows.
  find spool/jobs -name "$(tail -1 ids)*" -delete
  exits 0 "$imgq" top --json
  jq -e '.jobs.processing == 257 and ([.owners[].processing | length] | add) == 257' stdout
}

ended_twice() { [ "$(grep -c "$1" log)" -eq 2 ]; }

@test "a JSON line of the daemon's log has each key once" {
  "$imgq" init
  small_jpeg >good.jpg
  head -c 300 good.jpg >bad.jpg
  exits 0 "$imgq" submit good.jpg bad.jpg
  exits 0 "${imgq}d" --drain --log-style json --log-level debug
  python3 - stderr <<'END'
import json, sys
def once(pairs):
    keys = [key for key, _ in pairs]
    assert len(keys) == len(set(keys)), keys
    return dict(pairs)
lines = [json.loads(line, object_pairs_hook=once) for line in open(sys.argv[1])]
assert {'completed', 'failed'} <= {line['message'] for line in lines}, lines
END
}

@test "log follows what ends" {
  start_daemon
  "$imgq" submit --wait a.jpg >first
  "$imgq" log -f >log 2>log.err 3>&- &
  follower=$!
  until_true grep -q "$(cat first)" log
  "$imgq" submit --wait b.jpg a.jpg >second
  until_true grep -q "$(tail -1 second)" log
  echo "hello" >text.jpg
  exits 1 "$imgq" submit --wait text.jpg # ends twice
  cp stdout third
  until_true grep -q "$(cat third)" log
  exits 0 "$imgq" retry "$(cat third)"
  until_true ended_twice "$(cat third)"
  kill -INT "$follower" || true
  got=0
  wait "$follower" || got=$?
  same "$got" 130
  same "$(cut -d' ' -f2 log | sort)" "$(cat first second third third | sort)"
  same "$(cat log.err)" ""
}

@test "a job's watermark is what the daemon's configuration says when it is made" {
  mkdir -p config/imgq
  cat >config/imgq/imgq.toml <<END
[watermark.logo]
file = "$dir/logo.png"
place = "centre"

[preset.web.small]
size = "40x40"
format = "png"
watermark = "logo"
END
  vips black black.png 60 60 --bands 3
  start_daemon
  exits 1 "$imgq" submit --wait --preset web black.png
  contains "$errors" "watermark 'logo': cannot open its file: No such file or directory (no_watermark)"
  contains "$(cat imgqd.log)" "cannot open a watermark: $dir/logo.png"
  exits 1 "$imgq" submit --wait --watermark other black.png
  contains "$errors" "watermark 'other': the configuration has none of this name"
  vips crop black.png dot.png 0 0 6 6
  vips linear dot.png logo.png 1 "250 10 20" --uchar
  id=$("$imgq" list --ids --state failed | tail -n 1)
  exits 0 "$imgq" retry "$id"
  exits 0 "$imgq" wait "$id"
  exits 0 "$imgq" get -o got.png "$id"
  same "$(vips getpoint got.png 20 20 | tr -s ' \n' ' ' | sed 's/ $//')" "250 10 20"
  same "$(vips getpoint got.png 2 2 | tr -s ' \n' ' ' | sed 's/ $//')" "0 0 0"
  exits 0 "$imgq" info --json "$id"
  lacks "$dir/logo" stdout
}

@test "a hot folder moves originals, also where a file cannot be renamed without replacing" {
  local failing
  ! sanitized || skip "strace and the sanitizers exclude each other"
  mkdir -p in kept config/imgq
  cat >config/imgq/imgq.toml <<END
[[intake]]
directory = "$dir/in"
after = "move"
move_to = "$dir/kept"
settle = "1s"
END
  echo older >kept/a.jpg
  "$imgq" init >/dev/null
  for failing in getpid renameat2; do
    strace -D -f -qq -o trace -e "trace=$failing" -e "inject=$failing:error=EINVAL" true || skip "cannot trace here"
    strace -D -f -qq -o trace -e "trace=$failing" -e "inject=$failing:error=EINVAL" \
      "$bin/imgqd" --spool "$IMGQ_SPOOL" --workers 1 >imgqd.log 2>&1 3>&- &
    daemon=$!
    until_true grep -q "watching an intake folder" imgqd.log
    cp a.jpg "in/$failing.jpg"
    until_true test -e "kept/$failing.jpg"
    cp a.jpg in/a.jpg
    until_true sh -c '[ -z "$(ls in)" ]'
    stop_daemon
  done
  grep -q 'renameat2.*RENAME_NOREPLACE.*INJECTED' trace
  same "$(cat kept/a.jpg)" older
  cmp a.jpg kept/a-2.jpg
  cmp a.jpg kept/a-3.jpg
}

@test "a hot folder that cannot be watched is named, and served" {
  ! sanitized || skip "strace and the sanitizers exclude each other"
  mkdir -p in config/imgq
  cat >config/imgq/imgq.toml <<END
[[intake]]
directory = "$dir/in"
END
  "$imgq" init >/dev/null
  strace -D -f -qq -o trace -e trace=inotify_init1 -e inject=inotify_init1:error=EMFILE true || skip "cannot trace here"
  strace -D -f -qq -o trace -e trace=inotify_init1 -e inject=inotify_init1:error=EMFILE \
    "$bin/imgqd" --spool "$IMGQ_SPOOL" --workers 1 >imgqd.log 2>&1 3>&- &
  daemon=$!
  until_true grep -q "an intake folder is not watched.*$dir/in.*Too many open files" imgqd.log
  stop_daemon
  same "$(grep -c 'an intake folder is not watched' imgqd.log)" 1
}

@test "top shows one look where there is no terminal, and lives on one until q" {
  start_daemon
  echo "no image" >text.jpg
  "$imgq" submit --wait a.jpg text.jpg >/dev/null 2>&1 || true
  exits 0 "$imgq" top
  contains "$output" "  completed  failed  "
  contains "$output" "          1       1  "
  contains "$output" "last failures"
  contains "$output" "not_an_image"
  contains "$output" "pid $daemon  idle"
  exits 0 "$imgq" top --json
  json_lines stdout
  jq -e '.jobs.completed == 1 and .owners[0].life == "alive"' stdout
  exits 64 "$imgq" top --interval 0
  mkfifo keys
  exits 0 python3 - "$imgq" <<'END'
import os, pty, select, sys, time
pid, fd = pty.fork()
if pid == 0:
    os.environ['TERM'] = 'xterm'
    os.execv(sys.argv[1], [sys.argv[1], 'top'])
seen = b''
deadline = time.monotonic() + 60
sent = False
while time.monotonic() < deadline:
    if select.select([fd], [], [], 0.1)[0]:
        try:
            data = os.read(fd, 65536)
        except OSError:
            break
        if not data:
            break
        seen += data
    if b'last failures' in seen and not sent:
        os.write(fd, b'q')
        sent = True
_, status = os.waitpid(pid, 0)
assert os.waitstatus_to_exitcode(status) == 0, status
assert seen.startswith(b'\x1b[?1049h') and b'\x1b[?1049l' in seen, seen
END
}
