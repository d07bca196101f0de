#!/usr/bin/env bash
# Packaging/try.sh STAGE DIST MODEL [PYTHON]: installs what was laid out in STAGE, and the tarball, the Debian package
# and the wheel in DIST, each in a place of its own, and tries each where there is neither Swift nor this checkout:
# two steps of training, a plugin in C that `plugins new` makes there, encoding, the library. With PYTHON, one that has
# torch and lies in an environment of its own, also objectives and the encoder on libtorch. Needs the right to make a
# namespace, in which the folders of Swift and of the checkout are empty.
set -euo pipefail
cd "$(dirname "$0")/.."
source Packaging/common.sh
stage=$1 dist=$2 model=$(realpath "$3")
swift=$(realpath "$(command -v swift || echo /none)")
toolchain=$(dirname "$(dirname "$(dirname "$swift")")")
case $toolchain in
/ | /usr) fail "Swift lies in the folders of the system, which cannot be hidden: try it where Swift has its own" ;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work"/{model,venv,input}
Packaging/install.sh "$stage" "$work/installed"
mkdir "$work/tarball" && tar -xJf "$dist"/mixcse-*.tar.xz -C "$work/tarball" --strip-components=1
dpkg-deb --extract "$dist"/mixcse_*.deb "$work/deb"
cp "$dist"/mixcse-*.whl Packaging/try-*.{sh,py} "$work/input"
head -n 300 Samples/sentences.txt >"$work/input/sentences.txt"

[ "$(id -u)" = 0 ] && user=() || user=(--map-root-user)
# shellcheck disable=SC2016  # the inner shell's
unshare "${user[@]}" --mount bash -euo pipefail -c '
  work=$1 model=$2 toolchain=$3 checkout=$4 python=$5
  mount --bind "$model" "$work/model"
  [ -z "$python" ] || mount --bind "$(dirname "$(dirname "$python")")" "$work/venv"
  cd "$work"
  mount -t tmpfs none "$toolchain"
  mount -t tmpfs none "$checkout"
  export PATH=/usr/local/bin:/usr/bin:/bin
  for name in swift swiftc mixcse; do
    if command -v "$name"; then echo "expected no $name here" >&2; exit 1; fi
  done
  for prefix in installed tarball deb/usr; do bash input/try-program.sh "$work/$prefix" "$work"; done
  bash input/try-wheel.sh "$work"
  # In a bare chroot nothing tells a program its arguments, and no arguments would mean that help is wanted.
  mount -t tmpfs none /proc
  if installed/bin/mixcse train 2>said; then echo "expected a refusal without /proc, found none" >&2; exit 1; fi
  grep "expected /proc" said
' try "$work" "$model" "$toolchain" "$PWD" "${4:-}"

Packaging/install.sh --remove "$work/installed"
left=$(find "$work/installed" -mindepth 1)
[ -z "$left" ] || fail "expected an empty folder after uninstalling, found $left"
echo "prefix, tarball, Debian package and wheel work without Swift"
