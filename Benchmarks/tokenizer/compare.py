#!/usr/bin/env python3
"""Our tokenizers against the PyPI package `tokenizers`, with the same threads, turn and turn about.

    python3 Benchmarks/tokenizer/compare.py TEXT_FILE FOLDER [--threads 1 2] [--rounds 7] [--max-length N]

FOLDER is a model folder with tokenizer files (or Tests/Fixtures/tokenizer/byte-level). Prints the median seconds to
encode all lines of TEXT_FILE, from text in memory to ids in memory, and the ratio of the medians. The package is
timed with `encode_batch` (ids, offsets and masks) and with `encode_batch_fast` (without offsets), ours through
Tests/TokenizerTests/SpeedTests.swift in release mode; build it first:

    swift build -c release --build-tests
"""
import argparse
import os
import re
import statistics
import subprocess
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
PACKAGE = """
import sys, time
from transformers import AutoTokenizer, RobertaTokenizer
file, folder, length, kind = sys.argv[1:]
loader = RobertaTokenizer if kind == "roberta" else AutoTokenizer
start = time.perf_counter(); backend = loader.from_pretrained(folder).backend_tokenizer
loaded = time.perf_counter() - start
backend.no_padding(); backend.no_truncation()
if int(length): backend.enable_truncation(int(length))
lines = open(file, "rb").read().decode("utf-8", "replace").split("\\n")
if lines[-1] == "": lines.pop()
for name in ("encode_batch", "encode_batch_fast"):
    start = time.perf_counter(); result = getattr(backend, name)(lines); seconds = time.perf_counter() - start
    print("tokenizer-speed", name, seconds, sum(len(e.ids) for e in result))
    del result
"""


def ours(options, threads):
    environment = dict(os.environ, CSE_TOKENIZER_SPEED=options.file, CSE_TOKENIZER_FOLDER=options.folder,
                       CSE_TOKENIZER_THREADS=str(threads))
    if options.max_length:
        environment["CSE_TOKENIZER_LENGTH"] = str(options.max_length)
    out = subprocess.run(["swift", "test", "-c", "release", "--disable-testable-imports", "--skip-build", "--filter",
                          "SpeedTests"], cwd=ROOT, env=environment, capture_output=True, text=True)
    found = re.search(r"tokenizer-speed load (\S+) encode (\S+) tokens (\d+)", out.stdout)
    if not found:
        sys.exit("the speed test printed no time:\n" + out.stdout + out.stderr)
    return {"ours": float(found[2])}, int(found[3])


def package(options, threads):
    environment = dict(os.environ, RAYON_NUM_THREADS=str(threads),
                       TOKENIZERS_PARALLELISM="true" if threads > 1 else "false")
    kind = "roberta" if os.path.exists(os.path.join(options.folder, "merges.txt")) else "auto"
    out = subprocess.run([sys.executable, "-c", PACKAGE, options.file, options.folder, str(options.max_length), kind],
                         env=environment, capture_output=True, text=True)
    found = re.findall(r"tokenizer-speed (\S+) (\S+) (\d+)", out.stdout)
    if not found:
        sys.exit("the package printed no time:\n" + out.stdout + out.stderr)
    return {name: float(seconds) for name, seconds, _ in found}, int(found[0][2])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("folder")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--max-length", type=int, default=0)
    options = parser.parse_args()
    options.file, options.folder = os.path.abspath(options.file), os.path.abspath(options.folder)
    for threads in options.threads:
        times = {}
        for round_number in range(options.rounds):
            runs = [ours, package] if round_number % 2 == 0 else [package, ours]
            counts = []
            for run in runs:
                seconds, count = run(options, threads)
                counts.append(count)
                for name, value in seconds.items():
                    times.setdefault(name, []).append(value)
            if counts[0] != counts[1]:
                sys.exit(f"different numbers of tokens: {counts}")
        medians = {name: statistics.median(values) for name, values in times.items()}
        for name in sorted(medians):
            print(f"threads {threads}  {name:18s} median {medians[name]:7.3f} s  ({min(times[name]):.3f} to "
                  f"{max(times[name]):.3f}, {options.rounds} rounds)  {medians[name] / medians['ours']:5.1f} x ours")


if __name__ == "__main__":
    main()
