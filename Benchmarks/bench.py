#!/usr/bin/env python3
"""The training step and the encoder against what users would pick instead, alternately on the same input.

    make bench                                    (or: bench.py --mixcse M --model DIR --text FILE --data DOWNSTREAM)

--text: lines to train on (Wikipedia sentences); --data: SentEval's downstream, whose STS sentences are encoded;
--json FILE writes every number. Medians over --rounds; the spread is that of the rounds' ratios. Dropout is on,
clipping and AdamW are counted on both sides. The machine's own rate, measured in every round, is what large float32
products reach in NumPy or PyTorch, whichever is faster; a step's share of it counts the operations that are needed (no
padding, nothing computed twice). Tokenizing runs through the tests' program, so build that too (make bench does). Needs
torch, transformers, sentence-transformers, onnxruntime, onnx and onnxscript beside this interpreter.
"""
import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "evaluation"), os.path.join(HERE, "tokenizer")]
import compare as tokenizer  # noqa: E402
from speed import sentences  # noqa: E402


def peer(script, *arguments):
    """What a peer prints as JSON."""
    output = subprocess.run([sys.executable, os.path.join(HERE, "peers", script), *map(str, arguments)], check=True,
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    return json.loads(output.splitlines()[-1])


def train(o, model, batch, length, steps, scratch):
    """Step seconds, seconds to the end of the first step, peak bytes and the profile of `mixcse train`."""
    out = os.path.join(scratch, "run")
    log = os.path.join(out, "metrics.jsonl")
    if os.path.exists(log):
        os.unlink(log)
    began, first = time.time(), None
    process = subprocess.Popen(
        [o.mixcse, "train", "--model", model, "--method", "mixcse", "--pooler", "cls", "--train-file", o.text,
         "--no-shuffle", "--batch-size", str(batch), "--max-seq-length", str(length), "--max-steps", str(steps),
         "--save-steps", str(steps), "--threads", str(o.threads), "--output-dir", out, "--overwrite", "--profile"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while first is None and process.poll() is None:
        if os.path.exists(log) and os.path.getsize(log) > 0:
            first = time.time() - began
        time.sleep(0.002)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        raise SystemExit(f"mixcse train ended with status {status}")
    with open(log) as file:
        seconds = [batch / json.loads(line)["sentencesPerSecond"] for line in file]
    with open(os.path.join(out, "run.json")) as file:
        profile = json.load(file)["profile"]
    return {"steps": seconds, "first": first, "peak": usage.ru_maxrss * 1024, "profile": profile}


def training(o, name, model, batch, length, steps, rounds, table, scratch):
    ours, theirs, rates = [], [], []
    for _ in range(rounds):
        ours.append(train(o, model, batch, length, steps, scratch))
        theirs.append(peer("train_step.py", model, o.text, steps, batch, length, o.threads))
        if rounds > 1:
            rates.append(peer("products.py", o.threads)["rate"])
    # The first step meets cold caches and growing buffers on both sides.
    step = [[statistics.median(r["steps"][1:]) for r in side] for side in (ours, theirs)]
    add(table, f"training step, {name}", "s", *step)
    if rounds > 1:
        add(table, f"peak memory, {name}", "MiB", *[[r["peak"] / 2**20 for r in side] for side in (ours, theirs)])
        add(table, f"start to the first step, {name}", "s",
            *[[r["first"] - r["steps"][0] for r in s] for s in (ours, theirs)])
        add(table, f"start to the end of the first step, {name}", "s",
            *[[r["first"] for r in s] for s in (ours, theirs)])
        reached = [r["profile"]["operations"] / steps / statistics.median(r["steps"][1:]) * 1e-9 for r in ours]
        add(table, f"needed operations a second, against the machine's products, {name}", "GF/s", rates, reached)
        groups = [r["profile"]["groups"] for r in ours]
        shares = [100 * (g["objective"]["share"] + g["plugins"]["share"]) for g in groups]
        share = statistics.median(shares)
        print(f"  pooling, sampling, similarity, loss, their gradients, all calls: {share:.2f} % of the step")
        table.append({"work": f"share of the objective and its plugins, {name}", "unit": "%", "ours": share})


def growth(o, table, scratch):
    """Milliseconds per 1,000 real tokens, over all steps but the first, for batches and lengths of several sizes."""
    print("milliseconds per 1,000 tokens of a step; 'with padding' is what the peer computes")
    for batch in (16, 64, 256):
        for length in (16, 32, 128):
            ours = train(o, o.model, batch, length, 4, scratch)
            theirs = peer("train_step.py", o.model, o.text, 4, batch, length, o.threads)
            tokens, padded = sum(theirs["tokens"][1:]), sum(theirs["padded"][1:])
            here, there = (1e6 * sum(side["steps"][1:]) / tokens for side in (ours, theirs))
            table.append({"work": f"growth, batch {batch}, length {length}", "unit": "ms per 1,000 tokens",
                          "ours": here,
                          "peer": there, "ratio": there / here, "tokens": tokens / 3, "padded": padded / 3})
            print(f"batch {batch:3}, length {length:3}: {tokens / 3:6.0f} tokens a step, {padded / 3:6.0f} with "
                  f"padding {here:9.1f} {there:9.1f} {there / here:6.2f}", flush=True)


def encoding(o, rounds, table, scratch):
    """All sentences of the seven STS sets, as often as they occur there; and the peers on each distinct one once, which
    is what we compute either way."""
    lines = sentences(o.data)
    distinct = list(dict.fromkeys(lines))
    files = {name: os.path.join(scratch, name + ".txt") for name in ("all", "distinct")}
    for name, content in (("all", lines), ("distinct", distinct)):
        with open(files[name], "w", encoding="utf-8") as file:
            file.write("".join(line + "\n" for line in content))
    peers = {"sentence-transformers": "st", "ONNX Runtime": "onnx"}
    ours, theirs = [], {(name, peer_name): [] for name in files for peer_name in peers}
    for _ in range(rounds):
        began = time.time()
        subprocess.run([o.mixcse, "encode", "--model", o.model, "--pooler", "avg", "--input", files["all"], "--threads",
                        str(o.threads), "--output", os.path.join(scratch, "e.npy")],
                       check=True, stderr=subprocess.DEVNULL)
        ours.append(time.time() - began)
        for (name, peer_name), seconds in theirs.items():
            seconds.append(peer("encode.py", peers[peer_name], o.model, files[name], o.threads)["seconds"])
    for (name, peer_name), seconds in theirs.items():
        given = f"{len(lines)} STS sentences" if name == "all" else f"them, the peer the {len(distinct)} distinct ones"
        add(table, f"encoding {given}, against {peer_name}", "s", ours, seconds)


def tokenizing(o, rounds, table):
    options = argparse.Namespace(file=os.path.abspath(o.text), folder=os.path.abspath(o.model), max_length=0)
    ours, theirs = [], []
    for _ in range(rounds):
        seconds, count = tokenizer.ours(options, o.threads)
        ours.append(seconds["ours"])
        seconds, other = tokenizer.package(options, o.threads)
        theirs.append(seconds["encode_batch_fast"])
        if count != other:
            raise SystemExit(f"different numbers of tokens: {count} and {other}")
    add(table, "tokenizing the text, against PyPI tokenizers (encode_batch_fast)", "s", ours, theirs)


def add(table, name, unit, ours, theirs):
    ratios = sorted(b / a for a, b in zip(ours, theirs))
    row = {"work": name, "unit": unit, "ours": statistics.median(ours), "peer": statistics.median(theirs),
           "ratio": statistics.median(ratios), "spread": [ratios[0], ratios[-1]]}
    table.append(row)
    print(f"{name:72} {row['ours']:9.3f} {row['peer']:9.3f} {unit:4} {row['ratio']:6.2f}  "
          f"({ratios[0]:.2f} to {ratios[-1]:.2f})", flush=True)


def base_shape(folder, tokenizer):
    """A BERT-base model with random weights and the tokenizer of another."""
    code = ("import sys; from transformers import BertConfig, BertModel, AutoTokenizer; "
            "BertModel(BertConfig()).save_pretrained(sys.argv[1]); "
            "AutoTokenizer.from_pretrained(sys.argv[2]).save_pretrained(sys.argv[1])")
    subprocess.run([sys.executable, "-c", code, folder, tokenizer], check=True, stderr=subprocess.DEVNULL)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--mixcse", "--model", "--text", "--data"):
        parser.add_argument(name, required=True)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=["train", "base", "encode", "tokenize", "growth"], action="append")
    parser.add_argument("--json")
    o = parser.parse_args()
    parts = o.only or ["train", "base", "encode", "tokenize", "growth"]
    table = []
    print(f"{'work':72} {'ours':>9} {'peer':>9} {'':4} {'ratio':>6}  (of the rounds)")
    with tempfile.TemporaryDirectory() as scratch:
        if "train" in parts:
            training(o, "MiniLM-L6, batch 64, length 32", o.model, 64, 32, 12, o.rounds, table, scratch)
        if "base" in parts:
            base_shape(os.path.join(scratch, "base"), o.model)
            training(o, "BERT-base, batch 64, length 32", os.path.join(scratch, "base"), 64, 32, 4, o.rounds, table,
                     scratch)
        if "encode" in parts:
            encoding(o, o.rounds, table, scratch)
        if "tokenize" in parts:
            tokenizing(o, o.rounds, table)
        if "growth" in parts:
            growth(o, table, scratch)
    if o.json:
        with open(o.json, "w") as file:
            json.dump({"machine": platform.processor() or platform.machine(), "threads": o.threads, "rounds": o.rounds,
                       "date": time.strftime("%Y-%m-%d"), "table": table}, file, indent=1)
            file.write("\n")


if __name__ == "__main__":
    main()
