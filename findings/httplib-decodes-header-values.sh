#!/bin/bash
# findings/httplib-decodes-header-values.sh [MIRROR]
# A server of cpp-httplib percent-decodes the values of header fields, as if they were parts of a URL: a
# client that sends "X-Name: 100%25" has sent "100%" to the handler, and an escaped and a plain value
# cannot be told apart. Newer ones leave Location and Referer alone, and those two only. A query's value
# is cut at its second "=" by 0.11: of "?a=1=2" the handler sees 2.
# Needs root and debootstrap. MIRROR: a Debian archive (default: the one apt uses here).
# Seen: 0.11.4 (Debian 12): "100% a+b", 2, "x y"; 0.18.7 (Debian 13): "100% a+b", 1=2, "x%20y"; 0.41.0 as 0.18.7.
set -euo pipefail
# shellcheck disable=SC2016  # apt expands them
mirror=${1:-$(apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 'Created-By: Packages' |
  awk '$1 == "bookworm" || $1 == "trixie" { print $2; exit }')}
work=$(mktemp -d /var/tmp/finding.XXXXXX)
trap 'rm -rf --one-file-system "$work"' EXIT
cat >"$work/echo.cc" <<'CODE'
#include <httplib.h>
#include <cstdio>
int main() {
  httplib::Server server;
  server.Get("/", [&](const httplib::Request& asked, httplib::Response& reply) {
    reply.set_content(asked.get_header_value("X-Name") + "\n" + asked.get_param_value("a") + "\n" +
                          asked.get_header_value("Referer") + "\n", "text/plain");
  });
  std::printf("%d\n", server.bind_to_any_port("127.0.0.1"));
  std::fflush(stdout);
  server.listen_after_bind();
}
CODE

observed() { # SUITE: the package's version, then a field, a query value and the Referer as the handler sees them
  debootstrap --variant=minbase --include=g++,pkg-config,libcpp-httplib-dev,curl "$1" "$work/$1" "$mirror" >"$work/log" 2>&1 ||
    { tail "$work/log" >&2 && return 69; }
  cp "$work/echo.cc" "$work/$1/tmp/"
  # shellcheck disable=SC2016  # the inner shell expands it
  chroot "$work/$1" bash -euc '
    cd /tmp
    dpkg-query -W -f "\${Version}\n" libcpp-httplib-dev
    g++ -std=c++17 -pthread echo.cc -o echo $(pkg-config --cflags --libs cpp-httplib)
    ./echo >port &
    trap "kill $!" EXIT
    until [ -s port ]; do sleep 0.1; done
    curl -s --retry 9 --retry-connrefused -H "X-Name: 100%25 a+b" -e "x%20y" "http://127.0.0.1:$(cat port)/?a=1=2"'
}

expect() { # SUITE LINE...
  local suite=$1 got
  shift
  got=$(observed "$suite")
  printf '== %s\n%s\n' "$suite" "$got"
  [ "$got" = "$(printf '%s\n' "$@")" ] || { echo "$suite: behaviour or version has changed" >&2 && exit 1; }
}
expect bookworm 0.11.4+ds-1+deb12u1 '100% a+b' 2 'x y'
expect trixie 0.18.7-1+deb13u1 '100% a+b' 1=2 'x%20y'
