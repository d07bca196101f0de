#!/usr/bin/env bash
# Site/build.sh MIXCSE PYTHON FOLDER: the documents as a site in FOLDER, and PluginKit's symbols by DocC below it.
set -euo pipefail
cd "$(dirname "$0")/.."
python=$(realpath -s "$2")
folder=$(realpath -m "$3")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$python" Site/stage.py "$1" "$work/pages"
# What an earlier build left is no page of this one; anything else than a site is not touched.
[ ! -f "$folder/.buildinfo" ] || rm -rf "$folder"
"$python" -m sphinx -q -W --keep-going -b html -c Site "$work/pages" "$folder"

mkdir "$work/graph"
swift symbolgraph-extract -module-name PluginKit -I .build/release/Modules -I Sources/PluginAPI/include \
  -target "$(swift -print-target-info | sed -n 's/.*"unversionedTriple": "\(.*\)",*/\1/p' | head -1)" \
  -minimum-access-level public -output-dir "$work/graph"
docc convert --additional-symbol-graph-dir "$work/graph" --fallback-display-name PluginKit \
  --fallback-bundle-identifier org.mixcse.PluginKit --transform-for-static-hosting --hosting-base-path PluginKit \
  --output-dir "$folder/PluginKit" > /dev/null
echo "$folder: $(find "$folder" -name '*.html' | wc -l) pages"
