#!/usr/bin/env bash
# What `make demo` runs after the build: MixCSE's sampler on the shipped sample, the score before and after.
# Needs MIXCSE (the command) and MODEL (a Hugging Face folder).
set -euo pipefail
here=$(dirname "$0")
output=.cache/demo

spearman() { # model folder, pairs
  "$MIXCSE" evaluate --model "$1" --pooler cls_before_pooler --task-set na --pairs "$2" --json |
    python3 -c 'import json, sys; print("%.2f" % next(iter(json.load(sys.stdin)["pairs"].values()))["spearman"])'
}

echo "Training all-MiniLM-L6-v2 on $(wc -l <"$here/sentences.txt") sentences; the sampler comes from libMixCSELoss.so."
"$MIXCSE" train --model "$MODEL" --method mixcse --pooler cls --head-train-only \
  --train-file "$here/sentences.txt" --eval-data "$here/pairs-dev.tsv" --eval-steps 20 --epochs 2 \
  --output-dir "$output" --overwrite

echo
echo "Spearman of cls_before_pooler on 252 held-out pairs (Samples/pairs-test.tsv):"
echo "  before training  $(spearman "$MODEL" "$here/pairs-test.tsv")"
echo "  after training   $(spearman "$output" "$here/pairs-test.tsv")"
echo "The trained model is in $output: it loads in transformers and sentence-transformers as it is."
echo "These pairs are a small sample graded by one person; for a benchmark use STS-B (--eval-data)."
