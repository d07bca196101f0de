#!/usr/bin/env python3
"""One step on two processes of one thread each (mpirun) against one process of two threads, alternately.

    make bench-ranks        (or: ranks.py --mixcse M --model DIR --text FILE; --only minilm,base,network)

Of each round the median step without the first three; then the median over rounds of the ratio of both, and where a
step on two ranks goes. The model is MiniLM, then BERT-base's shape with random weights. --shards 4 says what it costs
to have the same bits on 1, 2 and 4 ranks. From these parts follows on paper what more ranks on a network would take.
network (as root; not by default): two hosts, which are network namespaces, on a slow cable; gradients that leave after
the backward pass against those that leave during it.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from bench import random_model  # noqa: E402


def train(o, model, batch, steps, launcher, threads, *more, **variables):
    """Seconds a step, and of which phases."""
    with tempfile.TemporaryDirectory() as scratch:
        out = os.path.join(scratch, "run")
        done = subprocess.run(
            [*launcher, o.mixcse, "train", "--model", model, "--method", "simcse", "--train-file", o.text,
             "--no-shuffle", "--batch-size", str(batch), "--max-seq-length", "32", "--max-steps", str(steps),
             "--save-steps", str(steps), "--threads", str(threads), "--profile", "--output-dir", out, *more],
            env=os.environ | ({"CSE_RANKS": o.library} if o.library else {}) | variables, capture_output=True,
            text=True)
        if done.returncode != 0:
            raise SystemExit(done.stderr)
        with open(os.path.join(out, "metrics.jsonl"), encoding="utf-8") as file:
            lines = [line for line in map(json.loads, file) if "sentencesPerSecond" in line][3:]
    phases = {name: statistics.median(line["phases"].get(name, 0) for line in lines) for name in lines[0]["phases"]}
    return statistics.median(batch / line["sentencesPerSecond"] for line in lines), phases


def compare(o, title, model, batch, steps):
    ranks = ["mpirun", "--allow-run-as-root", "--oversubscribe", "-n", "2"]
    columns = {"1 process, 2 threads": ([], 2, ()), "2 ranks": (ranks, 1, ()),
               "2 ranks, --shards 4": (ranks, 1, ("--shards", "4"))}
    seconds, phases = {name: [] for name in columns}, {}
    for _ in range(o.rounds):
        for name, (launcher, threads, more) in columns.items():
            step, phases[name] = train(o, model, batch, steps, launcher, threads, *more)
            seconds[name].append(step)
    alone = seconds["1 process, 2 threads"]
    print(f"{title}, batch {batch}, {o.rounds} rounds of {steps} steps")
    for name, values in seconds.items():
        ratio = statistics.median(a / b for a, b in zip(alone, values))
        print(f"  {name:22} {statistics.median(values):.3f} s a step   speed {ratio:.2f}")
    shared = {name: value for name, value in phases["2 ranks"].items() if name.startswith(("ranks", "optimizer"))}
    print("  of a step on 2 ranks: " + ", ".join(f"{name} {1000 * value:.0f} ms" for name, value in shared.items()))
    with open(os.path.join(model, "config.json"), encoding="utf-8") as file:
        shape = json.load(file)
    width, layers, inner = shape["hidden_size"], shape["num_hidden_layers"], shape["intermediate_size"]
    weights = layers * (4 * width * width + 2 * width * inner) + shape["max_position_embeddings"] * width
    # About 1,500 different tokens in 128 sentences.
    paper(statistics.median(seconds["2 ranks"]), phases["2 ranks"], weights, 1500 * width)


def network(o):
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
    hosts = ["bash", os.path.join(root, "Tests/Fixtures/ranks/two-hosts.sh")]
    for rate in o.rates.split(","):
        seconds = {"0": [], "1": []}
        for _ in range(o.rounds):
            for early, values in seconds.items():
                values.append(train(o, o.model, 64, o.steps, hosts, 1, CSE_LINK_RATE=rate, CSE_RANKS_EARLY=early)[0])
        ratio = statistics.median(late / early for late, early in zip(seconds["0"], seconds["1"]))
        print(f"two hosts, {rate}: gradients after the backward pass {statistics.median(seconds['0']):.3f} s a step, "
              f"during it {statistics.median(seconds['1']):.3f} s: {ratio:.2f} times as fast")


def paper(seconds, phases, weights, rows):
    """Seconds of a step on more ranks like these, over networks of some Gbit/s: computing is shared out, what rank 0
    does alone is not, and each rank sends and receives 2 (N - 1) / N of the gradients' bytes."""
    encoder = 2 * sum(value for name, value in phases.items() if name.startswith("encoder"))
    moving = 2 * phases.get("optimizer/AdamW", 0)
    shared = sum(value for name, value in phases.items() if name.startswith("ranks"))
    alone = max(0, seconds - encoder / 2 - moving / 2 - shared)
    size = 4 * (weights + rows)
    print(f"  on paper, {size / 1e6:.0f} MB of gradients; speed against one rank of one thread:")
    for gigabits in (10, 100):
        column = []
        for ranks in (2, 8, 64):
            sent = 2 * (ranks - 1) / ranks * size / (gigabits / 8 * 1e9)
            step = (encoder + moving) / ranks + alone + sent
            column.append(f"{ranks} ranks {(encoder + moving + alone) / step:.1f}")
        print(f"    {gigabits:3} Gbit/s: " + ", ".join(column))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--mixcse", "--model", "--text"):
        parser.add_argument(name, required=True)
    parser.add_argument("--library", default="", help="libMixCSERanks.so; default: where mixcse finds it")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=15)
    parser.add_argument("--only", default="minilm,base")
    parser.add_argument("--rates", default="1gbit,10gbit", help="of the cable between two hosts, as tc writes it")
    o = parser.parse_args()
    if "minilm" in o.only:
        compare(o, "all-MiniLM-L6-v2", o.model, 64, o.steps)
    if "network" in o.only:
        network(o)
    if "base" in o.only:
        with tempfile.TemporaryDirectory() as scratch:
            folder = os.path.join(scratch, "base")
            random_model(folder, o.model)
            compare(o, "BERT-base shape", folder, 64, max(5, o.steps // 2))


if __name__ == "__main__":
    main()
