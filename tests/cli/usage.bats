#!/usr/bin/env bats
# shellcheck disable=SC2012,SC2016,SC2030,SC2031,SC2094,SC2154  # variables of helper.bash; names are tame here
# Options, help and the exit codes of usage errors.
load helper

commands() {
  "$imgq" help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'
}

@test "every command has help within 80 columns, examples before usage" {
  local command
  [ "$(commands | wc -l)" -ge 20 ]
  for command in $(commands); do
    exits 0 "$imgq" "$command" --help
    same "$errors" ""
    awk -v command="$command" 'length > 80 { print command ": " $0; bad = 1 } END { exit bad }' stdout
    [ "$(grep -n '^Examples:' stdout | cut -d: -f1)" -lt "$(grep -n '^Usage:' stdout | cut -d: -f1)" ]
    cp stdout by-option
    exits 0 "$imgq" help "$command"
    cmp stdout by-option
    exits 0 "$imgq" "$command" -h
    cmp stdout by-option
  done
}

@test "what a command writes with --json is in the schema, and nothing else may be in it" {
  local command told=0 schema=$BATS_TEST_DIRNAME/../../src/jobs/imgq.schema.json
  for command in $(commands); do
    exits 0 "$imgq" help "$command"
    grep -q ' --json ' stdout || continue
    told=$((told + 1))
    jq -e --arg name "imgq-$command" '.["$defs"] | has($name)' "$schema" >/dev/null
  done
  same "$told" "$(jq '[.["$defs"] | keys[] | select(test("^imgq-(run|submit|status|wait|get|list|info|cancel|retry|hold|release|purge|stats|top|log|cordon|uncordon|doctor|fsck|config|init)$"))] | length' "$schema")"
  echo '{"imgq":1,"id":"01a20c4a-2999-7512-8acf-1884698929c9","purged":true}' >imgq-purge.good
  exits 0 "$BATS_TEST_DIRNAME/fits-schema" imgq-purge.good
  sed 's/}$/,"new":1}/' imgq-purge.good >imgq-purge.more
  exits 1 "$BATS_TEST_DIRNAME/fits-schema" imgq-purge.more
  contains "$output" "'new' was unexpected"
}

@test "the daemons' help is of the same form" {
  local program
  for program in imgqd imgq-httpd; do
    exits 0 "$bin/$program" --help
    same "$errors" ""
    same "$(head -c $((${#program} + 3)) stdout)" "$program - "
    awk 'length > 80 { print; bad = 1 } END { exit bad }' stdout
    [ "$(grep -n '^Examples:' stdout | cut -d: -f1)" -lt "$(grep -n "^Usage: $program \[OPTION...\]$" stdout | cut -d: -f1)" ]
    contains "$output" "  -h, --help              this help"
    exits 0 "$bin/$program" -V
    same "$output" "$program $("$imgq" -V | cut -d' ' -f2)"
    "$bin/$program" --help >/dev/full 2>stderr && false
    same "$(cat stderr)" "$program: cannot write to stdout"
  done
}

@test "the program's help names all commands and exit codes within 80 columns" {
  exits 0 "$imgq" --help
  awk 'length > 80 { print; bad = 1 } END { exit bad }' stdout
  local word
  for word in run submit status wait get list cancel retry hold release purge info stats log fsck \
    doctor config top init; do
    contains "$output" "  $word "
  done
  for word in 64 65 66 69 70 73 74 75 77 78 130; do contains "$(tr '\n' ' ' <stdout)" "$word "; done
  cp stdout by-option
  exits 0 "$imgq" help
  cmp stdout by-option
}

@test "the version is told by -V and --version" {
  exits 0 "$imgq" --version -v
  same "$(head -1 stdout)" "imgq $("$imgq" --version | cut -d' ' -f2)"
  local library
  for library in libuv libvips libheif libwebp libjpeg-turbo lcms2 libseccomp; do
    grep -qE "^$library [0-9]+\.[0-9]+" stdout
  done
  IMGQ_WORKER=$dir/none exits 1 "$imgq" -vV
  same "$errors" "imgq: cannot find the worker program: $dir/none: No such file or directory"
  exits 0 "$imgq" --version
  [[ $output =~ ^imgq\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
  exits 0 "$imgq" -V
}

@test "without a command there is one line and exit 64" {
  exits 64 "$imgq"
  same "$output" ""
  one_line stderr
}

@test "an unknown command is told, with the one that was meant" {
  exits 64 "$imgq" submiit a.jpg
  same "$errors" "imgq: unknown command 'submiit'; did you mean 'submit'?; 'imgq help' lists them"
  exits 64 "$imgq" frobnicate
  same "$errors" "imgq: unknown command 'frobnicate'; 'imgq help' lists them"
  exits 64 "$imgq" help frobnicate
}

@test "commands are not abbreviated" {
  exits 64 "$imgq" stat
  exits 64 "$imgq" sub a.jpg
}

@test "an unknown option is told, with the one that was meant, wherever it stands" {
  exits 64 "$imgq" submit --sizee 3x3 a.jpg
  same "$errors" "imgq: unknown option '--sizee'; did you mean '--size'?; see 'imgq submit --help'"
  exits 64 "$imgq" --spoool x list
  same "$errors" "imgq: unknown option '--spoool'; did you mean '--spool'?; see 'imgq --help'"
  exits 64 "$imgq" list -5
  exits 64 "$imgq" list --limit=3 extra
  contains "$errors" "unexpected argument 'extra'"
}

@test "an option without its value is told" {
  exits 64 "$imgq" submit --size
  one_line stderr
  contains "$errors" "--size"
  exits 64 "$imgq" --spool
}

@test "an empty value, as of a variable that is not set, is no value" {
  local option
  for option in --size= --format= --preset= --quality= --files-from= --key= --name= --spool= --config=; do
    exits 64 "$imgq" submit "$option" a.jpg
    same "$errors" "imgq: ${option%=}: needs a value"
  done
  exits 64 "$imgq" run -o "" a.jpg
  same "$errors" "imgq: --output: needs a value"
  exits 64 "$imgq" submit -s "" a.jpg
  same "$errors" "imgq: --size: needs a value"
  exits 64 "$imgq" --spool "" list
  same "$errors" "imgq: --spool: needs a value"
}

@test "numbers, sizes and durations are refused instead of wrapped" {
  local option
  for option in --quality=-1 --quality=0 --quality=101 --quality=1e1 \
    --max-bytes=-1 --max-bytes=99999999999999999999 --size=-1x5 --size=0x0 --size=9000x1 --size=5 \
    --sharpen=-1 --sharpen=nan --focus=2,0 --chroma=411 --background=red --anchor=up --format=gif \
    --mode=zoom --preset=none; do
    exits 64 "$imgq" submit "$option" a.jpg
    one_line stderr
    same "$output" ""
  done
  exits 64 "$imgq" list --limit=-1
  exits 64 "$imgq" list --limit=18446744073709551617
  exits 64 "$imgq" wait --timeout=-1s 01a20c4a-2999-7512-8acf-1884698929c9
  exits 64 "$imgq" purge --older=soon
  exits 64 "$imgq" run --workers=-1 a.jpg
}

@test "options that exclude each other are told" {
  exits 64 "$imgq" submit --fit --fill a.jpg
  exits 64 "$imgq" submit --preset web --size 5x5 a.jpg
  exits 64 "$imgq" submit --key k --dedupe a.jpg
  exits 64 "$imgq" -q -v list
  exits 64 "$imgq" list --newest --oldest
  exits 64 "$imgq" stats --age --prometheus
}

@test "an option that would be passed over is told" {
  id=01a20c4a-2999-7512-8acf-1884698929c9
  exits 64 "$imgq" run -0 a.jpg
  same "$errors" "imgq: --null goes with --files-from"
  exits 64 "$imgq" submit -0 a.jpg
  exits 64 "$imgq" submit --name x a.jpg
  same "$errors" "imgq: --name is for an image on stdin: -"
  exits 64 "$imgq" submit --name x --files-from -
  exits 64 "$imgq" submit --json --print0 a.jpg
  exits 64 "$imgq" submit --hold --wait a.jpg
  same "$errors" "imgq: --hold with --wait needs --timeout: a held job does not end"
  exits 64 "$imgq" get --timeout 5s "$id"
  same "$errors" "imgq: --timeout goes with --wait"
  exits 64 "$imgq" get --json --print0 "$id"
  exits 64 "$imgq" get --json -o - "$id"
  same "$errors" "imgq: --print0, --json and --output - exclude each other"
}

@test "the last of a repeated option counts" {
  exits 64 "$imgq" list --limit 5 --limit x
  "$imgq" init >/dev/null
  exits 0 "$imgq" list --limit x --limit 5
}

@test "options of the program may stand before and after the command" {
  exits 69 "$imgq" --spool nowhere list
  exits 69 "$imgq" list --spool nowhere
  contains "$errors" "$dir/nowhere: no spool there"
  exits 69 "$imgq" list --spool=nowhere
}

@test "a name that looks like an option is one only before --" {
  "$imgq" init >/dev/null
  small_jpeg >--size
  exits 0 "$imgq" submit -- --size
  [[ $output =~ ^[0-9a-f-]{36}$ ]]
  exits 0 "$imgq" submit ./--size
}

@test "a name with brackets is one name, in arguments and in options" {
  "$imgq" init >/dev/null
  local odd
  for odd in '[2020]' '[a,b]' '[]' '%%' '{}' $'[x]\x01' $'y\x01'; do
    small_jpeg >"$odd"
    printf '%s\n' "$odd" >"list$odd"
    exits 0 "$imgq" submit --json "$odd"
    jq -e --arg name "$odd" '.name == $name' stdout
    exits 0 "$imgq" submit --json --files-from "list$odd"
    jq -e --arg name "$odd" '.name == $name' stdout
    rm -f "$odd" "list$odd"
  done
  small_jpeg >'[2020]'
  for odd in '-o[x,y]' '--output=[x,y]'; do
    exits 0 "$imgq" run --print "$odd" '[2020]'
    same "$output" '[x,y]/[2020].jpg'
    rm -r '[x,y]'
  done
  mkdir d
  small_jpeg >d/5
  small_jpeg >d/a
  exits 0 "$imgq" run --print --exclude '[0-9]' -o out d
  same "$output" out/a.jpg
  exits 66 "$imgq" submit '[a,b]'
  same "$errors" "imgq: [a,b]: No such file or directory"
  exits 64 "$imgq" list '[a,b]'
  same "$errors" "imgq: unexpected argument '[a,b]'; see 'imgq list --help'"
}

@test "a file may be named like a command" {
  "$imgq" init >/dev/null
  small_jpeg >run
  small_jpeg >help
  exits 0 "$imgq" submit run help
  same "$(wc -l <stdout)" 2
}

@test "colour is written only where it is wanted" {
  "$imgq" init >/dev/null
  small_jpeg >a.jpg
  "$imgq" submit a.jpg >ids
  "$imgq" cancel <ids
  exits 0 "$imgq" log
  lacks $'\e' stdout
  exits 0 "$imgq" log --color always
  grep -q $'\e' stdout
  exits 64 "$imgq" log --color sometimes
  # On a terminal: yes, unless NO_COLOR or a dumb one says no.
  exits 0 env TERM=xterm script -qec "'$imgq' log" /dev/null
  grep -q $'\e\[31m' stdout
  exits 0 env TERM=xterm NO_COLOR=1 script -qec "'$imgq' log" /dev/null
  lacks $'\e\[31m' stdout
  exits 0 env TERM=dumb script -qec "'$imgq' log" /dev/null
  lacks $'\e\[31m' stdout
}

@test "a full stdout is an error, not silence" {
  "$imgq" init >/dev/null
  local got=0
  "$imgq" stats >/dev/full 2>stderr || got=$?
  same "$got" 74
  same "$(cat stderr)" "imgq: cannot write to stdout"
  got=0
  "$imgq" --help >/dev/full 2>stderr || got=$?
  same "$got" 74
  same "$(cat stderr)" "imgq: cannot write to stdout"
}

@test "start-up takes a few milliseconds and loads no image library" {
  ldd "$imgq" >libraries
  lacks vips libraries
}
