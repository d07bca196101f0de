#!/usr/bin/env bash
# Packaging/release.sh FOLDER: everything a release must pass, then its files with their sums in FOLDER, and what is
# left to a person. Documentation/Releasing.md is the list that it works off. Changes nothing outside of build folders.
set -euo pipefail
folder=$(realpath -m "$1")
cd "$(dirname "$0")/.."
source Packaging/common.sh

version=$(python3 .ci/versions.py --released)
tag=v$version
changes=$(git status --porcelain)
[ -z "$changes" ] || fail "expected a checkout without changes, found $changes"
at=$(git rev-parse -q --verify "refs/tags/$tag^{commit}" || true)
[ -z "$at" ] || [ "$at" = "$(git rev-parse HEAD)" ] ||
  fail "$tag is released already, as ${at:0:12}: raise the version in Sources/Version and CHANGELOG.md"

rm -rf "$folder"
.ci/run # builds the files and tries them, too

built=$(.build/release/mixcse --version | sed -n 's/^commit: //p')
[ "$built" = "$(git rev-parse --short=12 HEAD)" ] || fail "expected a build of HEAD, found one of $built"
files=("mixcse-$version-linux-$(uname -m).tar.xz" "mixcse_${version}_$(dpkg --print-architecture).deb"
  "mixcse-$version-py3-none-manylinux_${glibc_floor/./_}_$(uname -m).whl")
cd "$folder"
sha256sum "${files[@]}" >SHA256SUMS
ls -l
cat <<NEXT

All checks of $version have passed. What is left:
  git tag -a $tag -m 'mixcse $version' && git push origin $tag
  the four files of $folder to the release page
  the wheel to PyPI: python3 -m twine upload $folder/*.whl
  the next version: Sources/Version/ProgramVersion.swift, and '## NEXT (unreleased)' above $version in CHANGELOG.md
NEXT
