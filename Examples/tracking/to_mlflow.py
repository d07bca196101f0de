"""Shows a run of mixcse in MLflow: python to_mlflow.py RUNS/A, with steps at the times they had."""

import json
import sys

import mlflow

folder = sys.argv[1]
record = json.load(open(f"{folder}/run.json", encoding="utf-8"))
with mlflow.start_run(run_name=folder):
    mlflow.log_params(record["run"])
    for line in map(json.loads, open(f"{folder}/metrics.jsonl", encoding="utf-8")):
        group, time = "dev" if "evaluation" in line else "train", line.pop("time")
        numbers = {f"{group}/{k}".replace("#", "_"): v for k, v in line.items() if isinstance(v, float)}
        mlflow.log_metrics(numbers, step=line["step"], timestamp=int(1000 * time))
