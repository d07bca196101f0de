#!/usr/bin/env bash
# Packaging/install.sh STAGE PREFIX       copies what stage.sh laid out; DESTDIR is put in front, as packagers expect.
# Packaging/install.sh --remove PREFIX    takes away what that copied, and folders that are empty then; nothing else.
set -euo pipefail
source "$(dirname "$0")/common.sh"
record=share/cse/installed.txt
[ $# = 2 ] || fail "expected STAGE PREFIX or --remove PREFIX, found $# arguments"
place=${DESTDIR:-}$(realpath -m "$2")

remove() { # remove NAME: below the prefix, which itself stays
  rm -f "$place/$1"
  (cd "$place" && rmdir -p --ignore-fail-on-non-empty "$(dirname "$1")" 2>/dev/null) || true
}

if [ "$1" = --remove ]; then
  [ -f "$place/$record" ] || fail "expected $place/$record, found none: nothing was installed there"
  mapfile -t names <"$place/$record"
  for name in "${names[@]}" "$record"; do remove "$name"; done
  echo "removed from $place: ${#names[@]} files"
  exit
fi

stage=$(realpath "$1")
[ -x "$stage/bin/mixcse" ] || fail "expected what stage.sh lays out in $stage, found no bin/mixcse"
mapfile -t names < <(cd "$stage" && find . \( -type f -o -type l \) -printf '%P\n' | LC_ALL=C sort)
mapfile -t old < <(cat "$place/$record" 2>/dev/null || true)
mkdir -p "$place"
# A program that runs keeps its old file: each is put beside the old one and renamed.
for name in "${names[@]}"; do
  install -D -m "$(stat -c %a "$stage/$name")" "$stage/$name" "$place/$name.new"
  mv -f "$place/$name.new" "$place/$name"
done
printf '%s\n' "${names[@]}" >"$place/$record"
# What an earlier version had and this one has not.
for name in "${old[@]}"; do
  [ -e "$stage/$name" ] || remove "$name"
done
echo "installed in $place: ${#names[@]} files"
