#!/bin/bash
# findings/cli11-takes-brackets-apart.sh [MIRROR]
# What CLI11 reads from the command line into an option or operand that takes several values is a list
# when it stands in brackets: the file "[2019]" comes as "2019", "[a,b]" as two, and "[]" as none. An option
# that takes one value leaves it alone, so a program that is taught to take several files begins to lose
# those with such names. Quoting for the shell does not help.
# Needs root and debootstrap. MIRROR: a Debian archive (default: the one apt uses here).
# Seen: 2.1.2 (Debian 12) and 2.4.1 (Debian 13): as told; 2.6.1 (sid) as well.
set -euo pipefail
# shellcheck disable=SC2016  # apt expands them
mirror=${1:-$(apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 'Created-By: Packages' |
  awk '$1 == "bookworm" || $1 == "trixie" { print $2; exit }')}
work=$(mktemp -d /var/tmp/finding.XXXXXX)
trap 'rm -rf --one-file-system "$work"' EXIT
cat >"$work/names.cc" <<'CODE'
#include <CLI/CLI.hpp>
#include <cstdio>
int main(int count, char** words) {
  CLI::App app;
  std::string output;
  std::vector<std::string> files;
  app.add_option("--output", output);
  app.add_option("files", files);
  CLI11_PARSE(app, count, words);
  std::printf("output %s\n", output.c_str());
  for (const std::string& file : files) std::printf("file %s\n", file.c_str());
}
CODE

observed() { # SUITE: the package's version, then the values as the program sees them
  debootstrap --variant=minbase --include=g++,libcli11-dev "$1" "$work/$1" "$mirror" >"$work/log" 2>&1 ||
    { tail "$work/log" >&2 && return 69; }
  cp "$work/names.cc" "$work/$1/tmp/"
  # shellcheck disable=SC2016  # the inner shell expands it
  chroot "$work/$1" bash -euc '
    cd /tmp
    dpkg-query -W -f "\${Version}\n" libcli11-dev
    g++ -std=c++17 names.cc -o names
    ./names --output "[2019]" plain "[2019]" "[a,b]" "[]" "[x].jpg"'
}

expect() { # SUITE LINE...
  local suite=$1 got
  shift
  got=$(observed "$suite")
  printf '== %s\n%s\n' "$suite" "$got"
  [ "$got" = "$(printf '%s\n' "$@")" ] || { echo "$suite: behaviour or version has changed" >&2 && exit 1; }
}
expect bookworm 2.1.2+ds-1 'output [2019]' 'file plain' 'file 2019' 'file a' 'file b' 'file [x].jpg'
expect trixie 2.4.1+ds-2 'output [2019]' 'file plain' 'file 2019' 'file a' 'file b' 'file [x].jpg'
