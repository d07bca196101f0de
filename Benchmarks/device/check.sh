#!/usr/bin/env bash
# Everything that needs a device, in one go: builds the encoder, compares it with transformers and with the program's
# own encoder, kills and resumes runs, times a step of BERT-base against a PyTorch loop. Needs no network, a Python with
# torch and transformers, a C++ compiler, and the files named; some six minutes with an H100.
#   check.sh MIXCSE PYTHON [DEVICE [FOLDER]]    DEVICE: cuda; on cpu a small model, and nothing is timed
set -euo pipefail
mixcse=$(realpath "$1") python=$2 device=${3:-cuda}
here=$(cd "$(dirname "$0")" && pwd)
folder=${4:-$(mktemp -d)}
export PYTHONUNBUFFERED=1 PYTHONWARNINGS=ignore HF_HUB_OFFLINE=1
small=()
parity=(--layers 4 --hidden 256)
if [ "$device" = cpu ]; then
  small=(--small --skip-speed)
  parity=(--layers 2 --hidden 128)
fi

step() { printf '\n== %s (%ss)\n' "$1" "$SECONDS"; }

step 'the encoder'
"$mixcse" encoder build torch --python "$python" --output "$folder/encoders" ${CSE_SDK:+--sdk "$CSE_SDK"}
library=$folder/encoders/libTorchEncoder.so

step 'against transformers'
"$python" "$here/parity.py" "$library" "$device" "${parity[@]}"

step 'in training'
"$python" "$here/training.py" "$mixcse" "$library" "$device" "$folder/runs" ${small[@]+"${small[@]}"}

step 'done'
