#!/usr/bin/env python3
"""Seconds for the seven STS test sets: `mixcse evaluate` from start to table, against sentence-transformers encoding.

    python3 Benchmarks/evaluation/speed.py --mixcse .build/release/mixcse --model MODEL --data DOWNSTREAM \
        [--rounds 5] [--threads 2]

Both run alternately; the medians are printed, and the median of the rounds' ratios, which other load moves less. Ours
is the whole command: start, reading, encoding, scoring.
The peer's clock runs only while `encode` embeds the same distinct sentences with mean pooling; its imports, loading and
one warm-up batch are not counted. Needs sentence-transformers.
"""
import argparse
import glob
import os
import statistics
import subprocess
import sys
import time

PEER = """
import sys, time, torch
from sentence_transformers import SentenceTransformer
model_folder, text, threads = sys.argv[1:]
torch.set_num_threads(int(threads))
lines = open(text, encoding="utf-8").read().split("\\n")[:-1]
model = SentenceTransformer(model_folder, device="cpu")
model.encode(lines[:32])
start = time.perf_counter()
model.encode(lines, batch_size=64, show_progress_bar=False)
print(time.perf_counter() - start)
"""


def fields(path):
    with open(path, encoding="utf-8") as file:
        return [line.rstrip("\r\n").split("\t") for line in file]


def sentences(data):
    """The sentences of the scored pairs, as often as they occur."""
    found = []
    for gold in sorted(glob.glob(data + "/STS/STS1[2-6]-en-test/STS.gs.*.txt")):
        pairs = gold.replace(".gs.", ".input.")
        if os.path.exists(pairs):
            for row, score in zip(fields(pairs), fields(gold)):
                if score[0].strip():
                    found += [" ".join(text.split()) for text in row[:2]]
    for row in fields(data + "/STS/STSBenchmark/sts-test.csv"):
        found += [" ".join(text.split()) for text in row[5:7]]
    for row in fields(data + "/SICK/SICK_test_annotated.txt")[1:]:
        found += [" ".join(text.split()) for text in row[1:3]]
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--mixcse", "--model", "--data"):
        parser.add_argument(name, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", default="2")
    options = parser.parse_args()
    text = os.path.join(os.environ.get("TMPDIR", "/tmp"), f"sts-sentences-{os.getpid()}.txt")
    lines = list(dict.fromkeys(sentences(options.data)))
    with open(text, "w", encoding="utf-8") as file:
        file.write("".join(line + "\n" for line in lines))
    ours, peer = [], []
    try:
        for _ in range(options.rounds):
            start = time.perf_counter()
            subprocess.run([options.mixcse, "evaluate", "--model", options.model, "--pooler", "avg", "--data",
                            options.data, "--task-set", "sts", "--threads", options.threads, "--json"],
                           check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            ours.append(time.perf_counter() - start)
            output = subprocess.run([sys.executable, "-c", PEER, options.model, text, options.threads], check=True,
                                    stdout=subprocess.PIPE, text=True).stdout
            peer.append(float(output.split()[-1]))
            print(f"mixcse evaluate {ours[-1]:.1f} s   sentence-transformers encode {peer[-1]:.1f} s", flush=True)
    finally:
        os.unlink(text)
    ratio = statistics.median(b / a for a, b in zip(ours, peer))
    print(f"{len(lines)} sentences, {options.threads} threads: {statistics.median(ours):.1f} s against "
          f"{statistics.median(peer):.1f} s, ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
