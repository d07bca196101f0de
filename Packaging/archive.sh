#!/usr/bin/env bash
# Packaging/archive.sh tarball|deb STAGE FOLDER: puts what stage.sh laid out below STAGE into a .tar.xz to unpack
# anywhere, or a Debian package, in FOLDER. The same files give the same bytes.
set -euo pipefail
kind=$1 stage=$(realpath "$2") folder=$(realpath -m "$3")
cd "$(dirname "$0")/.."
source Packaging/common.sh
version=$(staged_version "$stage")
mkdir -p "$folder"

# Each plugin has Swift's library in it, so what counts is a window that holds several; searching long in it saves a
# tenth and takes six times as long.
pack() { # pack FOLDER FILE FLAG...
  tar --create --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" "${@:3}" \
    --directory "$1" . | xz --threads=1 --lzma2=preset=1,dict=32MiB >"$2"
}

tarball() {
  local name
  name=mixcse-$version-linux-$(uname -m)
  rm -f "$folder"/mixcse-*.tar.xz
  pack "$stage" "$folder/$name.tar.xz" --transform "s,^\.,$name,"
  ls -l "$folder/$name.tar.xz"
}

deb() {
  local architecture work root documents file
  architecture=$(dpkg --print-architecture)
  work=$(mktemp -d)
  # shellcheck disable=SC2064  # the folder's name of now
  trap "rm -rf '$work'" EXIT
  root=$work/root
  mkdir -p "$root" "$work/control"
  chmod 755 "$root" "$work/control"
  cp -a "$stage" "$root/usr"
  documents=$root/usr/share/doc/mixcse
  mv "$documents/LICENSE" "$documents/copyright"
  gzip -9 -n "$documents/CHANGELOG.md"
  mv "$documents/CHANGELOG.md.gz" "$documents/changelog.gz"
  mv "$root/usr/share/zsh/site-functions" "$root/usr/share/zsh/vendor-completions"
  find "$root" -type d -exec chmod 755 {} +
  cat >"$work/control/control" <<CONTROL
Package: mixcse
Version: $version
Architecture: $architecture
Maintainer: the authors of mixcse <mixcse@localhost>
Section: science
Priority: optional
Installed-Size: $(du -sk --apparent-size "$root" | cut -f1)
Depends: libc6 (>= $glibc_floor), libstdc++6 (>= 11), libgcc-s1
Suggests: gcc, make
Description: trains sentence encoders by contrastive learning
 The strategy is a plug-in: augmenters, poolers, negative samplers and losses
 are shared libraries behind one C header, found at run time and swapped by a
 flag. With the engine as a library for other languages.
CONTROL
  # libmixcse.so lies where the loader looks.
  echo 'activate-noawait ldconfig' >"$work/control/triggers"
  (cd "$root" && find usr -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum) >"$work/control/md5sums"
  # As dpkg-deb does it, which knows no size of the window.
  echo 2.0 >"$work/debian-binary"
  pack "$work/control" "$work/control.tar.xz"
  pack "$root" "$work/data.tar.xz"
  file=$folder/mixcse_${version}_$architecture.deb
  rm -f "$folder"/mixcse_*.deb
  (cd "$work" && ar rcD "$file" debian-binary control.tar.xz data.tar.xz)
  dpkg-deb --info "$file" >/dev/null
  ls -l "$file"
}

case $kind in
tarball | deb) "$kind" ;;
*) fail "expected tarball or deb, found '$kind'" ;;
esac
