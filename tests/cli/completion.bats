#!/usr/bin/env bats
# shellcheck disable=SC2012,SC2016,SC2030,SC2031,SC2094,SC2154  # variables of helper.bash; names are tame here
# The completion scripts, driven in the shells they are for.
load helper

setup() {
  own_directory
  mkdir bin
  ln -s "$bin"/{imgq,imgqd,imgq-httpd} bin
  PATH=$dir/bin:$PATH
}

# What bash would offer for these words.
bash_offers() {
  bash -c '
    source <("$0" completion bash)
    complete -p "$1" >/dev/null
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    compopt() { :; }
    _imgq
    printf "%s\n" "${COMPREPLY[@]}"' "$imgq" "$@"
}

@test "bash completes commands, options, words and files" {
  same "$(bash_offers imgq sub)" submit
  contains "$(bash_offers imgq --)" --spool
  contains "$(bash_offers imgq submit --pro)" --progressive
  contains "$(bash_offers imgq submit --sp)" --spool
  same "$(bash_offers imgq submit --format we)" webp
  same "$(bash_offers imgq --spool x list --state fa)" failed
  touch picture.jpg
  same "$(bash_offers imgq run pic)" picture.jpg
  same "$(bash_offers imgq help sta | tr '\n' ' ')" "status stats "
  same "$(bash_offers imgqd --dr)" --drain
  same "$(bash_offers imgqd --sync b)" batch
  same "$(bash_offers imgqd -s)" ""
  same "$(bash_offers imgq-httpd --token-file pic)" picture.jpg
}

@test "zsh completes commands, options and words" {
  command -v zsh >/dev/null || skip "no zsh"
  mkdir functions
  "$imgq" completion zsh >functions/_imgq
  zsh -n functions/_imgq
  exits 0 python3 - <<'END'
import os, pty, select, sys, time
pid, fd = pty.fork()
if pid == 0:
    os.environ.update(TERM='dumb', ZDOTDIR=os.getcwd(), PS1='READY> ')
    os.execvp('zsh', ['zsh', '-f', '-i'])
def read_until(marker):
    seen = b''
    deadline = time.monotonic() + 60
    while marker not in seen:
        assert time.monotonic() < deadline, seen
        if select.select([fd], [], [], 0.1)[0]:
            seen += os.read(fd, 65536)
    return seen
os.write(b'' and fd or fd, b"PS1='READY'; fpath=($PWD/functions $fpath); autoload -U compinit; compinit -u -D; "
    b"zstyle ':completion:*' list-colors ''; LISTMAX=1000; setopt no_beep; echo SET''UP\n")
read_until(b'SETUP')
def complete(line, marker):
    os.write(fd, line + b'\t')
    read_until(marker)
    os.write(fd, b'\x15')
complete(b'imgq subm', b'imgq submit ')
complete(b'imgq submit --progr', b'--progressive ')
complete(b'imgq submit --format we', b'webp ')
complete(b'imgq list --state proc', b'processing ')
complete(b'imgqd --dra', b'--drain ')
complete(b'imgq-httpd --log-style js', b'json ')
os.write(fd, b'exit\n')
END
}

@test "fish completes commands, options, words and files" {
  command -v fish >/dev/null || skip "no fish"
  "$imgq" completion fish >imgq.fish
  fish --no-execute imgq.fish
  offers() { fish -c 'source imgq.fish; complete -C "$argv[1]"' "$1" | cut -f1; }
  same "$(offers 'imgq sub')" submit
  contains "$(offers 'imgq submit --prog')" --progressive
  same "$(offers 'imgq submit --format we')" webp
  contains "$(offers 'imgq list --state ')" delayed
  touch picture.jpg
  contains "$(offers 'imgq run pic')" picture.jpg
  same "$(offers 'imgq submit --format=we')" --format=webp
  same "$(offers 'imgqd --dra')" --drain
  same "$(offers 'imgq-httpd --log-style js')" json
}

@test "an unknown shell is exit 64, and the command itself is not listed" {
  exits 64 "$imgq" completion tcsh
  exits 64 "$imgq" completion
  exits 0 "$imgq" help
  lacks completion stdout
}
