#!/usr/bin/env bats
# shellcheck disable=SC2012,SC2016,SC2030,SC2031,SC2094,SC2154  # variables of helper.bash; names are tame here
# run: thumbnails here and now.
load helper

setup() {
  own_directory
  mkdir photos
  cp "$samples"/*.jpg "$samples"/*.png photos/
  small_jpeg >a.jpg
}

# Everything below a directory but .imgq, with what would change if it were made anew.
made() {
  find "$1" -path "$1/.imgq" -prune -o -type f -printf '%P %i %T@\n' | sort
}

size_of() {
  "$imgq" info --json "$1" | jq -r '"\(.width)x\(.height)"'
}

@test "a folder becomes a folder of thumbnails, and nothing else is left" {
  exits 0 "$imgq" run -o out photos
  same "$output" ""
  contains "$errors" "6 made, 0 up to date, 0 failed"
  same "$(ls out)" "$(ls photos | sed 's/\.png$/.jpg/')"
  for file in out/*.jpg; do
    [[ $(size_of "$file") =~ ^(500x[0-9]+|[0-9]+x500|470x470)$ ]]
    same "$(stat -c %a "$file")" "$(printf '%o' $((0666 & ~$(umask))))"
  done
  same "$(ls -A out/.imgq)" "done"
}

@test "run again does nothing; a source that changed is made anew; so is a result that went" {
  "$imgq" run -q -o out photos
  made out >first
  exits 0 "$imgq" run -o out photos
  contains "$errors" "0 made, 6 up to date"
  made out >second
  cmp first second
  touch photos/fig.jpg
  rm out/stream.jpg
  echo broken >out/mountains.jpg
  exits 0 "$imgq" run -o out photos
  contains "$errors" "3 made, 3 up to date"
  exits 0 "$imgq" run -o out --size 100x100 photos
  contains "$errors" "6 made"
  [[ $(size_of out/fig.jpg) =~ ^100x ]]
}

@test "two requests into one directory, in turn: each finds its own results up to date" {
  "$imgq" run -q -o out photos
  exits 0 "$imgq" run -o out --format webp photos
  contains "$errors" "6 made, 0 up to date"
  made out >first
  exits 0 "$imgq" run -o out --manifest - photos
  contains "$errors" "0 made, 6 up to date"
  jq -e '[.images[].results[].type] == ["image/jpeg" | (., ., ., ., ., .)]' stdout
  exits 0 "$imgq" run -o out --format webp photos
  contains "$errors" "0 made, 6 up to date"
  made out >second
  cmp first second
}

@test "one bad file does not stop the rest: a line each at the end, exit 1; all bad: 65, 66" {
  echo "hello" >photos/text.jpg
  head -c 5000 photos/fig.jpg >photos/cut.jpg
  : >photos/empty.jpg
  huge_png 50000 50000 >photos/huge.png
  exits 1 "$imgq" run -o out photos/*.jpg photos/*.png gone.jpg
  same "$(grep -c '^imgq: photos/' stderr)" 4
  contains "$errors" "imgq: gone.jpg: No such file or directory"
  contains "$errors" "imgq: photos/empty.jpg: the file is empty"
  contains "$errors" "6 made, 0 up to date, 5 failed"
  same "$(ls out | wc -l)" 6
  same "$(ls -A out/.imgq)" "done"
  exits 65 "$imgq" run -o out2 photos/text.jpg photos/cut.jpg
  exits 66 "$imgq" run -o out2 gone.jpg
  exits 1 "$imgq" run -o out2 gone.jpg photos/text.jpg
}

@test "a bad file is told once, and not tried again until something changes" {
  echo "hello" >photos/text.jpg
  : >photos/empty.jpg
  exits 1 "$imgq" run -o out photos gone.jpg
  contains "$errors" "imgq: photos/empty.jpg: the file is empty"
  contains "$errors" "imgq: photos/text.jpg: no signature of an image format that is known"
  exits 1 "$imgq" run -o out photos gone.jpg
  lacks photos/ stderr
  contains "$errors" "imgq: gone.jpg: No such file or directory" # that is no verdict
  contains "$errors" "imgq: out: 0 made, 6 up to date, 1 failed, 2 known to be bad in"
  contains "$errors" "imgq: --retry-failed tries again what is known to be bad; -v names it"
  exits 1 "$imgq" run -q -o out photos
  same "$errors" ""
  exits 65 "$imgq" run -q -o out photos/text.jpg photos/empty.jpg
  exits 1 "$imgq" run -v -o out photos
  contains "$errors" "imgq: photos/text.jpg: passed over: known to be bad: no signature of an image"
  contains "$errors" "imgq: photos/empty.jpg: passed over: known to be bad: the file is empty"
  lacks "entered the spool" stderr
  # programs are told each time
  exits 1 "$imgq" run -q -o out --json photos
  same "$(jq -r 'select(.state == "failed") | .error.code' stdout | sort | tr '\n' ' ')" "empty_file not_an_image "
  exits 1 "$imgq" run -q -o out --manifest - photos
  jq -e '(.images | length) == 6 and (.failed | length) == 2' stdout
  exits 1 "$imgq" run -o out --retry-failed photos
  contains "$errors" "0 made, 6 up to date, 2 failed in"
  exits 1 "$imgq" run -o out photos
  contains "$errors" "0 made, 6 up to date, 0 failed, 2 known to be bad"
  # another request, other limits, another file
  exits 1 "$imgq" run -o out --size 20x photos
  contains "$errors" "6 made, 0 up to date, 2 failed in"
  IMGQ_LIMITS_MAX_SIDE_PX=9999 exits 1 "$imgq" run -o out --size 20x photos
  contains "$errors" "0 made, 6 up to date, 2 failed in"
  cp a.jpg photos/empty.jpg
  echo "hello again" >photos/text.jpg
  IMGQ_LIMITS_MAX_SIDE_PX=9999 exits 1 "$imgq" run -o out --size 20x photos
  contains "$errors" "1 made, 6 up to date, 1 failed in"
  cp a.jpg photos/text.jpg
  exits 0 "$imgq" run -o out --size 20x photos
}

@test "what may pass by itself is no verdict: the next run tries it again" {
  printf '[preset.io.small]\nsize = "8x8"\n' >io.toml
  for _ in first next; do
    IMGQ_WORKER=$bin/faulty_worker IMGQ_JOBS_MAX_ATTEMPTS=1 exits 1 "$imgq" --config io.toml run -o out --preset io a.jpg
    contains "$errors" "imgq: a.jpg: "
    contains "$errors" "0 made, 0 up to date, 1 failed in"
  done
}

@test "--prune removes what was made of images that are gone, and nothing else" {
  mkdir -p tree/x tree/y
  for file in top x/a y/a y/b; do cp a.jpg "tree/$file.jpg"; done
  exits 0 "$imgq" run -q -o out --size 8x,9x tree
  exits 0 "$imgq" run -q -o out --size 8x,10x tree # what was made for 9x is still told of
  cp a.jpg out/y/own.jpg
  exits 0 "$imgq" run -q -o out - <a.jpg
  made out >before
  exits 0 "$imgq" run -o out --size 8x,10x --prune tree
  contains "$errors" "0 made, 4 up to date, 0 failed in"
  made out | cmp - before
  rm -r tree/x tree/y/a.jpg
  exits 0 "$imgq" run -o out --size 8x,10x tree # not by itself
  made out | cmp - before
  exits 0 "$imgq" run -o out --size 8x,10x --prune --dry-run tree
  same "$(sort stdout)" "remove out/x/a.10w.jpg
remove out/x/a.8w.jpg
remove out/x/a.9w.jpg
remove out/y/a.10w.jpg
remove out/y/a.8w.jpg
remove out/y/a.9w.jpg"
  contains "$errors" "out: 0 to make, 2 up to date, 0 failed, 6 to remove"
  made out | cmp - before
  echo changed >out/y/a.8w.jpg
  # A list leaves out what it wants.
  exits 0 "$imgq" run -v -o out --size 8x,10x --prune --root tree --files-from <(echo tree/top.jpg)
  contains "$errors" "imgq: out/y/a.9w.jpg: removed: its source is gone"
  contains "$errors" "0 made, 1 up to date, 0 failed, 5 removed in"
  same "$(cd out && find . -path ./.imgq -prune -o -print | sort)" ".
./stdin.jpg
./top.10w.jpg
./top.8w.jpg
./top.9w.jpg
./y
./y/a.8w.jpg
./y/b.10w.jpg
./y/b.8w.jpg
./y/b.9w.jpg
./y/own.jpg"
  exits 0 "$imgq" run -o out --size 8x,10x --json --prune tree
  lacks removed stdout
  lacks x/a out/.imgq/done
  rm tree/top.jpg
  exits 0 "$imgq" run -o out --size 8x,10x --json --prune tree
  same "$(jq -r 'select(.state == "removed") | .file' stdout | sort | tr '\n' ' ')" "top.10w.jpg top.8w.jpg top.9w.jpg "
  exits 64 "$imgq" run -o small.jpg --prune a.jpg
  same "$errors" "imgq: --prune goes with an output directory"
}

@test "--prune removes nothing when images may only be out of sight" {
  mkdir -p tree/x other none
  cp a.jpg tree/top.jpg
  cp a.jpg tree/x/a.jpg
  cp a.jpg other/b.jpg
  exits 0 "$imgq" run -q -o out tree other
  made out >before
  mv tree unmounted
  mkdir tree # as a mount point
  exits 0 "$imgq" run -o out --prune other tree none
  made out | cmp - before
  rmdir tree
  exits 1 "$imgq" run -o out --prune other tree
  contains "$errors" "imgq: nothing is removed: not all that was named could be read"
  exits 0 "$imgq" run -o out --prune other
  made out | cmp - before
  mv unmounted tree
  rm tree/top.jpg other/b.jpg
  exits 1 "$imgq" run -o out --prune tree gone
  made out | cmp - before
  if [ "$(id -u)" -eq 0 ]; then
    command -v setpriv >/dev/null || skip "no setpriv"
    as=(setpriv --reuid=65534 --regid=65534 --clear-groups env HOME="$dir")
    chmod 711 "$dir"
    cp "$bin"/imgq{,-worker} .
    chown -R 65534 out tree
    chown 65534 stdout stderr
    imgq=./imgq
  fi
  for mode in 000 444; do # 444: the names can be read, and nothing else of the files
    chmod "$mode" tree/x
    got=0
    "${as[@]}" "$imgq" run -o out --prune tree >stdout 2>stderr || got=$?
    contains "$(cat stderr)" "imgq: nothing is removed: not all that was named could be read"
    made out | cmp - before
    chmod 755 tree/x
  done
  exits 0 "${as[@]}" "$imgq" run -o out --prune tree
  contains "$errors" "1 removed" # that of other/b.jpg is not: its directory is empty
  # what is no result of its own directory is not reached, whatever the ledger says
  sed 's|"file":"b.jpg"|"file":"../b.jpg"|' -i out/.imgq/done
  mv out/b.jpg b.jpg
  touch other/still
  exits 0 "${as[@]}" "$imgq" run -o out --prune tree
  [ -e b.jpg ]
}

# A tree whose deepest names make a path that the kernel does not take.
deep_tree() {
  local name
  name=$(printf 'd%.0s' {1..200})
  (
    for _ in {1..21}; do mkdir "$name" && cd "$name" || return; done
    cp "$dir/photos/fig.jpg" .
  )
}

@test "what cannot be read in a folder is named and counts; what leads nowhere does not" {
  mkdir tree
  ln -s nowhere tree/nowhere.jpg
  (cd tree && deep_tree)
  exits 66 "$imgq" run -o out tree
  contains "$errors" ": File name too long"
  ln -s round.jpg tree/round.jpg
  cp photos/fig.jpg tree/
  exits 1 "$imgq" run -o out tree
  contains "$errors" "1 made, 0 up to date, 2 failed"
  contains "$errors" "imgq: tree/round.jpg: "
  same "$(grep -c nowhere stderr)" 0
  exits 0 "$imgq" init --spool "$dir/spool"
  exits 1 "$imgq" submit -r --spool "$dir/spool" tree
  contains "$errors" ": File name too long"
  contains "$errors" "imgq: tree/round.jpg: "
  same "$(wc -l <stdout)" 1
}

@test "a result is known by its content where its time is another, as in a copy or a bucket" {
  "$imgq" run -q -o out photos
  cp -r out copy
  touch -d 2020-01-01 copy/*.jpg
  exits 0 "$imgq" run -n -o copy photos
  same "$output" ""
  exits 0 "$imgq" run -o copy photos
  contains "$errors" "0 made, 6 up to date"
  # It is read once: the ledger tells the new time, and no digest is needed any more.
  sed -i 's/"sha256":"[0-9a-f]*",\{0,1\}//; s/,}/}/' copy/.imgq/done
  exits 0 "$imgq" run -o copy photos
  contains "$errors" "0 made, 6 up to date"
  touch -d 2021-01-01 copy/*.jpg # by a ledger of an earlier version
  exits 0 "$imgq" run -o copy photos
  contains "$errors" "6 made"
  # Its size alone is not enough.
  tr '\0' '\1' <copy/fig.jpg >other
  cmp -s other copy/fig.jpg && return 1
  cp other copy/fig.jpg
  exits 0 "$imgq" run -o copy photos
  contains "$errors" "1 made, 5 up to date"
  # What it made is no image, with whatever time.
  cp -r photos inside
  "$imgq" run -q -o inside/thumbs inside
  touch -d 2020-01-01 inside/thumbs/*.jpg
  exits 0 "$imgq" run -o inside/thumbs inside
  contains "$errors" "0 made, 6 up to date"
}

@test "--dry-run says what would be done, and makes nothing" {
  echo hello >photos/text.jpg
  exits 0 "$imgq" run -n -o out photos
  same "$(sort stdout)" "$(printf 'make %s\n' photos/*)"
  contains "$errors" "out: 7 to make, 0 up to date, 0 failed"
  exits 0 "$imgq" run -n -o small.jpg a.jpg
  same "$output" "make a.jpg"
  exits 0 "$imgq" run -n -o - a.jpg
  exits 64 "$imgq" run -n -o small.jpg photos
  exits 66 "$imgq" run -n -o out gone.jpg
  same "$(ls -A | tr '\n' ' ')" "a.jpg photos stderr stdout "
  exits 1 "$imgq" run -q -o out photos
  touch photos/fig.jpg
  made out >before
  stat -c %y out/.imgq out/.imgq/done >stamps
  exits 1 "$imgq" run -n -v -o out photos
  same "$output" "make photos/fig.jpg"
  contains "$errors" "imgq: photos/stream.jpg: is up to date"
  contains "$errors" "imgq: photos/text.jpg: passed over: known to be bad"
  contains "$errors" "out: 1 to make, 5 up to date, 0 failed, 1 known to be bad"
  exits 0 "$imgq" run -n -o out --retry-failed photos
  contains "$errors" "out: 2 to make, 5 up to date, 0 failed"
  exits 1 "$imgq" run -n -o out --json photos
  json_lines stdout
  same "$(jq -r .state stdout | sort | uniq -c | tr -s ' \n' ' ')" " 1 failed 1 to_make 5 up_to_date "
  made out | cmp - before
  stat -c %y out/.imgq out/.imgq/done | cmp - stamps
  exits 64 "$imgq" run -n --print -o out photos
  exits 64 "$imgq" run -n -o out - <a.jpg
}

@test "folders keep their structure; names that would meet are kept apart, always alike" {
  mkdir -p tree/x/y other
  cp a.jpg tree/top.jpg
  cp a.jpg tree/x/y/deep.jpg
  cp a.jpg tree/same.jpg
  cp photos/dandelion-cut-out.png tree/same.png
  cp a.jpg other/top.jpg
  echo "no image" >tree/notes.txt
  exits 0 "$imgq" run -o out --print tree other
  same "$(sort stdout)" "out/same.jpg.jpg
out/same.png.jpg
out/top.jpg-2.jpg
out/top.jpg.jpg
out/x/y/deep.jpg"
  exits 0 "$imgq" run -o out --print tree other
  contains "$errors" "0 made, 5 up to date"
  same "$(wc -l <stdout)" 5
}

@test "what file servers keep beside the photographs is left out" {
  mkdir -p tree/@eaDir/a.jpg tree/#recycle tree/x/@eaDir
  for file in a @eaDir/a.jpg/thumb '#recycle/b' x/c x/@eaDir/d; do cp a.jpg "tree/$file.jpg"; done
  exits 0 "$imgq" run -o out --print tree
  same "$(sort stdout | tr '\n' ' ')" "out/a.jpg out/x/c.jpg "
  exits 0 "$imgq" run -o out2 --print tree/@eaDir
  same "$output" "out2/a.jpg/thumb.jpg"
}

@test "sources of one name from several runs do not replace each other's thumbnails" {
  mkdir one two
  cp photos/fig.jpg one/p.jpg
  cp photos/stream.jpg two/p.jpg
  exits 0 "$imgq" run -o out --print one
  same "$output" out/p.jpg
  made out >before
  exits 0 "$imgq" run -o out --print two
  same "$output" out/p.jpg.jpg
  same "$(made out | comm -12 - before)" "$(cat before)"
  # The same sources keep their names, also with another size; a source that went frees its name.
  exits 0 "$imgq" run -o out --print --size 50x two
  same "$output" out/p.jpg.jpg
  exits 0 "$imgq" run -o out --print --size 50x one
  same "$output" out/p.jpg
  rm one/p.jpg
  exits 0 "$imgq" run -o out --print --size 60x two/p.jpg
  same "$output" out/p.jpg
}

@test "a thumbnail is not replaced by that of another image whose size gives the same name" {
  cp a.jpg p.320w.jpg
  cp photos/fig.jpg p.jpg
  exits 0 "$imgq" run -o out --size 50x p.320w.jpg
  made out >before
  exits 73 "$imgq" run -o out --size 320x,640x p.jpg
  contains "$errors" "out/p.320w.jpg: a file that imgq has not made of this image is in the way"
  same "$(made out | comm -12 - before)" "$(cat before)"
  rm p.320w.jpg
  exits 0 "$imgq" run -o out --size 320x,640x p.jpg
}

@test "a folder with its thumbnails can be moved: they are still known as such" {
  exits 0 "$imgq" run -q -o photos --format webp photos/*
  mv photos pictures
  exits 0 "$imgq" run -o pictures --format webp pictures/*.jpg pictures/*.png
  contains "$errors" "0 made, 6 up to date, 0 failed"
}

@test "what was made in one folder is not taken for what belongs into another" {
  mkdir -p tree/x tree/y
  cp a.jpg tree/x/a.jpg
  ln -s ../x/a.jpg tree/y/link.jpg
  exits 0 "$imgq" run -o out --print tree/x/a.jpg
  same "$output" out/a.jpg
  exits 0 "$imgq" run -o out --print tree
  same "$(sort stdout)" $'out/x/a.jpg\nout/y/link.jpg'
  contains "$errors" "2 made, 0 up to date"
  exits 0 "$imgq" run -o out tree tree/x/a.jpg
  contains "$errors" "0 made, 3 up to date"
}

@test "thumbnails below the input are not taken for sources, whatever run has made them" {
  exits 0 "$imgq" run -o photos/small --size 50x photos
  exits 0 "$imgq" run -o photos/large --format webp photos
  contains "$errors" "6 made, 0 up to date, 0 failed"
  exits 0 "$imgq" run -o photos/small --size 50x -v photos
  contains "$errors" "0 made, 6 up to date, 0 failed"
  same "$(grep -c "made by imgq" stderr)" 6
  # beside their sources
  exits 0 "$imgq" run -o photos --format webp photos/*.jpg photos/*.png
  contains "$errors" "6 made"
  exits 0 "$imgq" run -o photos/large --format webp photos
  contains "$errors" "0 made, 6 up to date, 0 failed"
  # They are images like others for who names their directory, and once they are changed.
  exits 0 "$imgq" run -o smaller --size 20x photos/large
  contains "$errors" "6 made"
  small_jpeg >photos/large/fig.webp
  exits 0 "$imgq" run -o photos/small --size 50x photos
  contains "$errors" "1 made, 6 up to date, 0 failed"
}

@test "what imgq has made is not taken for a source in a list either" {
  cp -r photos work
  cd work
  listed() { exits 0 "$imgq" run "$@" -0 --files-from <(find . -name '*.jpg' -print0); }
  listed -o thumbs
  contains "$errors" "5 made, 0 up to date, 0 failed"
  made thumbs >../before
  listed -v -o thumbs
  contains "$errors" "0 made, 5 up to date, 0 failed"
  same "$(grep -c "imgq: ./thumbs/.*.jpg: passed over: made by imgq" ../stderr)" 5
  made thumbs | cmp - ../before
  # whatever run has made it, also beside its source; the same in directories that are listed
  listed -o small --size 50x
  contains "$errors" "5 made, 0 up to date, 0 failed"
  listed -o . --format png
  exits 0 "$imgq" run -o thumbs --files-from <(find . -type d -o -path '*/.imgq/*')
  contains "$errors" "1 made, 5 up to date, 0 failed" # and dandelion-cut-out.png
  for only in thumbs thumbs/fig.jpg; do
    exits 0 "$imgq" run -o other --files-from <(echo "$only")
    same "$errors" "imgq: no image found but those that imgq has made"
    exits 66 "$imgq" run -o other --strict --files-from <(echo "$only")
  done
  # It is an image like others for who names it, and once it is changed.
  exits 0 "$imgq" run -o other thumbs/fig.jpg
  contains "$errors" "1 made"
  small_jpeg >thumbs/fig.jpg
  exits 0 "$imgq" run -o other --files-from <(echo thumbs/fig.jpg)
  contains "$errors" "1 made"
}

@test "--root keeps the folders of a list" {
  mkdir -p tree/x/y
  cp a.jpg tree/x/y/deep.jpg
  cp a.jpg tree/top.jpg
  ln -s tree link
  exits 0 "$imgq" run -o flat --print --files-from <(find tree -name '*.jpg')
  same "$(sort stdout)" $'flat/deep.jpg\nflat/top.jpg'
  local root
  for root in tree ./tree/ tree/x/.. "$dir/tree" link; do
    exits 0 "$imgq" run -o out --root "$root" --print --files-from <(find tree -name '*.jpg')
    same "$(sort stdout)" $'out/top.jpg\nout/x/y/deep.jpg'
  done
  contains "$errors" "0 made, 2 up to date"
  # by the names as they are written; a directory in the list, too; the arguments have roots of their own
  exits 0 "$imgq" run -o out2 --root "$dir" --print --files-from <(echo link/x) tree/x
  same "$(sort stdout)" $'out2/link/x/y/deep.jpg\nout2/y/deep.jpg'
  exits 64 "$imgq" run -o out3 --root tree --files-from <(printf '%s\n' tree/top.jpg a.jpg)
  same "$errors" "imgq: --root: 'a.jpg' is not below 'tree'"
  exits 66 "$imgq" run -o out3 --root nowhere --files-from <(echo tree/top.jpg)
  same "$errors" "imgq: nowhere: No such file or directory"
  exits 64 "$imgq" run -o out3 --root tree tree
  same "$errors" "imgq: --root goes with --files-from"
  [ ! -e out3 ]
}

@test "--exclude leaves out names, paths and folders, of directories and of lists" {
  mkdir -p tree/drafts/x tree/x tree/cut/drafts
  for file in a_raw drafts/a drafts/x/b x/a x/b cut/drafts/c '[a]'; do cp a.jpg "tree/$file.jpg"; done
  left() { same "$(sed 's|^out/||' stdout | sort | tr '\n' ' ')" "$1 "; }
  exits 0 "$imgq" run -v -o out --print --exclude '*_raw.*' --exclude drafts tree
  left "[a].jpg x/a.jpg x/b.jpg"
  contains "$errors" "imgq: tree/drafts: passed over: excluded"
  exits 0 "$imgq" run -o out --print --exclude drafts/ --exclude 'x/[!a]*' --exclude '\[a]*' tree
  left "a_raw.jpg x/a.jpg"
  exits 0 "$imgq" run -o out --print --exclude 'cut/*' --exclude 'd*s/x' --exclude '*r*.jpg' --exclude '.*' ./tree
  left "[a].jpg drafts/a.jpg x/a.jpg x/b.jpg"
  exits 0 "$imgq" run -o out --exclude '*' tree
  same "$errors" "imgq: no image found"
  # a given directory is meant; a given file is looked at by its name
  exits 0 "$imgq" run -o out --print --exclude 'tre*' --exclude a_raw.jpg tree/a_raw.jpg tree/x/b.jpg
  same "$(wc -l <stdout)" 1
  exits 0 "$imgq" run -o out --print --exclude drafts tree/drafts/x
  same "$(wc -l <stdout)" 1
  # a * matches no slash; a folder on the way is as good as one that is not entered
  cd tree
  exits 0 "$imgq" run -o ../out --print --root . --exclude 'x*.jpg' --exclude drafts --exclude '.*' --files-from <(find . -type f)
  same "$(wc -l <../stdout)" 4
  lacks drafts ../stdout
  exits 0 "$imgq" run -o ../out --print --exclude 'drafts/x' --exclude 'x/*' --files-from <(find . -type f | sort)
  same "$(LC_ALL=C sort ../stdout)" $'../out/[a].jpg\n../out/a.jpg\n../out/a_raw.jpg\n../out/c.jpg'
}

@test "in a directory what is named like an image and is none is told, other files are passed over" {
  : >photos/Empty.JPG
  echo "not found" >photos/page.png
  echo "notes" >photos/notes.txt
  cp a.jpg photos/without-a-name
  ln -s nowhere photos/dangling.jpg
  exits 1 "$imgq" run -o out -v photos
  contains "$errors" "imgq: photos/Empty.JPG: the file is empty"
  contains "$errors" "imgq: photos/page.png: no signature of an image format that is known"
  contains "$errors" "7 made, 0 up to date, 2 failed"
  contains "$errors" "imgq: photos/notes.txt: passed over: no image"
}

@test "in a directory what begins like an image is none to pass over, whatever its name" {
  mkdir pictures
  printf 'II+\0\010\0\0\0' >pictures/bigtiff
  printf '\0\0\0\030ftypabcd\0\0\0\0abcdheic' >pictures/brand
  printf '\0\0\0\024ftyphevx\0\0\0\0hevx' >pictures/hevx
  for name in bigtiff brand hevx; do
    exits 65 "$imgq" info pictures/$name
    [[ $errors =~ truncated|corrupt_image|unsupported_format ]]
  done
  export IMGQ_FORMATS_TIFF=false IMGQ_FORMATS_HEIC=false
  exits 65 "$imgq" run -o out pictures
  contains "$errors" "imgq: pictures/bigtiff: TIFF is switched off"
  contains "$errors" "imgq: pictures/brand: HEIC is switched off"
  contains "$errors" "imgq: pictures/hevx: HEIC is switched off"
}

@test "odd names survive, from a list separated by NUL" {
  local odd=$'new\nline \xff.jpg'
  cp a.jpg "photos/$odd"
  find photos -name '*line*' -print0 | exits 0 "$imgq" run -0 --files-from - -o out --print0
  same "$(tr -cd '\0' <stdout | wc -c)" 1
  [ -s "out/$odd" ]
}

@test "an output below the input is not taken for input" {
  exits 0 "$imgq" run -o photos/thumbs photos
  exits 0 "$imgq" run -o photos/thumbs photos
  contains "$errors" "0 made, 6 up to date"
}

@test "an output that is an input is refused at once" {
  ln -s photos link
  for input in photos photos/ ./photos link; do
    exits 64 "$imgq" run -o photos a.jpg "$input"
    same "$errors" "imgq: $input: is the output, too: choose another --output, as one below it"
  done
  cd photos
  exits 64 "$imgq" run -o . .
  [ ! -e .imgq ]
}

@test "-o small.jpg is the file for the one result, and nothing else is left" {
  unset IMGQ_SPOOL
  exits 0 "$imgq" run -o small.jpg --size 100x100 photos/fig.jpg
  contains "$errors" "imgq: small.jpg: 1 made, 0 up to date, 0 failed"
  [[ $(size_of small.jpg) =~ ^100x ]]
  same "$(stat -c %a small.jpg)" "$(printf '%o' $((0666 & ~$(umask))))"
  exits 0 "$imgq" run -o small.jpg --size 100x100 --print photos/fig.jpg # the same is not in the way
  same "$output" small.jpg
  exits 0 "$imgq" run -o small.webp --json photos/fig.jpg # the format is that of the name
  jq -e '.results[0] | .type == "image/webp" and .file == "small.webp"' stdout
  exits 0 "$imgq" run -o small.PNG --size 20x photos/fig.jpg
  exits 0 "$imgq" run -o in.jpeg --size 20x --print --exclude '[!f]*' photos
  same "$(ls -A | sort | tr '\n' ' ')" "a.jpg in.jpeg photos small.PNG small.jpg small.webp state stderr stdout "
  same "$(ls -A state/imgq-run)" ""
  # a directory of that name, or a slash, makes it one
  mkdir dir.jpg
  exits 0 "$imgq" run -o dir.jpg photos/fig.jpg
  [ -s dir.jpg/fig.jpg ]
  exits 0 "$imgq" run -o new.jpg/ photos/fig.jpg
  [ -s new.jpg/fig.jpg ]
}

@test "-o small.jpg refuses what makes no one file, before it is tried" {
  exits 64 "$imgq" run -o small.jpg photos/fig.jpg a.jpg
  same "$errors" "imgq: --output: several images need a directory: 'small.jpg/' makes one"
  exits 64 "$imgq" run -o small.jpg photos
  exits 64 "$imgq" run -o small.jpg --size 10x,20x a.jpg
  same "$errors" "imgq: --output: several results need a directory"
  exits 64 "$imgq" run -o small.gif a.jpg
  contains "$errors" "results are jpeg, png, webp or avif"
  exits 64 "$imgq" run -o small.jpg --format png a.jpg
  same "$errors" "imgq: --output: 'small.jpg' is no name for a result in png"
  ln a.jpg b.jpg
  exits 64 "$imgq" run -o b.jpg a.jpg
  same "$errors" "imgq: b.jpg: is the image itself: choose another --output"
  exits 73 "$imgq" run -o gone/small.jpg a.jpg
  same "$errors" "imgq: gone/small.jpg: No such file or directory"
  mkdir none
  exits 66 "$imgq" run -o small.jpg none
  same "$errors" "imgq: no image found"
  exits 66 "$imgq" run -o small.jpg gone.jpg
  echo hello >text.jpg
  exits 65 "$imgq" run -o small.jpg text.jpg
  [ ! -e small.jpg ]
  echo precious >small.jpg
  exits 73 "$imgq" run -o small.jpg a.jpg
  contains "$errors" "small.jpg: a file is in the way: --overwrite replaces it"
  same "$(cat small.jpg)" precious
  exits 0 "$imgq" run -o small.jpg --overwrite a.jpg
  same "$(size_of small.jpg)" 16x11
  same "$(ls -A state/imgq-run)" ""
}

@test "run is a filter: an image on stdin, the result on stdout" {
  exits 0 "$imgq" run -o - --size 100x100 photos/fig.jpg
  same "$errors" ""
  cp stdout result.jpg
  [[ $(size_of result.jpg) =~ ^100x ]]
  "$imgq" run -o - --size 100x100 - <photos/fig.jpg | cmp - result.jpg
  "$imgq" run -o - --size 100x100 - < <(cat photos/fig.jpg) | cmp - result.jpg
  exits 0 "$imgq" run -o from.jpg --size 100x100 - <photos/fig.jpg
  cmp from.jpg result.jpg
  exits 0 "$imgq" run -o out --print --size 100x100 - a.jpg <photos/fig.jpg
  same "$(sort stdout)" $'out/a.jpg\nout/stdin.jpg'
  cmp out/stdin.jpg result.jpg
  exits 0 "$imgq" run -o out - <photos/stream.jpg # the next image on stdin takes its place
  contains "$errors" "1 made"
  same "$(ls -A out/.imgq)" "done"
  echo hello >text
  exits 65 "$imgq" run -o - - <text
  exits 65 "$imgq" run -o - - </dev/null
  same "$errors" "imgq: stdin: the file is empty"
  IMGQ_LIMITS_MAX_FILE_BYTES=1000 exits 65 "$imgq" run -o - - <photos/fig.jpg
  contains "$errors" "imgq: stdin: the file is larger than limits.max_file_bytes allows"
  exits 64 "$imgq" run -o - - -
  exits 64 "$imgq" run -o out --files-from - -
  same "$errors" "imgq: stdin can be read only once"
  exits 64 "$imgq" run -o - a.jpg photos/fig.jpg
  same "$errors" "imgq: --output: several images need a directory"
  exits 64 script -qec "'$imgq' run -o - a.jpg" /dev/null
  contains "$output" "an image is not for a terminal"
  same "$(ls -A state/imgq-run)" ""
}

@test "a filter works where the user's state cannot be written, and minds who reads it" {
  : >state
  mkdir tmp
  exits 0 env TMPDIR="$dir/tmp" "$imgq" run -o small.jpg a.jpg
  contains "$errors" "1 made"
  same "$(size_of small.jpg)" 16x11
  same "$(ls -A tmp)" ""
  exits 73 env TMPDIR="$dir/nowhere" "$imgq" run -o - a.jpg
  one_line stderr
  exits 75 env TMPDIR="$dir/tmp" bash -c '"$0" run -o - a.jpg >/dev/full' "$imgq"
  contains "$errors" "imgq: a.jpg: stdout: No space left on device"
  same "$(ls -A tmp)" ""
}

@test "what a killed filter left is removed by the next, what another works in is not" {
  mkdir -p state/imgq-run/single-killed/.imgq/spool-17 state/imgq-run/single-made state/imgq-run/single-used/.imgq
  exec 9<state/imgq-run/single-used/.imgq
  flock 9
  exits 0 "$imgq" run -o - a.jpg
  same "$(ls state/imgq-run)" single-used
  exec 9<&-
  mkfifo slow
  "$imgq" run -o small.jpg - <slow 2>log 3>&- &
  run=$!
  exec 8>slow
  working() { [ -n "$(echo state/imgq-run/single-*/.imgq/.imgq-stdin)" ]; }
  until_true working
  kill -KILL "$run"
  wait "$run" || true
  exec 8>&-
  [ ! -e small.jpg ]
  exits 0 "$imgq" run -o - a.jpg
  same "$(ls -A state/imgq-run)" ""
}

@test "neither sources nor other people's files are written over" {
  cp a.jpg in.jpg
  before=$(sha256sum in.jpg)
  exits 1 "$imgq" run -o . in.jpg photos/fig.jpg
  contains "$errors" "would overwrite a source"
  same "$(sha256sum in.jpg)" "$before"
  mkdir out
  echo precious >out/fig.jpg
  exits 73 "$imgq" run -o out photos/fig.jpg
  contains "$errors" "--overwrite replaces it"
  same "$(cat out/fig.jpg)" precious
  exits 0 "$imgq" run -o out --overwrite photos/fig.jpg
  [[ $(size_of out/fig.jpg) =~ ^500x ]]
}

@test "several sizes from one decode, and a manifest with srcset" {
  exits 1 "$imgq" run -o out --size 320x,640x --format webp --manifest all.json photos a.jpg gone.jpg
  keep manifest all.json
  jq -e '.imgq == 1 and (.images | length) == 7 and (.failed | length) == 1' all.json
  jq -e '.images[] | select(.source == "photos/fig.jpg") |
    .srcset == "fig.320w.webp 320w, fig.640w.webp 640w" and .width == 1600 and
    (.results | length) == 2 and all(.results[]; .type == "image/webp" and .bytes > 0)' all.json
  [ -s out/fig.320w.webp ]
  exits 0 "$imgq" run -q -o out --size 320x,640x --format webp --manifest - photos
  jq -e '(.images | length) == 6' stdout
}

@test "each anchor and each effect is also there in a confined worker" {
  for anchor in centre north north-east east south-east south south-west west north-west attention entropy; do
    exits 0 "$imgq" run -o out --fill --size 64x48 --anchor "$anchor" photos/fig.jpg
    same "$(size_of out/fig.jpg)" 64x48
  done
  exits 0 "$imgq" run -o out --size 60x --sharpen 0.5 --progressive --chroma 444 --background black photos
  contains "$errors" "6 made, 0 up to date, 0 failed"
  exits 0 "$imgq" run -o grey --pad --size 64x64 --background black --grey photos/fig.jpg
  same "$(size_of grey/fig.jpg)" 64x64
  same "$(vipsheader -f bands grey/fig.jpg)" 1
  exits 0 "$imgq" run -o exact --size 64x --lossless --format webp photos/fig.jpg
  contains "$(webpinfo exact/fig.webp)" "VP8L"
  exits 64 "$imgq" run -o exact --size 64x --lossless photos/fig.jpg
  contains "$errors" "only WebP and PNG can be lossless"
  for format in jpeg png webp avif auto keep; do
    exits 0 "$imgq" run -o "as-$format" --size 60x --format "$format" photos
    contains "$errors" "6 made, 0 up to date, 0 failed"
  done
}

@test "an animation stays one in a confined worker, where that is asked for" {
  vips black black.png 60 40 --bands 3
  vips linear black.png red.png 1 "250 10 20" --uchar
  vips arrayjoin "black.png red.png" both.png --across 1
  vips gifsave both.png two.gif --page-height 40
  for format in webp auto keep; do
    exits 0 "$imgq" run -o "$format" --animated --format "$format" two.gif
    webpinfo "$format/two.webp" >told
    same "$(grep -c ANMF told)" 2
    same "$(vipsheader -f n-pages "$format/two.webp")" 2
  done
  exits 0 "$imgq" run -o still --format webp two.gif
  same "$(webpinfo still/two.webp | grep -c ANMF)" 0
  IMGQ_LIMITS_MAX_ANIMATION_FRAMES=1 exits 0 "$imgq" run -v -o few --animated --format webp two.gif
  contains "$errors" "the first frame alone was taken"
  exits 64 "$imgq" run -o no --animated two.gif
  contains "$errors" "only WebP can be animated: it needs format webp, auto or keep"
}

# The samples at X Y of a file, as words.
pixel() {
  vips getpoint "$1" "$2" "$3" | tr -s ' \n' ' ' | sed 's/ $//'
}

@test "a watermark is laid over each image, and another makes them anew" {
  vips black black.png 60 40 --bands 3
  vips linear black.png red.png 1 "250 10 20" --uchar
  vips crop red.png mark.png 0 0 10 8
  exits 0 "$imgq" run -o out --format png --watermark mark.png black.png
  same "$(pixel out/black.png 59 39)" "250 10 20"
  same "$(pixel out/black.png 49 39)" "0 0 0"
  exits 0 "$imgq" run -o out --format png --watermark mark.png black.png
  contains "$errors" "0 made, 1 up to date"
  exits 0 "$imgq" run -o out --format png --watermark mark.png --watermark-place north-west \
    --watermark-opacity 40% black.png
  contains "$errors" "1 made, 0 up to date"
  same "$(pixel out/black.png 0 0)" "100 4 8"
  same "$(pixel out/black.png 59 39)" "0 0 0"
  vips crop red.png mark.png 0 0 60 40
  exits 0 "$imgq" run -o out --format png --watermark mark.png --watermark-place north-west \
    --watermark-opacity 40% black.png
  contains "$errors" "1 made, 0 up to date"
  same "$(pixel out/black.png 59 39)" "100 4 8"
}

@test "a watermark that cannot be used is told of" {
  exits 66 "$imgq" run -o out --watermark gone.png photos/fig.jpg
  same "$errors" "imgq: gone.png: No such file or directory"
  exits 64 "$imgq" run -o out --watermark-place north photos/fig.jpg
  contains "$errors" "go with --watermark"
  exits 64 "$imgq" run -o out --watermark photos/fig.jpg --watermark-place focus photos/fig.jpg
  contains "$errors" "--watermark-place: 'focus' is not centre, north"
  exits 64 "$imgq" run -o out --watermark photos/fig.jpg --watermark-opacity 0 photos/fig.jpg
  contains "$errors" "--watermark-opacity: '0' is not a percentage from 1 to 100"
  exits 64 "$imgq" run -o out --watermark photos/fig.jpg --colours keep photos/fig.jpg
  contains "$errors" "a watermark is of sRGB"
  echo text >words.png
  exits 65 "$imgq" run -o out --watermark words.png photos/fig.jpg
  contains "$errors" "watermark 'file-"
  contains "$errors" "not_an_image"
}

@test "an image that would grow goes out as it is coded, and a note says so" {
  djpeg photos/fig.jpg | cjpeg -baseline -quality 10 >small.jpg
  jpegtran -copy none -optimize small.jpg >expected.jpg
  exits 0 "$imgq" run -v -o out --size 8000x small.jpg
  contains "$errors" "larger than the source, whose own coding was kept"
  cmp out/small.jpg expected.jpg
  exits 0 "$imgq" run --json -o again --size 8000x small.jpg
  jq -e '.notes == ["source_coding_kept"]' stdout
  exits 0 "$imgq" run --json -o out --size 8000x --recompress small.jpg
  jq -e '.notes == null' stdout
  [ "$(stat -c %s out/small.jpg)" -gt "$(stat -c %s small.jpg)" ]
}

@test "json tells of each image" {
  echo "hello" >photos/text.jpg
  exits 1 "$imgq" run -q -o made --json photos/text.jpg photos/fig.jpg
  json_lines stdout
  jq -e -s '(map(select(.state == "failed")) | .[0].error.code) == "not_an_image" and
    (map(select(.state == "completed")) | .[0].results[0].file) == "fig.jpg"' stdout
  exits 0 "$imgq" run -q -o made --json photos/fig.jpg
  jq -e '.state == "up_to_date"' stdout
}

@test "what --max-bytes cannot reach is told, and is made as small as it can be" {
  exits 0 "$imgq" run -o out --max-bytes 100 photos/fig.jpg
  contains "$errors" "imgq: photos/fig.jpg: fig.jpg: "
  contains "$errors" "no quality makes it small enough"
  exits 0 "$imgq" run -o out --json --max-bytes 100 photos/fig.jpg
  jq -e '.results[0].max_bytes_met == false' stdout
  exits 0 "$imgq" run -o out --json --max-bytes 1MiB photos/fig.jpg
  lacks quality stderr
  jq -e '.results[0].max_bytes_met == true' stdout
}

@test "hot folders and the hook of the configuration are the daemon's, not a run's" {
  mkdir hot
  cp a.jpg hot/
  printf '#!/bin/sh\ntouch %s/hooked\n' "$dir" >hook
  chmod +x hook
  cat >daemon.toml <<END
[daemon]
hook = "$dir/hook"
[[intake]]
directory = "$dir/hot"
after = "remove"
settle = "0s"
END
  exits 0 "$imgq" --config daemon.toml run -o out photos
  contains "$errors" "6 made"
  same "$(ls hot)" a.jpg
  [ ! -e hooked ]
}

@test "only one thing goes to stdout" {
  local two
  for two in "--print --print0" "--json --print" "--json --manifest -" "--print --manifest -" "--json -o -"; do
    # shellcheck disable=SC2086
    exits 64 "$imgq" run -o out $two a.jpg
    same "$errors" "imgq: --print, --print0, --json, --manifest - and --output - exclude each other"
  done
}

@test "a manifest that cannot be written is told before the work" {
  exits 73 "$imgq" run -o out --manifest gone/all.json photos
  same "$errors" "imgq: gone/all.json: No such file or directory"
  exits 73 "$imgq" run -o out --manifest photos photos
  same "$errors" "imgq: photos: Is a directory"
  same "$(made out)" ""
  exits 0 "$imgq" run -q -o out --manifest out/all.json photos
  jq -e '(.images | length) == 6' out/all.json
}

@test "a manifest goes into a pipe, and through a link, and leaves them there" {
  exits 0 "$imgq" run -q -o out --manifest >(jq '.images | length' >count) photos
  until_true test -s count
  same "$(cat count)" 6
  mkfifo pipe
  jq -r '.images[0].source' pipe >first &
  exits 0 "$imgq" run -q -o out --manifest pipe photos
  wait $!
  same "$(cat first)" "$(ls photos/* | head -1)"
  [ -p pipe ]
  mkdir web
  ln -s web/all.json link
  for _ in new old; do
    exits 0 "$imgq" run -q -o out --manifest link photos
    [ -L link ]
    jq -e '(.images | length) == 6' web/all.json
  done
}

@test "a reader of stdout sees each image when it is ready" {
  mkfifo paths
  "$imgq" run -q --workers 1 -o out --print photos >paths 2>log 3>&- &
  run=$!
  exec 8<paths
  read -r first <&8
  kill -STOP "$run" # the rest is not there yet
  [ -s "$first" ]
  [ -n "$(ls -d out/.imgq/spool-*)" ]
  kill -CONT "$run"
  same "$(wc -l <&8)" 5
  exec 8<&-
  wait "$run"
}

@test "closed standard files are nobody's to write into" {
  echo "hello" >photos/text.jpg
  got=0
  "$imgq" run -o out photos >&- 2>&- <&- || got=$?
  same "$got" 1
  same "$(ls -A out/.imgq)" "done"
  lacks imgq: out/.imgq/done
  exits 1 "$imgq" run -o out photos
  contains "$errors" "0 made, 6 up to date, 0 failed, 1 known to be bad"
  got=0
  "$imgq" run -o out --print photos 2>stderr >&- || got=$?
  same "$got" 1
  contains "$(cat stderr)" "imgq: cannot write to stdout"
}

@test "nothing to do is well, unless --strict" {
  mkdir none
  exits 0 "$imgq" run -o out none
  same "$errors" "imgq: no image found"
  exits 66 "$imgq" run -o out --strict none
  exits 64 "$imgq" run
  : | exits 0 "$imgq" run -o out --files-from -
}

many_photos() {
  local n
  for n in 1 2 3 4 5 6 7 8; do
    for file in "$samples"/*.jpg; do ln -f "$file" "photos/$n-${file##*/}" 2>/dev/null || cp "$file" "photos/$n-${file##*/}"; done
  done
}

some_made() { # at least $1 results in out/
  [ "$(find out -path out/.imgq -prune -o -name '*.jpg' -print 2>/dev/null | wc -l)" -ge "$1" ]
}

@test "interrupted by SIGINT: exit 130; the same command goes on and redoes nothing" {
  many_photos
  total=$(ls photos | wc -l)
  "$imgq" run --workers 1 -o out photos >log 2>&1 3>&- &
  run=$!
  until_true some_made 3
  kill -INT "$run"
  got=0
  wait "$run" || got=$?
  same "$got" 130
  contains "$(cat log)" "interrupted:"
  made out >before
  [ "$(wc -l <before)" -lt "$total" ]
  exits 0 "$imgq" run -o out photos
  made out >after
  same "$(wc -l <after)" "$total"
  same "$(comm -23 before after | wc -l)" 0
  same "$(ls -A out/.imgq)" "done"
}

@test "Ctrl-C ends the loop around a run, and around one whose work was all but done" {
  many_photos
  cat >loop <<'END'
for turn in 1 2 3; do
  echo "$turn" >>turns
  "$1" run -q --workers 1 -o "out$turn" "$2"
done
END
  local images
  for images in photos photos/fig.jpg; do
    rm -rf turns out*
    python3 - "$imgq" "$images" <<'END'
import glob, os, signal, subprocess, sys, time
# The shell of a terminal: not one that was started with the signal ignored, as by bats.
shell = subprocess.Popen(["bash", "loop", *sys.argv[1:]], start_new_session=True,
                         preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
until = time.monotonic() + 60
while not glob.glob("out1/.imgq/spool-*/processing/*/*") and time.monotonic() < until:
    time.sleep(0.005)
os.killpg(shell.pid, signal.SIGINT)
sys.exit(shell.wait() != -signal.SIGINT)
END
    same "$(cat turns)" 1
  done
}

@test "an interrupted run leaves the manifest as it was, and says so" {
  many_photos
  echo whole >all.json
  "$imgq" run --workers 1 -o out --manifest all.json photos >log 2>&1 3>&- &
  run=$!
  until_true some_made 3
  kill -INT "$run"
  got=0
  wait "$run" || got=$?
  same "$got" 130
  same "$(cat all.json)" whole
  contains "$(cat log)" "imgq: the manifest is left as it was: not all is made"
}

@test "a private spool that cannot be opened hides no other trouble, and stays" {
  killed_of_boot "$(boot)"
  find out/.imgq/spool-* -name '*.jpg' -printf '%i\n' | sort >kept
  cat >nowhere.c <<'END'
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
int openat64(int dir, const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  int mode = va_arg(more, int);
  va_end(more);
  if (strcmp(path, "format") == 0) { errno = EIO; return -1; }
  return (int)syscall(SYS_openat, dir, path, flags, mode);
}
END
  cc -shared -fPIC -o nowhere.so nowhere.c
  LD_PRELOAD=$dir/nowhere.so exits 74 "$imgq" run -o out gone.jpg photos
  contains "$errors" "imgq: gone.jpg: No such file or directory"
  contains "$errors" "imgq: stopped: out: "
  exits 0 "$imgq" run -o out photos
  same "$(find out -name '*.jpg' -printf '%i\n' | sort | comm -12 - kept | wc -l)" 6 # none made again
}

boot() { tr -d - </proc/sys/kernel/random/boot_id; }

# $1: the boot that the private spool of a run is made to be of, which ended with two results handed out.
killed_of_boot() {
  renames_fail 'count > 2' ENOTCONN
  LD_PRELOAD=$dir/lost.so exits 74 "$imgq" run -o out photos
  local spool=(out/.imgq/spool-*)
  [ "${spool[0]}" = "out/.imgq/spool-$1" ] || mv "${spool[0]}" "out/.imgq/spool-$1"
}

@test "what was under way when the power was cut is made again" {
  killed_of_boot 0123456789abcdef0123456789abcdef
  find out/.imgq/spool-* -name '*.jpg' -printf '%i %T@\n' | sort >before
  [ -s before ]
  exits 0 "$imgq" run -o out photos
  contains "$errors" "4 made, 2 up to date, 0 failed"
  same "$(find out -name '*.jpg' -printf '%i %T@\n' | sort | comm -12 - before | wc -l)" 2
  same "$(ls -A out/.imgq)" "done"
}

@test "a private spool that is torn is made anew" {
  mkdir -p "out/.imgq/spool-$(boot)/jobs"
  : >"out/.imgq/spool-$(boot)/format" # its name reached the disk, its bytes did not
  exits 0 "$imgq" run -o out photos
  contains "$errors" "6 made"
  same "$(ls -A out/.imgq)" "done"
}

@test "Ctrl-C does not reach the workers, and costs no attempt" {
  many_photos
  setsid "$imgq" run --workers 2 -o out photos >log 2>&1 3>&- &
  run=$!
  until_true some_made 3
  # Also one that is just being started and could not yet say that it ignores the signal.
  pgrep -P "$run"
  exits 1 pgrep -P "$run" -g "$run"
  kill -INT -- "-$run"
  got=0
  wait "$run" || got=$?
  same "$got" 130
  one_line log
  contains "$(cat log)" "imgq: interrupted:"
}

@test "killed by SIGKILL: the same command goes on and redoes nothing" {
  many_photos
  total=$(ls photos | wc -l)
  : >all_before
  for count in 3 9; do
    "$imgq" run --workers 1 -o out photos >/dev/null 2>&1 3>&- &
    run=$!
    until_true some_made "$count"
    kill -KILL "$run"
    wait "$run" || true
    made out >>all_before
  done
  sort -u all_before >before
  exits 0 "$imgq" run -o out photos
  made out >after
  same "$(wc -l <after)" "$total"
  same "$(comm -23 before after | wc -l)" 0
  same "$(ls -A out/.imgq)" "done"
}

@test "killed with a result just there: a list does not take it for a source" {
  ! sanitized || skip "the sanitizers want to be the first library"
  command -v cc >/dev/null || skip "no compiler"
  cat >rename.c <<'END'
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
int renameat(int from_dir, const char* from, int to_dir, const char* to) {
  long got = syscall(SYS_renameat2, from_dir, from, to_dir, to, 0);
  if (strncmp(to, "out/", 4) == 0 && strchr(to + 4, '/') == NULL) kill(getpid(), SIGKILL);
  return (int)got;
}
END
  cc -shared -fPIC -o rename.so rename.c
  LD_PRELOAD=$dir/rename.so exits 137 "$imgq" run -o out photos
  same "$(ls out | wc -l)" 1
  made out >before
  exits 0 "$imgq" run -o out --files-from <(find out photos -type f)
  same "$(ls out | wc -l)" 6
  same "$(made out | comm -12 - before)" "$(cat before)"
}

# Renames to results fail by ERRNO where CONDITION, of C, says so: `to` is the name, `count` their number.
renames_fail() { # CONDITION ERRNO
  ! sanitized || skip "the sanitizers want to be the first library"
  command -v cc >/dev/null || skip "no compiler"
  cat >lost.c <<END
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
int renameat(int from_dir, const char* from, int to_dir, const char* to) {
  static int count;
  if (strncmp(to, "out/", 4) == 0 && strchr(to + 4, '/') == NULL && ++count && ($1)) {
    errno = $2;
    return -1;
  }
  return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, 0);
}
END
  cc -shared -fPIC -o lost.so lost.c
}

@test "an output whose file system goes away ends the run; what was made is handed out by the next" {
  renames_fail 'count > 2' ENOTCONN
  LD_PRELOAD=$dir/lost.so exits 74 "$imgq" run -o out photos
  contains "$errors" "imgq: stopped: out: cannot rename to: out/"
  lacks failed stderr
  contains "$errors" "2 made, 4 left; the same command goes on from here"
  find out/.imgq/spool-* -name '*.jpg' -printf '%i\n' | sort >kept
  exits 0 "$imgq" run -o out photos
  contains "$errors" "4 made, 2 up to date, 0 failed"
  same "$(find out -name '*.jpg' -printf '%i\n' | sort | comm -12 - kept | wc -l)" 6 # not made again
  same "$(ls -A out/.imgq)" "done"
}

@test "a result that the disk refuses is of its image alone" {
  renames_fail 'strstr(to, "fig")' EIO
  LD_PRELOAD=$dir/lost.so exits 1 "$imgq" run -o out photos
  contains "$errors" "Input/output error"
  contains "$errors" "5 made, 0 up to date, 1 failed"
  exits 0 "$imgq" run -o out photos
  contains "$errors" "1 made, 5 up to date, 0 failed"
}

@test "two runs in one place: the second is told to come later" {
  mkdir -p out/.imgq
  exec 9<out/.imgq
  flock 9
  exits 75 "$imgq" run -o out a.jpg
  same "$errors" "imgq: out: another imgq run is at work there"
  exec 9<&-
  exits 0 "$imgq" run -o out a.jpg
}

@test "what a killed run left under temporary names is swept" {
  mkdir -p out/.imgq
  touch out/.imgq/.imgq-17-1 out/.imgq/.imgq-17-2-0123456789abcdef
  exits 0 "$imgq" run -o out a.jpg
  same "$(ls -A out/.imgq)" "done"
}

@test "a copy is on the disk before it has its name, but with --sync none" {
  like_a_bucket
  cat >>bucket.c <<'END'
#include <stdio.h>
int linkat(int dir, const char* from, int to_dir, const char* to, int flags) {
  if (*from == '/') { errno = EXDEV; return -1; }  // out of the spool
  return (int)syscall(SYS_linkat, dir, from, to_dir, to, flags);
}
int fsync(int fd) {
  char link[64], path[4096] = "";
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  if (readlink(link, path, sizeof path - 1) < 0) return -1;
  FILE* log = fopen("synced", "a");
  fprintf(log, "%s\n", path);
  fclose(log);
  return (int)syscall(SYS_fsync, fd);
}
END
  cc -shared -fPIC -o bucket.so bucket.c
  LD_PRELOAD=$dir/bucket.so exits 0 "$imgq" run -o out photos
  same "$(grep -c "^$dir/out/" synced)" 6
  rm -r synced out
  LD_PRELOAD=$dir/bucket.so exits 0 "$imgq" run --sync none -o out photos
  [ ! -e synced ]
}

@test "where there are no hard links the private spool lies beside the user's own, not in it" {
  like_a_bucket
  many_photos
  unset IMGQ_SPOOL
  LD_PRELOAD=$dir/bucket.so "$imgq" run --workers 1 --shard 0/1 -o out photos >/dev/null 2>&1 3>&- &
  run=$!
  until_true some_made 1
  kill -KILL "$run"
  wait "$run" || true
  same "$(echo state/imgq-run/*/format | wc -w)" 1
  exits 0 "$imgq" submit a.jpg # makes the user's own
  mkdir state/imgq-run/elsewhere-0-of-1
  # A part leaves what others may be at work on; the run of all leaves nothing of them.
  LD_PRELOAD=$dir/bucket.so exits 0 "$imgq" run -q --shard 0/2 -o out photos
  same "$(echo state/imgq-run/*-0-of-1* | wc -w)" 2
  touch out/.imgq-run-17-1-0123456789abcdef # of one that was killed while it wrote
  touch out/.imgq-17-1-0123456789abcdef out/.imgq-run-notes # of imgq get, and anybody's
  LD_PRELOAD=$dir/bucket.so exits 0 "$imgq" run -q --shard 1/2 -o out photos
  [ -e out/.imgq-run-17-1-0123456789abcdef ]
  LD_PRELOAD=$dir/bucket.so exits 0 "$imgq" run -o out --size 20x photos/fig.jpg
  same "$(size_of out/fig.jpg)" "$(size_of out/fig.jpg | sed 's/^[0-9]*/20/')"
  same "$(ls -A state/imgq-run)" elsewhere-0-of-1
  same "$(echo out/.[!.]*)" "out/.imgq out/.imgq-17-1-0123456789abcdef out/.imgq-run-notes"
  same "$(ls -A out/.imgq)" "done"
}

@test "an output that cannot be written is told" {
  echo file >blocked
  exits 73 "$imgq" run -o blocked a.jpg
  one_line stderr
  exits 73 "$imgq" run -o /proc/nothing/here a.jpg
  one_line stderr
}

@test "on a full disk it ends with exit 75, and goes on when there is room" {
  can_mount || skip "cannot mount here"
  many_photos
  mkdir out
  cat >inside <<'END'
mount -t tmpfs -o size=400k,mode=700 none "$dir/out"
timeout 60 "$imgq" run -o out photos >/dev/null 2>errors
echo "exit $?"
mount -o remount,size=50m "$dir/out"
"$imgq" run -o out photos 2>/dev/null
echo "exit $?"
find out -path out/.imgq -prune -o -name '*.jpg' -print | wc -l
END
  export dir imgq
  exits 0 unshare -m bash inside
  same "$output" "exit 75
exit 0
$(ls photos | wc -l)"
  grep -q "^imgq: .*out: .*No space left on device" errors
}

@test "progress is drawn on a terminal only" {
  exits 0 "$imgq" run -o out1 photos
  lacks $'\r' stderr
  exits 0 env TERM=xterm script -qec "'$imgq' run -o out2 photos" /dev/null
  grep -q '6/6 \[####' stdout
  exits 0 env TERM=dumb script -qec "'$imgq' run -o out3 photos" /dev/null
  lacks '\[#' stdout
  exits 0 env TERM=xterm script -qec "'$imgq' -q run -o out4 photos" /dev/null
  same "$output" ""
}

@test "what is worth knowing of an image that was made all the same is told" {
  head -c 20000 photos/fig.jpg >cut.jpg
  exits 0 "$imgq" run --lenient -o out --manifest list.json cut.jpg
  lacks "cut.jpg" stderr
  jq -e '.images[0].notes == ["truncated_accepted"]' list.json
  exits 0 "$imgq" run --lenient --json -o out cut.jpg # known from the run before
  jq -e '.state == "up_to_date" and .notes == ["truncated_accepted"]' stdout
  exits 0 "$imgq" -v run --lenient -o again cut.jpg
  contains "$errors" "imgq: cut.jpg: the image ends too early; what is there was taken"
}

# Owner, group, mode and ACL of a file.
rights_of() {
  stat -c '%u %g %a' "$1"
  python3 -c 'import os, sys
try: print(os.getxattr(sys.argv[1], "system.posix_acl_access").hex())
except OSError: print("no ACL")' "$1"
}

# user::rwx, user:12:r-x, group::r-x, mask::r-x, other::--- for what is made in a directory.
give_default_acl() {
  python3 - "$@" <<'END' || skip "no ACLs here"
import os, struct, sys
none = 0xffffffff
entries = [(1, 7, none), (2, 5, 12), (4, 5, none), (16, 5, none), (32, 0, none)]
acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
for directory in sys.argv[1:]:
    os.setxattr(directory, "system.posix_acl_default", acl)
END
}

@test "results are as files newly made where they go, by the ACL of that directory" {
  mkdir -p out in/below out/below got
  cp photos/fig.jpg in/a.jpg
  cp photos/fig.jpg in/below/b.jpg
  give_default_acl out/below got
  (umask 022 && exec "$imgq" run -q -o out in)
  (umask 022 && : >out/new && : >out/below/new && : >got/new)
  same "$(rights_of out/a.jpg)" "$(rights_of out/new)"
  same "$(rights_of out/below/b.jpg)" "$(rights_of out/below/new)"
  (umask 022 && exec "$imgq" run -q -o got/single.jpg in/a.jpg)
  same "$(rights_of got/single.jpg)" "$(rights_of got/new)"
  export IMGQ_SPOOL=$dir/queue
  "$imgq" init
  (umask 022 && "$imgq" submit in/a.jpg >id && "$bin/imgqd" --drain 2>log && exec "$imgq" get -o got - <id)
  same "$(rights_of got/a.jpg)" "$(rights_of got/new)"
  same "$(find out got -name '.imgq-*')" ""
}

@test "results have the group that a set-group-ID directory gives, of a member or not" {
  [ "$(id -u)" -eq 0 ] || skip "needs root to be somebody else"
  chmod 755 "$dir"
  cp "$bin"/imgq "$bin"/imgq-worker .
  local group
  for group in 5555 5556; do
    mkdir "out$group" "in$group"
    cp photos/fig.jpg "in$group/a.jpg"
    chgrp "$group" "out$group"
    chmod 2777 "out$group"
    (umask 027 && exec setpriv --reuid=1234 --regid=1234 --groups=5555 \
      env HOME=/nonexistent ./imgq run -q -o "out$group" "in$group")
    same "$(stat -c '%u %g %a' "out$group/a.jpg")" "1234 $group 640"
  done
}
