#!/usr/bin/env bats
# shellcheck disable=SC2012,SC2016,SC2030,SC2031,SC2094,SC2154  # variables of helper.bash; names are tame here
# Configuration: where values come from, and what is wrong with them.
load helper

setup() {
  own_directory
  mkdir -p config/imgq
}

@test "each value says where it came from: flag over variable over file" {
  printf 'spool = "/from/file"\n[daemon]\nworkers = 3\n' >config/imgq/imgq.toml
  IMGQ_SPOOL='' exits 0 "$imgq" config
  contains "$output" "spool = \"/from/file\""
  contains "$output" "# $dir/config/imgq/imgq.toml:1"
  contains "$output" "# $dir/config/imgq/imgq.toml:3"
  exits 0 "$imgq" config
  contains "$output" "# IMGQ_SPOOL"
  exits 0 "$imgq" --spool here config
  contains "$output" "spool = \"$dir/here\""
  contains "$output" "# --spool"
  IMGQ_DAEMON_WORKERS=5 exits 0 "$imgq" config --json
  json_lines stdout
  jq -e '.settings["daemon.workers"] | .value == 5 and .origin == "IMGQ_DAEMON_WORKERS"' stdout
  jq -e '.settings["jobs.max_attempts"].origin == "default"' stdout
}

@test "what is wrong is exit 78 with file, line and column, whatever the command" {
  printf '[daemon]\nworkres = 3\n' >config/imgq/imgq.toml
  local command
  for command in config list "submit a.jpg" doctor; do
    # shellcheck disable=SC2086
    exits 78 "$imgq" $command
    same "$errors" "imgq: $dir/config/imgq/imgq.toml: line 2, column 1: unknown key \
'daemon.workres'; did you mean 'daemon.workers'?"
  done
  exits 0 "$imgq" help
  echo 'garbage' >config/imgq/imgq.toml
  exits 78 "$imgq" config
  one_line stderr
  exits 78 "$imgq" --config gone.toml config
  same "$errors" "imgq: gone.toml: No such file or directory"
  rm config/imgq/imgq.toml
  IMGQ_LIMITS_MAX_PIXELS=lots exits 78 "$imgq" config
  contains "$errors" "IMGQ_LIMITS_MAX_PIXELS"
}

@test "presets are used by name" {
  "$imgq" init >/dev/null
  printf '[preset.web.small]\nsize = "8x8"\n[preset.web.large]\nsize = "12x"\nformat = "png"\n' \
    >config/imgq/imgq.toml
  small_jpeg >a.jpg
  exits 0 "$imgq" submit --preset web a.jpg
  exits 0 "$imgq" status --json "$output"
  jq -e '.request.preset == "web" and ([.request.renditions[].name] == ["large", "small"])' stdout
  exits 64 "$imgq" submit --preset wbe a.jpg
  same "$errors" "imgq: --preset: unknown preset 'wbe'; did you mean 'web'?"
  exits 0 "$imgq" run -q -o out --preset web a.jpg
  [ -f out/a.small.jpg ]
  [ -f out/a.large.png ]
}
