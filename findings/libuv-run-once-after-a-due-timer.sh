#!/bin/bash
# findings/libuv-run-once-after-a-due-timer.sh [MIRROR]
# uv_run(loop, UV_RUN_ONCE) of a loop with a timer that is due already: "blocks if there are no pending
# callbacks". libuv 1.44 (Debian 12) calls that timer's callback first, and then waits for the next event all
# the same, here a timer in 400 ms; where nothing else comes, it waits for ever. 1.50 (Debian 13) returns at
# once. Whoever goes round such a loop by hand looks at what is due first, and runs it with UV_RUN_NOWAIT.
# Needs root and debootstrap. MIRROR: a Debian archive (default: the one apt uses here).
# Seen: 1.44.2-1+deb12u1: both callbacks, 400 ms later; 1.50.0-2: one callback, at once.
set -euo pipefail
# shellcheck disable=SC2016  # apt expands them
mirror=${1:-$(apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 'Created-By: Packages' |
  awk '$1 == "bookworm" || $1 == "trixie" { print $2; exit }')}
work=$(mktemp -d /var/tmp/finding.XXXXXX)
trap 'rm -rf --one-file-system "$work"' EXIT

cat >"$work/once.c" <<'END_OF_C'
#include <stdio.h>
#include <uv.h>
static int calls;
static void count(uv_timer_t* timer) { ++*(int*)timer->data; }
int main(void) {
  uv_loop_t loop;
  uv_timer_t due, later;
  due.data = later.data = &calls;
  uv_loop_init(&loop);
  uv_timer_init(&loop, &due);
  uv_timer_init(&loop, &later);
  uv_timer_start(&due, count, 0, 0);
  uv_timer_start(&later, count, 400, 0);
  const uint64_t began = uv_hrtime();
  uv_run(&loop, UV_RUN_ONCE);
  printf("callbacks: %d, waited: %s\n", calls, uv_hrtime() - began >= 350000000 ? "yes" : "no");
}
END_OF_C

expect() { # SUITE LINE...
  local suite=$1 got
  shift
  debootstrap --variant=minbase --include=gcc,libc6-dev,libuv1-dev "$suite" "$work/$suite" "$mirror" >"$work/log" 2>&1 ||
    { tail "$work/log" >&2 && exit 69; }
  cp "$work/once.c" "$work/$suite/tmp"
  # shellcheck disable=SC2016  # dpkg expands it
  got=$(chroot "$work/$suite" sh -euc '
    dpkg-query -W -f "\${Version}\n" libuv1-dev
    gcc -o /tmp/once /tmp/once.c -luv
    /tmp/once')
  printf '== %s\n%s\n' "$suite" "$got"
  [ "$got" = "$(printf '%s\n' "$@")" ] || { echo "$suite: behaviour or version has changed" >&2 && exit 1; }
}
expect bookworm 1.44.2-1+deb12u1 'callbacks: 2, waited: yes'
expect trixie 1.50.0-2 'callbacks: 1, waited: no'
