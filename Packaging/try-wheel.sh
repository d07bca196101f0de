#!/usr/bin/env bash
# try-wheel.sh WORK: installs the wheel into a bare environment and tries program and package there. WORK has the
# folders that try.sh made. Run by try.sh.
set -euo pipefail
work=$1
wheel=$work/wheel
python3 -m venv "$wheel"
"$wheel/bin/pip" install --quiet --disable-pip-version-check "$work"/input/mixcse-*.whl
bash "$work/input/try-program.sh" "$wheel" "$work"
package() { "$wheel/bin/python" "$work/input/try-package.py" "$work/model" "$work/input/sentences.txt" "$@"; }
package
[ -x "$work/venv/bin/python" ] || exit 0

# With the torch of another environment.
torch=$("$work/venv/bin/python" -c 'import torch, pathlib; print(pathlib.Path(torch.__file__).parent.parent)')
PYTHONPATH=$torch package --torch
cd "$wheel"
bin/mixcse encoder build torch --python "$work/venv/bin/python" --output "$wheel/encoders"
train() { # train OUTPUT FLAG...
  bin/mixcse train --model "$work/model" --train-file "$work/input/sentences.txt" --method mixcse --max-steps 2 \
    --batch-size 16 --output-dir "$@" >log 2>&1 || { cat log >&2; exit 1; }
}
train native
train torch --encoder "$wheel/encoders/libTorchEncoder.so" --device cpu
bin/python - <<'CHECK'
import json
losses = [[json.loads(line)["loss"] for line in open(f"{run}/metrics.jsonl")] for run in ("native", "torch")]
assert len(losses[0]) == 2 and all(abs(a - b) < 1e-4 for a, b in zip(*losses, strict=True)), losses
CHECK
echo "works: the encoder on libtorch, built from what the wheel holds"
