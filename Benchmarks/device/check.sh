#!/usr/bin/env bash
# Everything that needs a device, in one go: builds the encoder, compares it with transformers and with the program's
# own encoder, kills and resumes runs, times a step of BERT-base against a PyTorch loop; the same with a process of
# transformers; then the Python package with tensors of the device. Needs no network, a Python with torch and
# transformers, a C++ compiler, and the files named; some eight minutes with an H100.
#   check.sh MIXCSE PYTHON [DEVICE [FOLDER]]    DEVICE: cuda; on cpu a small model, and nothing is timed
# CHECKS: which of them, "abi group training transformers package" by default. TRAINING: more flags of training.py.
set -euo pipefail
mixcse=$(realpath "$1") python=$2 device=${3:-cuda}
here=$(cd "$(dirname "$0")" && pwd)
folder=${4:-$(mktemp -d)} checks=" ${CHECKS:-abi group training transformers package} "
export PYTHONUNBUFFERED=1 PYTHONWARNINGS=ignore HF_HUB_OFFLINE=1
small=() more=()
read -ra more <<<"${TRAINING:-}"
parity=(--layers 4 --hidden 256)
if [ "$device" = cpu ]; then
  small=(--small --skip-speed)
  parity=(--layers 2 --hidden 128)
fi

step() { printf '\n== %s (%ss)\n' "$1" "$SECONDS"; }

step 'the encoder'
"$mixcse" encoder build torch --python "$python" --output "$folder/encoders" ${CSE_SDK:+--sdk "$CSE_SDK"}
library=$folder/encoders/libTorchEncoder.so

if [[ $checks = *' abi '* ]]; then
  step 'against transformers'
  "$python" "$here/parity.py" "$library" "$device" "${parity[@]}"
  "$python" "$here/masked.py" "$library" "$device" "${parity[@]}"
  "$python" "$here/parity_modern.py" "$library" "$device"
  step 'what is asked of windows of attention'
  torch=$("$python" -c 'import os, torch; print(os.path.dirname(torch.__file__))')
  "${CXX:-g++}" -std=c++20 -O1 -w -I "$here/../../Plugins/TorchEncoder" -I "$here/../../Sources/PluginAPI/include" \
    -isystem "$torch/include" -isystem "$torch/include/torch/csrc/api/include" "$here/check_window.cpp" \
    -o "$folder/check_window" -L"$torch/lib" -Wl,--no-as-needed -ltorch_cpu -lc10 -Wl,-rpath,"$torch/lib"
  "$folder/check_window"
fi
if [[ $checks = *' group '* ]]; then
  step 'several processes on one device'
  "$python" "$here/group.py" "$library" "$device"
fi
if [[ $checks = *' training '* ]]; then
  step 'in training'
  "$python" "$here/training.py" "$mixcse" "$library" "$device" "$folder/runs" ${small[@]+"${small[@]}"} \
    ${more[@]+"${more[@]}"}
fi
if [[ $checks = *' transformers '* ]]; then
  step 'a process of transformers in training'
  "$python" "$here/training.py" "$mixcse" transformers "$device" "$folder/process" \
    ${small[@]+"${small[@]}"} ${more[@]+"${more[@]}"}
fi
if [[ $checks = *' package '* ]]; then
  step 'the Python package'
  interop=$here/../../Tests/Interop
  # Beside the program in a build folder, in lib of an installation.
  for MIXCSE_LIBRARY in "${mixcse%/*}"/{,../lib/}libmixcse.so; do
    if [ -e "$MIXCSE_LIBRARY" ]; then break; fi
  done
  export MIXCSE_LIBRARY MIXCSE_PROGRAM=$mixcse PYTHONPATH=$here/../../Python${PYTHONPATH:+:$PYTHONPATH}
  "$python" "$interop/check_objective.py"
  "$python" "$interop/check_devices.py"
  "$python" "$interop/check_parts.py"
  if "$python" -c 'import datasets, accelerate, sentence_transformers' 2>"$folder/missing"; then
    "$python" "$interop/check_trainers.py" --text "$here/../../Samples/sentences.txt"
  else
    echo "not run: check_trainers.py ($(tail -n 1 "$folder/missing"))"
  fi
fi
step 'done'
