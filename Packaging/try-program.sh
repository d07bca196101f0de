#!/usr/bin/env bash
# try-program.sh PREFIX WORK: tries the program below PREFIX; WORK has the folders that try.sh made. Run by try.sh.
set -euo pipefail
prefix=$1 work=$2
export PATH=$prefix/bin:$PATH XDG_DATA_HOME=$work/none
place=$(mktemp -d "$work/try.XXXX")
cd "$place"
step() { # step COMMAND...: says what it does only where it fails
  "$@" >log 2>&1 || { echo "failed in $prefix: $*" >&2; cat log >&2; exit 1; }
}
train() { step mixcse train --model "$work/model" --train-file "$work/input/sentences.txt" --max-steps 2 \
  --batch-size 16 "$@"; }

[ "$(realpath "$(command -v mixcse)")" = "$(realpath "$prefix/bin/mixcse")" ]
train --method mixcse --output-dir first
step mixcse plugins new sampler idea --language c
step make -C idea
step mixcse plugins check ./idea/libidea.so
train --sampler ./idea/libidea.so --loss infonce --isolate --output-dir second
step mixcse plugins new sampler swift_idea --language swift
step mixcse encode --model second --input "$work/input/sentences.txt" --output vectors.npy
# Manuals and completions, where shells and man look for them.
gzip -dc "$prefix/share/man/man1/mixcse-train.1.gz" >manual
grep -q max-steps manual
# shellcheck disable=SC2016  # the inner shell's
step bash -c 'source "$1/share/bash-completion/completions/mixcse" && complete -p mixcse' bash "$prefix"
if [ -e "$prefix/include/mixcse.h" ]; then # a wheel has it inside of its package
  sed -n '/^```c$/,/^```$/{/^```/d;p}' "$prefix/share/doc/mixcse/Documentation/Library.md" >example.c
  export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
  # shellcheck disable=SC2046  # flags
  step cc example.c $(pkg-config --cflags --libs mixcse) "-Wl,-rpath,$prefix/lib" -o example
  step ./example
fi
echo "works: $prefix"
