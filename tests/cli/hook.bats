#!/usr/bin/env bats
# shellcheck disable=SC2012,SC2030,SC2034,SC2031,SC2154  # variables of helper.bash; names are tame here
# Hooks: who owes them, and the example that posts.
load helper

configure() { # HOOK
  mkdir -p "$XDG_CONFIG_HOME/imgq"
  printf 'daemon.hook = "%s"\n' "$1" >"$XDG_CONFIG_HOME/imgq/imgq.toml"
}

@test "a cancel owes the hook of its configuration, and only then" {
  "$imgq" init
  small_jpeg >photo.jpg
  local quiet told
  quiet=$("$imgq" submit --hold photo.jpg)
  "$imgq" cancel "$quiet"
  [ -z "$(ls spool/hooks)" ]
  configure /bin/true
  told=$("$imgq" submit --hold photo.jpg)
  "$imgq" cancel "$told"
  same "$(ls spool/hooks)" "$told"
  "$imgq" fsck
}

@test "a cancel over HTTP owes the hook of its configuration" {
  "$imgq" init
  small_jpeg >photo.jpg
  configure /bin/true
  local job
  job=$("$imgq" submit --hold photo.jpg)
  "$bin/imgq-httpd" --listen unix:"$dir/socket" >httpd.log 2>&1 3>&- &
  daemon=$!
  until_true [ -S socket ]
  curl -sS --unix-socket socket -X DELETE "http://localhost/v1/jobs/$job" >reply
  same "$(ls spool/hooks)" "$job" || { cat reply httpd.log; return 1; }
}

# Answers one POST, and keeps its fields and its body.
receiver() {
  python3 - <<'END' 3>&- &
import http.server
class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with open("body", "wb") as file:
            file.write(body)
        self.send_response(204)
        self.end_headers()
        with open("fields", "w", encoding="ascii") as file:
            file.write(str(self.headers))
    def log_message(self, *words):
        pass
server = http.server.HTTPServer(("127.0.0.1", 0), Receiver)
server.timeout = 60
with open("port.new", "w", encoding="ascii") as file:
    file.write(str(server.server_port))
import os
os.rename("port.new", "port")
server.handle_request()
END
  until_true [ -e port ]
}

@test "the example hook signs what it posts, by HMAC-SHA256" {
  "$imgq" init
  small_jpeg >photo.jpg
  printf 'a key of\0 any bytes\n' >secret
  receiver
  printf 'IMGQ_HOOK_URL=http://127.0.0.1:%s/told\nIMGQ_HOOK_SECRET=%s\n' "$(cat port)" "$dir/secret" >settings
  printf '#!/bin/sh\nset -eu\nexport IMGQ_HOOK_ENV=%s\nexec %s "$@"\n' "$dir/settings" \
    "$BATS_TEST_DIRNAME/../../packaging/examples/imgq-hook-post" >hook
  chmod +x hook
  configure "$dir/hook"
  local job
  job=$("$imgq" submit photo.jpg)
  "$bin/imgqd" --drain 2>log
  [ -z "$(ls spool/hooks)" ]
  until_true [ -s fields ]
  same "$(cat body)" "{\"id\":\"$job\",\"state\":\"completed\",\"code\":\"\"}" || { cat log; return 1; }
  contains "$(cat fields)" "Idempotency-Key: $job-completed"
  local wanted
  wanted=$(python3 -c 'import hmac; print(hmac.digest(open("secret", "rb").read(), open("body", "rb").read(), "sha256").hex())')
  contains "$(cat fields)" "X-Imgq-Signature: sha256=$wanted"
}
