"""Shows a run of mixcse in Weights & Biases: python to_wandb.py RUNS/A (again later, for a run that goes on)."""

import json
import sys

import wandb

folder = sys.argv[1]
record = json.load(open(f"{folder}/run.json", encoding="utf-8"))
run = wandb.init(project="mixcse", id=record["hash"][:16], resume="allow", config=record["run"])
for line in map(json.loads, open(f"{folder}/metrics.jsonl", encoding="utf-8")):
    group, time = "dev" if "evaluation" in line else "train", line.pop("time")
    numbers = {f"{group}/{k}": v for k, v in line.items() if isinstance(v, float)}
    run.log(numbers | {"time": time}, step=line["step"])
run.finish()
