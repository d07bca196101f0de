#!/usr/bin/env python3
"""Steps in parts (`train --chunk-size`): memory of large batches, time against whole batches, and against
sentence-transformers' CachedMultipleNegativesRankingLoss, alternately.

    make chunk-bench                   (or: chunks.py --mixcse M --model DIR --text FILE; --only memory,time,peer)

memory: peak bytes of batch --large in parts of --size texts, against a batch of as many texts without parts, less what
embeddings and logits take. Both read the same sentences, since what occurred takes memory in the word table's
gradients and moments, whatever the batch. time: the same rows in parts and whole. peer: a step of simcse in parts of
both programs, in batches of 512, mean pooling, AdamW and clipping on both sides; then the same without parts, against
MultipleNegativesRankingLoss. Medians over --rounds.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile


def train(o, batch, steps, *more):
    """Seconds a step (the median without the first), and peak bytes."""
    with tempfile.TemporaryDirectory() as scratch:
        out = os.path.join(scratch, "run")
        process = subprocess.Popen(
            [o.mixcse, "train", "--model", o.model, "--method", "simcse", "--train-file", o.text, "--no-shuffle",
             "--batch-size", str(batch), "--max-seq-length", "32", "--max-steps", str(steps), "--save-steps",
             str(steps), "--threads", str(o.threads), "--output-dir", out, *more],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        if status != 0:
            raise SystemExit(f"mixcse train ended with status {status}")
        with open(os.path.join(out, "metrics.jsonl"), encoding="utf-8") as file:
            lines = [json.loads(line) for line in file]
    seconds = [batch / line["sentencesPerSecond"] for line in lines if "sentencesPerSecond" in line]
    return statistics.median(seconds[1:] or seconds), usage.ru_maxrss * 1024


PEER = """
import sys, time, json, statistics, torch
from sentence_transformers import SentenceTransformer, losses
model = SentenceTransformer(sys.argv[1], device="cpu")
model.max_seq_length = 32
size, batch, steps = map(int, sys.argv[3:6])
torch.set_num_threads(int(sys.argv[6]))
with open(sys.argv[2], encoding="utf-8") as file:
    texts = [line.strip() for _, line in zip(range(batch * steps), file)]
model.train()
loss = (losses.CachedMultipleNegativesRankingLoss(model, scale=20, mini_batch_size=size) if size
        else losses.MultipleNegativesRankingLoss(model, scale=20))
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-5)
seconds = []
for step in range(steps):
    rows = texts[step * batch : (step + 1) * batch]
    start = time.perf_counter()
    features = [model.tokenize(rows), model.tokenize(rows)]
    value = loss(features, None)
    value.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()
    seconds.append(time.perf_counter() - start)
print(json.dumps(statistics.median(seconds[1:] or seconds)))
"""


def peer(o, batch, steps, size):
    """Seconds of a step in parts of `size` texts; 0: whole."""
    done = subprocess.run(
        [sys.executable, "-c", PEER, o.model, o.text, str(size), str(batch), str(steps), str(o.threads)], check=True,
        capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--mixcse", "--model", "--text"):
        parser.add_argument(name, required=True)
    parser.add_argument("--large", type=int, default=4096)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--only", default="memory,time,peer")
    o = parser.parse_args()
    only = o.only.split(",")
    with open(os.path.join(o.model, "config.json"), encoding="utf-8") as file:
        width = json.load(file)["hidden_size"]
    if "memory" in only:
        # The same number of texts at a time: views of size/2 rows.
        _, small = train(o, o.size // 2, 2 * o.large // (o.size // 2), "--pooler", "cls")
        _, large = train(o, o.large, 2, "--pooler", "cls", "--chunk-size", str(o.size))
        # Embeddings of two views and their gradients; logits and their gradients.
        own = 4 * (4 * o.large * width + 2 * o.large**2)
        print(f"memory: batch {o.size // 2} {small >> 20} MiB; batch {o.large} in parts of {o.size} texts "
              f"{large >> 20} MiB, of which {own >> 20} MiB are embeddings and logits: {(large - own) / small:.2f} "
              "times")
    if "time" in only:
        ratios = []
        for _ in range(o.rounds):
            whole, parts = train(o, 512, 4)[0], train(o, 512, 4, "--chunk-size", str(o.size))[0]
            ratios.append(parts / whole)
        print(f"time: batch 512 whole {whole:.2f} s, in parts of {o.size} texts {parts:.2f} s; the ratio is "
              f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
    if "peer" in only:
        for title, size, more in ((f"in parts of {o.size} texts", o.size, ["--chunk-size", str(o.size)]),
                                  ("whole", 0, [])):
            ratios = []
            for _ in range(o.rounds):
                ours, theirs = train(o, 512, 4, "--pooler", "avg", *more)[0], peer(o, 512, 4, size)
                ratios.append(theirs / ours)
            print(f"peer: batch 512 {title} {ours:.2f} s, {'Cached' if size else ''}MultipleNegativesRankingLoss "
                  f"{theirs:.2f} s; {statistics.median(ratios):.2f} times as fast ({min(ratios):.2f} to "
                  f"{max(ratios):.2f})", flush=True)


main()
