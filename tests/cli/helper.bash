# What all of these have in common. Each test has a directory and a spool of its own.
# PROGRAMS is where the programs are; ctest sets it.

bin=${PROGRAMS:?the directory of the programs}
imgq=$bin/imgq
samples=$BATS_TEST_DIRNAME/../../samples/photos
shopt -s nullglob

# A photograph of 16 x 11 pixels.
small_jpeg() {
  base64 -d <<'END'
/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABsSFBcUERsXFhceHBsgKEIrKCUlKFE6PTBCYFVlZF9V
XVtqeJmBanGQc1tdhbWGkJ6jq62rZ4C8ybqmx5moq6T/2wBDARweHigjKE4rK06kbl1upKSkpKSk
pKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKT/wAARCAALABADASIA
AhEBAxEB/8QAFQABAQAAAAAAAAAAAAAAAAAAAwT/xAAgEAACAQQBBQAAAAAAAAAAAAABAgMABBES
ITEyQWGB/8QAFQEBAQAAAAAAAAAAAAAAAAAAAwT/xAAbEQACAQUAAAAAAAAAAAAAAAAAAQIDERIh
Mf/aAAwDAQACEQMRAD8AK/DtKN3Ii8AdCfdGLh7RkUNlSe37Vqosg1cbKRyDUllBGbtiVzpyuTnF
G079Kaco4PR//9k=
END
}

# A PNG that only says how large it is: WIDTH HEIGHT.
huge_png() {
  python3 - "$1" "$2" <<'END'
import struct, sys, zlib
def chunk(kind, data):
    return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
width, height = int(sys.argv[1]), int(sys.argv[2])
sys.stdout.buffer.write(b'\x89PNG\r\n\x1a\n' +
    chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, 1, 0, 0, 0, 0)) +
    chunk(b'IDAT', zlib.compress(b'\0' * 1000)) + chunk(b'IEND', b''))
END
}

# A directory with nothing of the user's configuration about.
own_directory() {
  dir=$(mktemp -d "${TMPDIR:-/tmp}/imgq-cli.XXXXXX")
  export XDG_CONFIG_HOME=$dir/config XDG_STATE_HOME=$dir/state HOME=$dir
  unset "${!IMGQ_@}" NO_COLOR TERM # as in CI, where nobody looks
  export IMGQ_SPOOL=$dir/spool
  cd "$dir" || return 1
}

setup() {
  own_directory
}

teardown() {
  stop_daemon
  cd /
  rm -rf "$dir"
  local kept=("$BATS_TEST_TMPDIR"/json/*)
  [ ${#kept[@]} -eq 0 ] || "$BATS_TEST_DIRNAME/fits-schema" "${kept[@]}"
}

# Keeps what a program has written for others, which the end of a test compares with the schema.
keep() { # DEFINITION FILE
  mkdir -p "$BATS_TEST_TMPDIR/json"
  cp "$2" "$BATS_TEST_TMPDIR/json/$1.$RANDOM$RANDOM"
}

keep_json() { # COMMAND...: whose stdout is there
  while [ $# -gt 0 ] && [ "$1" != "$imgq" ]; do shift; done
  [[ " $* " == *" --json "* ]] || return 0
  shift
  while [[ ${1-} == --spool || ${1-} == --config ]]; do shift 2; done
  keep "imgq-$1" "$dir/stdout"
}

# Waits until a command succeeds; a minute is for ever here.
until_true() {
  local deadline=$((SECONDS + 60))
  until "$@"; do
    [ "$SECONDS" -lt "$deadline" ] || return 1
    sleep 0.02
  done
}

# Whether the programs are the sanitizers' build: those want to be the first library (faketime is one
# before them), and look for leaks with ptrace when they end (as strace does).
sanitized() { grep -qaF __asan_init "$imgq"; }

# Programs see a mounted bucket in this directory: no file without a name, and no second one.
like_a_bucket() {
  ! sanitized || skip "the sanitizers want to be the first library"
  command -v cc >/dev/null || skip "no compiler"
  cat >bucket.c <<'END'
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>
int link(const char* from, const char* to) { (void)from, (void)to; errno = EIO; return -1; }
int open64(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  int mode = va_arg(more, int);
  va_end(more);
  if ((flags & O_TMPFILE) == O_TMPFILE) { errno = EOPNOTSUPP; return -1; }
  return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}
END
  cc -shared -fPIC -o bucket.so bucket.c
}

has_daemon() { # the lock of an instance is held
  local alive
  for alive in "$IMGQ_SPOOL"/processing/*/.alive; do
    ! flock -n -s "$alive" true || continue
    return 0
  done
  return 1
}

start_daemon() {
  "$bin/imgqd" --spool "$IMGQ_SPOOL" --workers 1 >"$dir/imgqd.log" 2>&1 3>&- &
  daemon=$!
  until_true has_daemon
}

stop_daemon() {
  [ -n "${daemon:-}" ] || return 0
  kill "$daemon" 2>/dev/null || true
  wait "$daemon" 2>/dev/null || true
  daemon=
}

# Runs a command; its exit status must be the first argument. Leaves $output, $errors (one line
# each, usually) and the raw bytes in $dir/stdout and $dir/stderr.
exits() {
  local wanted=$1 got=0
  shift
  "$@" >"$dir/stdout" 2>"$dir/stderr" || got=$?
  output=$(tr -d '\0' <"$dir/stdout")
  errors=$(cat "$dir/stderr")
  keep_json "$@"
  [ "$got" -eq "$wanted" ] && return 0
  echo "exit $got instead of $wanted: $*"
  echo "stdout: $output"
  echo "stderr: $errors"
  return 1
}

same() {
  [ "$1" = "$2" ] && return 0
  printf 'wanted: %s\ngot:    %s\n' "$2" "$1"
  return 1
}

contains() {
  case "$1" in *"$2"*) return 0 ;; esac
  printf 'no "%s" in: %s\n' "$2" "$1"
  return 1
}

lacks() { # PATTERN FILE
  grep -q -- "$1" "$2" || return 0
  echo "there is '$1' in: $(cat "$2")"
  return 1
}

one_line() {
  [ "$(wc -l <"$1")" -eq 1 ] && return 0
  echo "not one line:"
  cat "$1"
  return 1
}

# Every line of a file is a JSON object of version 1.
json_lines() {
  jq -e -s 'length > 0 and all(.[]; type == "object" and .imgq == 1)' "$1" >/dev/null
}

can_mount() {
  [ "$(id -u)" -eq 0 ] && unshare -m true 2>/dev/null
}
