#!/usr/bin/env bash
# Trains a few steps per pooler with the real command and checks each exported folder in Python; trains with the encoder
# on libtorch; then compares two strategies and looks at what that leaves, in TensorBoard and in a browser.
#   run.sh MIXCSE MODEL PYTHON
set -euo pipefail
mixcse=$1 model=$2 python=$3
here=$(dirname "$0")
samples=$here/../../Samples
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

echo "-- the package mixcse, installed by pip: nothing of the checkout is on Python's path"
"$python" -m pip install --quiet --no-deps --no-build-isolation --target "$folder/site" "$here/../../Python"
python_checks=(check_objective.py check_devices.py check_parts.py)
for check in check_training.py check_search.py check_trainers.py 'check_trainers.py --device elsewhere' \
  check_datasets.py check_plugins.py; do
  python_checks+=("$check --model $(realpath "$model") --text $(realpath "$samples")/sentences.txt")
done
for check in "${python_checks[@]}"; do
  # shellcheck disable=SC2086  # a name and its arguments
  PYTHONPATH=$folder/site "$python" "$here"/$check >"$folder/log" 2>&1 || { cat "$folder/log" >&2; exit 1; }
  grep -E '^(objective|devices|training|encoding|program|search|trainers|datasets|plugins):' "$folder/log"
done

# A few hundred real sentences, and some longer than a training batch ever sees.
head -n 200 "$samples/sentences.txt" >"$folder/text.txt"
for start in 201 301 401; do
  sed -n "$start,$((start + 19))p" "$samples/sentences.txt" | tr '\n' ' ' >>"$folder/text.txt"
  echo >>"$folder/text.txt"
done

check() { # name, flags of train
  local name=$1
  shift
  echo "-- $name: train $*"
  "$mixcse" train --model "$model" --method mixcse --train-file "$samples/sentences.txt" --batch-size 16 --max-steps 4 \
    --learning-rate 1e-3 --output-dir "$folder/$name" "$@" 2>"$folder/log" || { cat "$folder/log" >&2; exit 1; }
  "$mixcse" encode --model "$folder/$name" --input "$folder/text.txt" --output "$folder/$name.npy"
  "$python" "$here/check_export.py" --export "$folder/$name" --embeddings "$folder/$name.npy" \
    --text "$folder/text.txt" \
    --source "$model"
}

check cls-with-head --pooler cls
check cls-head-dropped --pooler cls --head-train-only
check avg --pooler avg
check avg_first_last --pooler avg_first_last
check weighted --pooler weighted

echo "-- every architecture"
"$python" "$here/check_architectures.py" --mixcse "$mixcse" --model "$model" --text "$folder/text.txt"

echo "-- the encoder on libtorch"
CHECKS='abi group training' bash "$here/../../Benchmarks/device/check.sh" "$mixcse" "$python" cpu "$folder/device"

echo "-- compare"
"$mixcse" compare simcse mixcse --seeds 1,2 --model "$model" --train-file "$samples/sentences.txt" \
  --eval-data "$samples/pairs-dev.tsv" --test-data "$samples/pairs-test.tsv" --eval-steps 2 --batch-size 16 \
  --max-steps 4 \
  --tensorboard --output-dir "$folder/compare" >"$folder/log" 2>&1 || { cat "$folder/log" >&2; exit 1; }
"$python" "$here/check_tensorboard.py" "$folder/compare"
"$python" "$here/check_report.py" "$folder/compare/report.html"
