#!/usr/bin/env bash
# Packaging/stage.sh FOLDER: lays out below FOLDER what is installed below a prefix. Nothing of it needs Swift: what
# `make build` compiled is linked once more, with Swift's library, libffi and zlib in the program, in libmixcse.so and
# in each plugin. They share nothing but C, so plugins that were built with another version of Swift run beside them.
set -euo pipefail
cd "$(dirname "$0")/.."
source Packaging/common.sh
stage=$(realpath -m "$1")
built=$PWD/.build/release
work=$PWD/.build/packaging

# Archives in place of shared libraries: in a folder that has nothing else, and is looked at first.
archive() { # archive NAME PACKAGE
  local file
  for file in "$(cc -print-file-name="lib$1_pic.a")" "$(cc -print-file-name="lib$1.a")"; do
    [[ $file = /* ]] && break
  done
  [[ $file = /* ]] || fail "expected lib$1.a, found none: install $2"
  ln -sf "$file" "$work/lib/lib$1.a"
}
rm -rf "$work"
mkdir -p "$work/lib"
archive ffi libffi-dev
archive z zlib1g-dev
cc -O2 -fPIC -Wall -Wextra -Werror -c Packaging/compat.c -o "$work/compat.o"

# The objects are those of the ordinary build: whether Swift's library is linked in matters to the linker only, which
# objects name what they need of it to. The two libraries last named are inside of FoundationEssentials where that is
# shared.
link() { # link PRODUCT FILE FLAG...
  local objects=$built/$1.product/Objects.LinkFileList file=$2
  [ -f "$objects" ] ||
    fail "expected $objects, which SwiftPM's native build system leaves, found none: make build (swift --version: $(
      swift --version 2>/dev/null | head -1))"
  mkdir -p "$(dirname "$file")"
  swiftc -static-stdlib "${@:3}" -Xlinker --gc-sections -Xlinker --strip-all \
    -Xlinker --version-script=Packaging/exports.map -L "$work/lib" "@$objects" "$work/compat.o" \
    -l_FoundationCollections -l_FoundationCShims -o "$file" >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
  # Swift's library can make temporary files in a way that linkers warn of; nothing here does.
  grep -v "the use of .mktemp. is dangerous" "$work/log" >&2 || true
}
library() { # library PRODUCT FILE: without a name of its own it would have the path that it is made at
  link "$1" "$2" -emit-library -Xlinker -soname -Xlinker "$(basename "$2")"
}
rm -rf "$stage"
link mixcse "$stage/bin/mixcse" -emit-executable -Xlinker --defsym=main=mixcse_main
library MixCSE "$stage/lib/libmixcse.so"
for source in Plugins/*/Library.swift; do # one library a folder
  name=$(basename "$(dirname "$source")")
  library "$name" "$stage/lib/cse/plugins/lib$name.so"
done
# What PROGRAM offers with its own plugins only.
offered() { # offered PROGRAM
  env -u CSE_PLUGIN_PATH XDG_DATA_HOME="$work" "$1" plugins list | sed '/^plugins were looked for in:/,$d'
}
diff <(offered "$built/mixcse") <(offered "$stage/bin/mixcse") ||
  fail "expected what is laid out to offer what the build offers (<), found another list (>)"

# What plugins and programs are written with. `plugins new`, `encoder build` and the like look in share/cse.
headers=(Sources/PluginAPI/include/cse_*.h)
install -D -m 644 -t "$stage/include" "${headers[@]}" Sources/LibraryAPI/include/mixcse.h
install -D -m 644 -t "$stage/share/cse" "${headers[@]}"
install -D -m 644 -t "$stage/share/cse/PluginKit" Sources/PluginKit/*.swift
install -D -m 644 -t "$stage/share/cse/TorchEncoder" Plugins/TorchEncoder/*.{cpp,h}
install -D -m 644 -t "$stage/share/cse/MPIRanks" Plugins/MPIRanks/ranks.c Sources/RankAPI/include/cse_ranks.h
install -D -m 644 -t "$stage/share/cse/HNSWGraph" Plugins/HNSWGraph/*.{cpp,h} Sources/GraphAPI/include/cse_graph.h
mkdir -p "$stage/lib/pkgconfig"
cat >"$stage/lib/pkgconfig/mixcse.pc" <<CONFIGURATION
prefix=\${pcfiledir}/../..
Name: mixcse
Description: Contrastive strategies for sentence encoders
Version: $(staged_version "$stage")
Libs: -L\${prefix}/lib -lmixcse
Cflags: -I\${prefix}/include
CONFIGURATION

# In the folders that they have in a checkout, so that links between them hold.
documents=$stage/share/doc/mixcse
git ls-files --cached --others --exclude-standard \
  README.md CHANGELOG.md CONTRIBUTING.md LICENSE Documentation Examples Plans Samples Packaging/{licenses,join.bash} |
  while IFS= read -r file; do install -D -m 644 "$file" "$documents/$file"; done
# Of what is linked in.
mv "$documents/Packaging/licenses" "$documents/licenses"
for package in swift-argument-parser swift-log; do
  install -m 644 ".build/checkouts/$package/LICENSE.txt" "$documents/licenses/$package.txt"
done
install -m 644 .build/checkouts/swift-log/NOTICE.txt "$documents/licenses/swift-log-notice.txt"
swift_license=$(dirname "$(realpath "$(command -v swiftc)")")/../share/swift/LICENSE.txt
install -m 644 "$swift_license" "$documents/licenses/swift.txt"

# Completions and manuals come from the program's own description of its commands.
completion() { # completion SHELL FILE
  mkdir -p "$(dirname "$stage/$2")"
  "$stage/bin/mixcse" --generate-completion-script "$1" >"$stage/$2"
}
completion bash share/bash-completion/completions/mixcse
cat Packaging/join.bash >>"$stage/share/bash-completion/completions/mixcse"
completion zsh share/zsh/site-functions/_mixcse
completion fish share/fish/vendor_completions.d/mixcse.fish

mkdir -p "$work/manual" "$stage/share/man/man1"
swift build -c release --product generate-manual 2>&1 | { grep -E 'error|warning' || true; } >&2
"$built/generate-manual" "$stage/bin/mixcse" --multi-page --date "$(date -u -d "@$SOURCE_DATE_EPOCH" +%F)" \
  --output-directory "$work/manual"
for page in "$work/manual"/*.1; do
  name=$(basename "$page" .1)
  case $name in
  *.help | *.look-up | *.check-reload) continue ;; # not for people
  esac
  # Pages and what they refer to are called mixcse-train, as man looks for them.
  sed -E -e '/^\.Xr mixcse\.(help|look-up|check-reload) /d' -e ':again; s/^(\.(Dt|Xr) [^ ]*)\./\1-/; t again' "$page" |
    gzip -9 -n >"$stage/share/man/man1/${name//./-}.1.gz"
done
[ -f "$stage/share/man/man1/mixcse-train.1.gz" ] || fail "expected manuals from generate-manual, found none"

# What was promised above, of each file.
for file in "$stage/bin/mixcse" "$stage"/lib/*.so "$stage"/lib/cse/plugins/*.so; do
  for name in $(objdump -p "$file" | awk '/NEEDED/ { print $2 }'); do
    case $name in
    libc.so.6 | libm.so.6 | libstdc++.so.6 | libgcc_s.so.1 | ld-linux-*) ;;
    *) fail "$file needs $name, which is not everywhere" ;;
    esac
  done
  for floor in "GLIBC_$glibc_floor" "GLIBCXX_$glibcxx_floor"; do
    wanted=$(objdump -T "$file" | { grep -o "${floor%_*}_[0-9.]*" || true; } | sort -V | tail -1)
    [ "$(printf '%s\n' "$floor" "$wanted" | sort -V | tail -1)" = "$floor" ] || {
      objdump -T "$file" | grep -F "$wanted" >&2
      fail "$file needs $wanted for these; $floor is promised"
    }
  done
  if objdump -p "$file" | grep -E 'RPATH|RUNPATH'; then fail "$file looks for libraries in a folder of this machine"; fi
  if grep -q -F "$PWD" "$file"; then fail "$file names this checkout, $PWD"; fi
done
find "$stage" -type f -printf '%s\n' | awk -v at="$stage" '{ sum += $1 } END { printf "%s: %.0f MB\n", at, sum / 1e6 }'
