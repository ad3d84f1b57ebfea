#!/usr/bin/env bats
# shellcheck disable=SC2012,SC2016,SC2030,SC2031,SC2094,SC2154  # variables of helper.bash; names are tame here
# submit, without a daemon: what goes in, what is refused, and what is said about it.
load helper

setup() {
  own_directory
  "$imgq" init >/dev/null
  small_jpeg >a.jpg
  small_jpeg >b.jpg
}

id_pattern='^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$'

names_in_order() { # of the ids on stdin
  while read -r id; do "$imgq" status --json "$id" | jq -r .name; done
}

jobs_in_spool() {
  "$imgq" list --limit 100000 --ids | wc -l
}

@test "a job that asks for every field shows them, as the schema says" {
  id=$("$imgq" submit --size 8x8 --fill --focus 0.3,0.5 --enlarge --format jpeg --quality 50 --progressive \
    --chroma 444 --max-bytes 9kB --background ff0000 --sharpen 1 --keep-copyright --square-pixels \
    --trim --watermark logo --recompress --lenient a.jpg)
  exits 0 "$imgq" info --json "$id"
  json_lines stdout
  jq -e '.request.renditions[0] | .focus == "0.3,0.5" and .sharpen == 1 and .chroma == "444"' stdout
  id=$("$imgq" submit --size 8x8 --fill --anchor attention a.jpg)
  exits 0 "$imgq" info --json "$id"
  json_lines stdout
}

@test "prints one id a line in the order of the arguments" {
  small_jpeg >c.jpg
  exits 0 "$imgq" submit c.jpg a.jpg b.jpg
  same "$(grep -cE "$id_pattern" stdout)" 3
  same "$(names_in_order <stdout | tr '\n' ' ')" "c.jpg a.jpg b.jpg "
  same "$(sort stdout)" "$(cat stdout)"
}

@test "a job waits in staging with what was asked of it" {
  exits 0 "$imgq" submit --size 100x80 --fill --anchor north-east --format webp --quality 61 \
    --progressive --chroma 444 --max-bytes 20KiB --background 102030 --sharpen 0.5 \
    --keep-copyright --square-pixels --colours keep --recompress --trim --lenient --enlarge a.jpg
  id=$output
  exits 0 "$imgq" status "$id"
  same "$output" staging
  exits 0 "$imgq" status --json "$id"
  json_lines stdout
  jq -e '.state == "staging" and .attempts == 0 and .submitted_at and .request.lenient == true and
    (.request.renditions == [{name: "thumb", width: 100, height: 80, fit: "fill",
      anchor: "north-east", format: "webp", quality: 61, progressive: true, chroma: "444",
      max_bytes: 20480, background: "#102030", sharpen: 0.5, keep_copyright: true,
      square_pixels: true, colours: "keep", recompress: true, trim: true,
      enlarge: true}])' stdout
}

@test "a missing file is told by name and cause; alone it is exit 66, among others 1" {
  exits 66 "$imgq" submit gone.jpg
  same "$errors" "imgq: gone.jpg: No such file or directory"
  same "$output" ""
  exits 1 "$imgq" submit a.jpg gone.jpg b.jpg
  same "$errors" "imgq: gone.jpg: No such file or directory"
  same "$(wc -l <stdout)" 2
  same "$(names_in_order <stdout | tr '\n' ' ')" "a.jpg b.jpg "
}

@test "a directory is refused unless --recursive" {
  mkdir -p d/sub d/.hidden
  cp a.jpg d/z.jpg
  cp a.jpg d/sub/y.jpg
  cp a.jpg d/.hidden/x.jpg
  echo "not an image" >d/notes.txt
  ln -s "$dir/a.jpg" d/link.jpg
  exits 66 "$imgq" submit d
  same "$errors" "imgq: d: is a directory: use --recursive for what is in it"
  exits 0 "$imgq" submit -r d
  same "$(names_in_order <stdout | tr '\n' ' ')" "d/link.jpg d/sub/y.jpg d/z.jpg "
}

@test "of a list, thumbnails that run has made are submitted, but with --recursive" {
  "$imgq" run -q -o thumbs a.jpg
  printf 'a.jpg\nthumbs/a.jpg\n' >list
  exits 0 "$imgq" submit --files-from list
  same "$(wc -l <stdout)" 2
  exits 0 "$imgq" submit -r --files-from list
  one_line stdout
}

@test "what is excluded is not submitted, and needs --recursive" {
  mkdir -p d/sub
  cp a.jpg d/a.jpg
  cp a.jpg d/sub/b.jpg
  exits 0 "$imgq" submit -r --exclude sub --exclude 'c*' d
  same "$(names_in_order <stdout | tr '\n' ' ')" "d/a.jpg "
  exits 64 "$imgq" submit --exclude sub d/a.jpg
  same "$errors" "imgq: --exclude goes with --recursive"
}

@test "an empty file is exit 65" {
  : >empty.jpg
  exits 65 "$imgq" submit empty.jpg
  same "$errors" "imgq: empty.jpg: the file is empty"
}

@test "a file over the limit is exit 65" {
  truncate -s 513M big.jpg
  exits 65 "$imgq" submit big.jpg
  same "$errors" "imgq: big.jpg: the file is larger than limits.max_file_bytes allows"
}

@test "an unreadable file is told" {
  [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null || [ "$(id -u)" -ne 0 ] || skip "no setpriv"
  chmod 000 a.jpg
  if [ "$(id -u)" -eq 0 ]; then
    chmod 711 "$dir"
    chown -R 65534 spool
    cp "$imgq" "$dir/imgq"
    exits 66 setpriv --reuid=65534 --regid=65534 --clear-groups env HOME="$dir" "$dir/imgq" submit a.jpg
  else
    exits 66 "$imgq" submit a.jpg
  fi
  same "$errors" "imgq: a.jpg: Permission denied"
}

@test "pipes and devices are refused without waiting for them" {
  mkfifo pipe.jpg
  exits 66 timeout 10 "$imgq" submit pipe.jpg
  same "$errors" "imgq: pipe.jpg: is not a regular file"
  exits 66 "$imgq" submit /dev/null
}

@test "whatever fails, nothing is left behind" {
  : >empty.jpg
  exits 1 "$imgq" submit a.jpg empty.jpg gone.jpg .
  same "$(find spool/tmp -type f | wc -l)" 0
  same "$(jobs_in_spool)" 1
  exits 0 "$imgq" fsck
}

@test "odd bytes in names survive, and forge no line" {
  local odd=$'new\nline \xff\xfe.jpg'
  cp a.jpg "$odd"
  exits 0 "$imgq" submit "$odd"
  id=$output
  exits 0 "$imgq" status --json "$id"
  jq -e '.name_percent == "new%0Aline%20%FF%FE.jpg"' stdout
  exits 0 "$imgq" list
  one_line stdout
  contains "$output" 'new\x0aline \xff\xfe.jpg'
  rm "$odd"
  exits 66 "$imgq" submit "$odd"
  same "$errors" 'imgq: new\x0aline \xff\xfe.jpg: No such file or directory'
}

@test "a list comes from a file or stdin, by lines or NULs" {
  printf 'b.jpg\na.jpg\n' >list
  exits 0 "$imgq" submit --files-from list
  same "$(names_in_order <stdout | tr '\n' ' ')" "b.jpg a.jpg "
  cp a.jpg $'odd\nname.jpg'
  printf 'a.jpg\0odd\nname.jpg\0' | exits 0 "$imgq" submit -0 --files-from - --print0
  same "$(tr -cd '\0' <stdout | wc -c)" 2
  exits 66 "$imgq" submit --files-from gone.list
  same "$errors" "imgq: gone.list: No such file or directory"
  : | exits 0 "$imgq" submit --files-from -
  same "$(cat stdout stderr)" ""
}

@test "an image comes from stdin" {
  exits 0 "$imgq" submit --name web.jpg - <a.jpg
  exits 0 "$imgq" status --json "$output"
  jq -e '.name == "web.jpg"' stdout
  : | exits 65 "$imgq" submit -
  same "$(cat stderr)" "imgq: stdin: the file is empty"
  head -c 70000000 /dev/zero | IMGQ_LIMITS_MAX_FILE_BYTES=64MiB exits 65 "$imgq" submit -
  exits 64 "$imgq" submit - -
}

@test "the same key gives the same job" {
  exits 0 "$imgq" submit --key order-17 a.jpg
  first=$output
  exits 0 "$imgq" submit --key order-17 b.jpg
  same "$output" "$first"
  exits 0 "$imgq" submit --key order-18 a.jpg
  [ "$output" != "$first" ]
  exits 64 "$imgq" submit --key k a.jpg b.jpg
  exits 64 "$imgq" submit --key "$(printf 'k%.0s' {1..256})" a.jpg
  same "$(jobs_in_spool)" 2
}

@test "dedupe: the same content with the same request gives the same job" {
  exits 0 "$imgq" submit --dedupe a.jpg b.jpg
  same "$(sort -u stdout | wc -l)" 1
  exits 0 "$imgq" submit --dedupe --size 10x10 a.jpg
  exits 0 "$imgq" submit --dedupe - <a.jpg
  same "$(jobs_in_spool)" 2
  exits 0 "$imgq" submit --dedupe --json a.jpg
  jq -e '.existing == true and .name == "a.jpg"' stdout
}

@test "link takes the file itself, and copies where it cannot" {
  exits 0 "$imgq" submit --link a.jpg
  same "$(stat -c %h a.jpg)" 2
  ln -s a.jpg soft.jpg
  exits 0 "$imgq" submit --link soft.jpg
  same "$(stat -c %h a.jpg)" 2
  same "$(find spool/jobs -name '*.src' -type l | wc -l)" 0
}

@test "held jobs wait until they are released" {
  exits 0 "$imgq" submit --hold a.jpg
  id=$output
  exits 0 "$imgq" status "$id"
  same "$output" hold
  exits 0 "$imgq" release "$id"
  exits 0 "$imgq" status "$id"
  same "$output" staging
  exits 0 "$imgq" hold "$id"
  exits 0 "$imgq" status "$id"
  same "$output" hold
  exits 0 "$imgq" cancel "$id"
  exits 0 "$imgq" status "$id"
  same "$output" cancelled
  exits 1 "$imgq" hold "$id"
  same "$errors" "imgq: $id: is cancelled and cannot be held"
  exits 1 "$imgq" retry "$id"
}

@test "many are submitted in one go" {
  yes a.jpg | head -n 600 >list
  exits 0 "$imgq" submit --files-from list
  same "$(sort -u stdout | wc -l)" 600
  same "$(jobs_in_spool)" 600
  exits 0 "$imgq" stats --json
  jq -e '.jobs.staging == 600' stdout
}

@test "json is told of each file, good and bad" {
  exits 1 "$imgq" submit --json a.jpg gone.jpg b.jpg
  json_lines stdout
  jq -e -s '(.[0].id | length) == 36 and .[0].existing == false and
    .[1].name == "gone.jpg" and .[1].error.message == "No such file or directory" and
    .[1].error.code == "source_missing" and
    .[2].name == "b.jpg"' stdout
}

@test "what was not tried after the spool took no more is told" {
  yes a.jpg | head -n 300 >list
  IMGQ_DAEMON_MIN_FREE=1000000000000000 exits 75 "$imgq" submit --json --files-from list
  same "$(tail -1 stderr)" "imgq: 44 more files not tried"
  json_lines stdout
  same "$(wc -l <stdout)" 300
  jq -e -s '.[299] | .name == "a.jpg" and .error.message == "not tried"' stdout
}

@test "without --spool, variable or configuration the user's own spool is made" {
  unset IMGQ_SPOOL
  exits 0 "$imgq" submit a.jpg
  [ -f "$XDG_STATE_HOME/imgq/format" ]
  same "$(stat -c %a "$XDG_STATE_HOME/imgq")" 700
}

@test "names of a pipe are submitted as its writer writes them, and the last at its end" {
  mkfifo names
  "$imgq" submit --files-from - <names >ids 2>errors 3>&- &
  local submitting=$!
  exec 9>names
  printf 'a.jpg\nb.j' >&9
  until_true one_line ids
  printf 'pg\ngone.jpg\n' >&9
  until_true grep -q gone.jpg errors
  same "$(wc -l <ids)" 2
  printf 'a.jpg' >&9
  exec 9>&-
  local got=0
  wait "$submitting" || got=$?
  same "$got" 1
  same "$(ls spool/staging | cut -d. -f1)" "$(cat ids)"
  same "$(wc -l <ids)" 3
}

@test "a list on disk of which a name is wrong submits nothing" {
  mkdir below
  cp a.jpg below
  printf 'below/a.jpg\na.jpg\n' >list
  exits 64 "$imgq" submit --root below --files-from list
  same "$output" ""
}
