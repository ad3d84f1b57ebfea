#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2154  # variables of helper.bash
# Whether hosts may share a file system: `imgq doctor --also`, and tests/contract/run.
load helper

setup() {
  own_directory
  "$imgq" init >/dev/null
}

suite=$BATS_TEST_DIRNAME/../contract/run

@test "two mounts of one spool are tried, and nothing is left of it" {
  can_mount || skip "cannot mount here"
  mkdir other
  unshare -m sh -c 'mount --bind . other && exec "$1" doctor --also other/spool' _ "$imgq" >found || true
  contains "$(<found)" "hard link to one name, by two at once: one of them could, 50 of 50"
  contains "$(<found)" "under the lock that imgq takes: used by all, 20 of 20"
  [ -z "$(ls spool/tmp)" ]
}

@test "what is no other mount is refused in plain words" {
  "$imgq" --spool strange init >/dev/null
  exits 1 "$imgq" doctor --also strange
  contains "$output" "other mount: strange is another spool"
  exits 1 "$imgq" doctor --also nowhere
  contains "$output" "-> name the same spool as another mount of its file system shows it"
  cp -r spool copy
  exits 1 "$imgq" doctor --also copy
  contains "$output" "these are two folders, not one that is mounted twice"
}

@test "a clause that is broken is told with its cure, and as JSON" {
  exits 1 strace -f -qq -o /dev/null -e trace=linkat -e inject=linkat:error=EPERM "$imgq" doctor --also spool
  contains "$output" "hard link to one name, by two at once: neither could, 50 of 50"
  "$imgq" doctor --json --also spool >found.json || true
  keep imgq-doctor found.json
  [ "$(jq '[.checks[] | select(.what | startswith("flock"))] | length' found.json)" -eq 3 ]
}

@test "the suite: one folder passes, two do not, and nothing stays" {
  mkdir a b
  exits 0 "$suite" --bin "$bin" --short a a
  contains "$output" "Several hosts may share a spool on this file system, mounted in this way."
  exits 0 "$suite" --bin "$bin" --short --json a a
  [ "$(jq -r '[.clauses[].verdict] | unique | join(" ")' <<<"$output")" = "kept note" ]
  exits 2 "$suite" --bin "$bin" a b
  contains "$errors" "what is made in a is not seen in b: they are two folders"
  exits 2 "$suite" --bin "$bin" a
  exits 2 "$suite" --bin nowhere a a
  left=(a/* b/*)
  [ "${#left[@]}" -eq 0 ]
}

@test "the suite says what is broken" {
  mkdir a
  exits 1 strace -f -qq -o /dev/null -e trace=flock -e inject=flock:error=ENOLCK "$suite" --bin "$bin" --short a a
  contains "$output" "broken  flock keeps the other mount out: no lock to be had: No locks available"
  contains "$output" "Do not share a spool on this file system, mounted in this way."
}
