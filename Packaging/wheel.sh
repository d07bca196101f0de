#!/usr/bin/env bash
# Packaging/wheel.sh STAGE FOLDER: builds the Python package with what stage.sh laid out below STAGE inside of it, as a
# wheel in FOLDER for every Python from 3.10 on and every Linux with glibc as old as promised.
set -euo pipefail
stage=$(realpath "$1") folder=$(realpath -m "$2")
cd "$(dirname "$0")/.."
source Packaging/common.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$folder" "$work/Sources"
# A tree of its own, so that nothing is left in the sources; setup.py finds the version where it always is.
git ls-files -co --exclude-standard Python | while IFS= read -r file; do install -D -m 644 "$file" "$work/$file"; done
cp -a Sources/Version "$work/Sources"
cp LICENSE "$work/Python"
# Names by which setuptools knows them.
for file in "$stage"/share/doc/mixcse/licenses/*.txt; do cp "$file" "$work/Python/LICENSE.$(basename "$file")"; done
package=$work/Python/mixcse
for part in bin lib include share/cse; do
  mkdir -p "$package/$part"
  cp -a "$stage/$part/." "$package/$part"
done
for part in man bash-completion zsh fish; do
  mkdir -p "$work/Python/share"
  cp -a "$stage/share/$part" "$work/Python/share"
done
find "$work/Python" -exec touch --date="@$SOURCE_DATE_EPOCH" {} +
rm -f "$folder"/mixcse-*.whl
python3 -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir "$folder" \
  --config-settings="--build-option=--plat-name=manylinux_${glibc_floor/./_}_$(uname -m)" "$work/Python"
ls -l "$folder"/mixcse-*.whl
