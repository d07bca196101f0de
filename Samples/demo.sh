#!/usr/bin/env bash
# What `make demo` runs after the build: SimCSE against MixCSE, whose sampler comes from libMixCSELoss.so, on the
# shipped sample with two seeds. Needs MIXCSE (the command) and MODEL (a Hugging Face folder).
set -euo pipefail

count=$(wc -l <Samples/sentences.txt)
echo "simcse against mixcse, two seeds, all-MiniLM-L6-v2 on $count sentences (Samples/compare.toml)"
"$MIXCSE" compare --from Samples/compare.toml --model "$MODEL"
echo
echo "Each trained model is a folder in .cache/demo/runs: it loads in transformers and sentence-transformers as it is."
echo "The pairs are a small sample graded by one person; for a benchmark use STS-B (--eval-data)."
