"""TensorBoard's own reader on the event files of a comparison.

check_tensorboard.py FOLDER: the output folder, which holds results.json and tensorboard/.
"""
import json
import math
import os
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2
from tensorboard.util import tensor_util

folder = sys.argv[1]
with open(os.path.join(folder, "results.json")) as file:
    results = json.load(file)
runs = sorted(os.listdir(os.path.join(folder, "tensorboard")))
expected = [run for run in results["runs"] if run["steps"] or run["scores"]]
assert len(runs) == len(expected), f"{len(expected)} runs with curves, {len(runs)} folders: {runs}"


def close(found, value):
    return math.isclose(found, value, rel_tol=1e-6, abs_tol=1e-6)  # event files hold single precision


for run in expected:
    name = next((n for n in runs if n == f"{run['label']}-seed{run['seed']}"), None)
    if name is None:
        continue  # a label that makes no folder name
    events = EventAccumulator(os.path.join(folder, "tensorboard", name), {"tensors": 0, "scalars": 0}).Reload()
    scalars = {tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}
    for tag in events.Tags()["tensors"]:  # newer versions turn scalars into tensors
        if tag.startswith("_hparams_/"):
            continue
        scalars[tag] = [(e.step, float(tensor_util.make_ndarray(e.tensor_proto))) for e in events.Tensors(tag)]
    assert scalars, f"{name}: no scalars"
    summaries = {}
    for tag in ("_hparams_/session_start_info", "_hparams_/session_end_info"):
        content = events.SummaryMetadata(tag).plugin_data.content
        summaries[tag] = plugin_data_pb2.HParamsPluginData.FromString(content)
    settings = summaries["_hparams_/session_start_info"].session_start_info.hparams
    assert "learning-rate" in settings, f"{name}: hyperparameters {sorted(settings)}"
    assert summaries["_hparams_/session_end_info"].session_end_info.status == 1, f"{name}: no end of success"
    for metric, value in run["scores"].items():
        assert close(scalars["final/" + metric][-1][1], value), f"{name}: {metric}"
    log = os.path.join(run["folder"], "metrics.jsonl")
    if os.path.exists(log):
        with open(log) as file:
            lines = [json.loads(line) for line in file]
        losses = [(line["step"], line["loss"]) for line in lines if line.get("loss") is not None]
        found = scalars.get("train/loss", [])
        assert [s for s, _ in found] == [s for s, _ in losses], f"{name}: steps of the loss"
        assert all(close(a[1], b[1]) for a, b in zip(found, losses)), f"{name}: losses"
    steps = [step for step, _ in scalars.get("train/loss", [])]
    assert steps == sorted(steps), f"{name}: steps out of order"
print(f"tensorboard reads {len(runs)} runs")
