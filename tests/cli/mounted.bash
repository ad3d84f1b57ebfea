# shellcheck shell=bash disable=SC2154  # variables of helper.bash
# A spool on a file system of its own (bindfs), which can be killed, stopped and mounted anew, with a
# daemon and a shim beside it. After helper.bash.

setup() {
  own_directory
  can_mount || skip "needs root and mounts"
  [ -c /dev/fuse ] || skip "no /dev/fuse"
  command -v bindfs >/dev/null || skip "no bindfs"
  mkdir store other mnt
  "$imgq" init --spool "$dir/store/spool" >/dev/null
  "$imgq" init --spool "$dir/other/spool" >/dev/null
  export IMGQ_SPOOL=$dir/mnt/spool
  unshare -m --propagation private sh -c 'mount --make-rshared / && exec sleep 1000' 3>&- &
  space=$!
  until_true own_space
  mount_it store
}

teardown() {
  local pid
  for pid in "${mounted-}" "${daemon-}" "${shim-}" "${listener-}" "${space-}"; do
    [ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || true
  done
  wait
  fsfreeze -u "$dir/frozen" 2>/dev/null || true
  umount -l "$dir/frozen" 2>/dev/null || true
  cd /
  rm -rf --one-file-system "$dir"
}

# The mounts of the test are apart, and ready.
own_space() { grep -qx sleep "/proc/$space/comm"; }

inside() { nsenter -t "$space" -m -- "$@"; }

# Without a name of its own (.fuse_hidden...) for each file that is removed while it is open.
mount_it() { # STORE
  nsenter -t "$space" -m -- bindfs -f -o hard_remove "$dir/$1" "$dir/mnt" 3>&- &
  mounted=$!
  until_true inside mountpoint -q "$dir/mnt"
}

# As when the program of the file system crashes.
kill_mount() {
  kill -KILL "$mounted"
  wait "$mounted" || true
  mounted=
}

# COMMAND...: each before the program, which it becomes.
start_both() {
  nsenter -t "$space" -m -- "$@" "$bin/imgqd" --workers 2 >daemon.log 2>&1 3>&- &
  daemon=$!
  nsenter -t "$space" -m -- "$@" "$bin/imgq-httpd" --listen "unix:$dir/http" >shim.out 2>shim.log 3>&- &
  shim=$!
  until_true ready 200
  until_true grep -q 'entered the spool' daemon.log
}

ask() { curl -s --unix-socket "$dir/http" -o answer -w '%{http_code}' "http://localhost$1"; }
ready() { [ "$(ask /readyz)" = "$1" ]; }

upload() { # prints the job's id
  curl -s --unix-socket "$dir/http" -F "file=@$samples/fig.jpg" http://localhost/uploadFile | jq -r .file_id
}
