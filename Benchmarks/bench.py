#!/usr/bin/env python3
"""The training step and the encoder against what users would pick instead, alternately on the same input.

    make bench                                    (or: bench.py --mixcse M --model DIR --text FILE --data DOWNSTREAM)

--text: lines to train on (Wikipedia sentences); --data: SentEval's downstream, whose STS sentences are encoded;
--json FILE writes every number. Medians over --rounds; the spread is that of the rounds' ratios. Dropout is on,
clipping and AdamW are counted on both sides. The cores' peak, measured in every round, is what independent sums in
registers reach, of all threads at once (Benchmarks/gemm/rates.c, compiled here with clang); a step's share of it counts
the operations that are needed (no padding, nothing computed twice). Where the processor multiplies bfloat16, rows in
bf16 stand beside those in float32. int8 (ONNX Runtime's dynamic quantization) is no peer: its smallest cosine to
float32 is 0.83. Tokenizing runs through the tests' program, so build that too (make bench does). Needs
torch, transformers, sentence-transformers, sentencepiece, onnxruntime, onnx, onnxscript and openvino beside this
interpreter.
"""
import argparse
import functools
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "evaluation"), os.path.join(HERE, "tokenizer")]
import long_lines  # noqa: E402
from speed import sentences  # noqa: E402


PARTS = ["products", "train", "base", "encode", "tokenize", "growth"]


def peer(script, *arguments):
    """What a peer prints as JSON."""
    output = subprocess.run([sys.executable, os.path.join(HERE, "peers", script), *map(str, arguments)], check=True,
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    return json.loads(output.splitlines()[-1])


def train(o, model, batch, length, steps, scratch, precision="f32", text=None):
    """Step seconds, seconds to the end of the first step, peak bytes and the profile of `mixcse train`."""
    out = os.path.join(scratch, "run")
    log = os.path.join(out, "metrics.jsonl")
    if os.path.exists(log):
        os.unlink(log)
    began, first = time.time(), None
    process = subprocess.Popen(
        [o.mixcse, "train", "--model", model, "--method", "mixcse", "--pooler", "cls", "--train-file", text or o.text,
         "--no-shuffle", "--batch-size", str(batch), "--max-seq-length", str(length), "--max-steps", str(steps),
         "--save-steps", str(steps), "--threads", str(o.threads), "--precision", precision, "--output-dir", out,
         "--overwrite", "--profile"],
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


def later_steps(run):
    """The first step meets cold caches and growing buffers on both sides."""
    return statistics.median(run["steps"][1:])


def training(o, name, model, batch, length, steps, rounds, table, scratch):
    ours, theirs = {"f32": [], "bf16": []}, {"f32": [], "bf16": [], "bf16, compiled": []}
    precisions = ["f32", "bf16"] if processor_has("avx512_bf16") else ["f32"]
    peaks = []
    for _ in range(rounds):
        for precision in precisions:
            ours[precision].append(train(o, model, batch, length, steps, scratch, precision))
            arguments = ["train_step.py", model, o.text, steps, batch, length, o.threads, precision]
            theirs[precision].append(peer(*arguments, "eager"))
            if precision == "bf16":
                theirs["bf16, compiled"].append(peer(*arguments, "compile"))
        peaks.append(core_rates(scratch, o.threads, "--peaks"))
    times = {key: [later_steps(r) for r in runs] for key, runs in theirs.items()}
    for precision in precisions:
        here = [later_steps(r) for r in ours[precision]]
        add(table, f"training step, {name}, {precision}", "s", here, times[precision])
        if precision == "bf16":
            better = [min(pair) for pair in zip(times["bf16"], times["bf16, compiled"])]
            add(table, f"the same, against the better of eager and torch.compile in bf16, {name}", "s", here, better)
            add(table, f"the same, bf16 against f32, both ours, {name}", "s", here,
                [later_steps(r) for r in ours["f32"]])
        if precision == "f32":
            sides = (ours["f32"], theirs["f32"])
            add(table, f"peak memory, {name}", "MiB", *[[r["peak"] / 2**20 for r in side] for side in sides])
            add(table, f"start to the first step, {name}", "s",
                *[[r["first"] - r["steps"][0] for r in s] for s in sides])
            add(table, f"start to the end of the first step, {name}", "s", *[[r["first"] for r in s] for s in sides])
        reached = [r["profile"]["operations"] / steps / later_steps(r) * 1e-9 for r in ours[precision]]
        possible = [p["peak"]["float32" if precision == "f32" else "bf16"] for p in peaks]
        share(table, f"needed operations of a step, {name}, {precision}, of the cores' peak", reached, possible)
    groups = [r["profile"]["groups"] for r in ours["f32"]]
    part = statistics.median(100 * (g["objective"]["share"] + g["plugins"]["share"]) for g in groups)
    print(f"  pooling, sampling, similarity, loss, their gradients, all calls: {part:.2f} % of the step")
    table.append({"work": f"share of the objective and its plugins, {name}", "unit": "%", "ours": part})


def core_rates(scratch, threads, *arguments):
    """What the cores can do at most, and our products on every shape of a step, by Benchmarks/gemm/rates.c."""
    program = os.path.join(scratch, "rates")
    kernels = os.path.join(HERE, "..", "Sources", "CKernels")
    if not os.path.exists(program):
        subprocess.run(["clang", "-O3", "-ffp-contract=fast", "-fno-math-errno", "-pthread", "-I",
                        os.path.join(kernels, "include"), os.path.join(kernels, "gemm.c"),
                        os.path.join(kernels, "gemm_pack.c"), os.path.join(HERE, "gemm", "rates.c"), "-lm", "-o",
                        program], check=True)
    return json.loads(subprocess.run([program, str(threads), *arguments], check=True, stdout=subprocess.PIPE,
                                     text=True).stdout)


def products(o, table, scratch):
    """Our matrix products on the shapes of a step, as a share of what independent sums in registers reach."""
    found = core_rates(scratch, o.threads)
    for column, precision in ((4, "float32"), (5, "bf16")):
        peak = found["peak"].get(precision)
        if peak is None:
            continue
        print(f"products in {precision}, vectors of {found['bits']} bits: the cores' peak is {peak:.0f} GFLOP/s")
        shares = []
        for shape in found["shapes"]:
            shares.append(100 * shape[column] / peak)
            print(f"  {shape[0]:28} [{shape[1]}, {shape[3]}] x [{shape[3]}, {shape[2]}]: {shape[column]:6.0f} GFLOP/s, "
                  f"{shares[-1]:3.0f} %")
            table.append({"work": f"{shape[0]}, {precision}", "unit": "GFLOP/s", "ours": shape[column], "peak": peak})
        print(f"  least {min(shares):.0f} %, median {statistics.median(shares):.0f} %")


def share(table, name, reached, possible):
    """A row of GFLOP/s: what we reach, what the cores can do, and the share."""
    shares = sorted(100 * a / b for a, b in zip(reached, possible))
    row = {"work": name, "unit": "GFLOP/s", "ours": statistics.median(reached), "peak": statistics.median(possible),
           "share": statistics.median(shares), "spread": [shares[0], shares[-1]]}
    table.append(row)
    print(f"{name:72} {row['ours']:9.1f} of {row['peak']:.1f} GFLOP/s: {row['share']:.0f} %  "
          f"({shares[0]:.0f} to {shares[-1]:.0f})", flush=True)


PEER_TOKENS = 45_000  # padded ones of a step that the peer computes in 24 GiB
LONGEST = 90          # tokens of the longest sentences, about


def filled(text, path, length):
    """Sentences joined until each line has at least `length` words, so that every text is cut at `length` tokens."""
    with open(text, encoding="utf-8") as lines, open(path, "w", encoding="utf-8") as out:
        words = []
        for line in lines:
            words += line.split()
            if len(words) >= length:
                out.write(" ".join(words) + "\n")
                words = []


def tokens_of(o, text, steps, batch, length):
    """Tokens of a step with two views of each row, the mean over all steps but the first."""
    from transformers import AutoTokenizer
    with open(text, encoding="utf-8") as file:
        lines = [next(file).rstrip("\n") for _ in range(steps * batch)][batch:]
    rows = AutoTokenizer.from_pretrained(o.model)(lines, truncation=True, max_length=length)["input_ids"]
    return 2 * sum(map(len, rows)) / (steps - 1)


def growth(o, table, scratch):
    """Milliseconds per 1,000 real tokens, over all steps but the first, for batches and lengths of several sizes:
    sentences as they are, and joined ones that fill the length. Where the peer's memory would not do, ours alone."""
    print("milliseconds per 1,000 tokens of a step; 'with padding' is what the peer computes")
    steps = 4
    sizes = [(batch, length, False) for batch in (16, 64, 256, 1024) for length in (16, 32, 128)]
    sizes += [(16, 128, True), (16, 512, True), (64, 128, True), (64, 512, True), (256, 128, True)]
    for batch, length, fills in sizes:
        text = o.text
        if fills:
            text = os.path.join(scratch, f"filled-{length}.txt")
            filled(o.text, text, length)
        tokens = tokens_of(o, text, steps, batch, length)
        run = train(o, o.model, batch, length, steps, scratch, text=text)
        row = {"work": f"growth, batch {batch}, length {length}{', filled' if fills else ''}",
               "unit": "ms per 1,000 tokens", "ours": 1e6 * statistics.mean(run["steps"][1:]) / tokens,
               "tokens": tokens}
        theirs = "the peer left out"
        if 2 * batch * (length if fills else min(length, LONGEST)) <= PEER_TOKENS:
            found = peer("train_step.py", o.model, text, steps, batch, length, o.threads)
            row["peer"] = 1e6 * statistics.mean(found["steps"][1:]) / tokens
            row["padded"], row["ratio"] = statistics.mean(found["padded"][1:]), row["peer"] / row["ours"]
            theirs = f"{row['peer']:9.1f} {row['ratio']:6.2f}, {row['padded']:6.0f} with padding"
        print(f"{row['work']:40} {tokens:6.0f} tokens a step {row['ours']:9.1f} {theirs}", flush=True)
        table.append(row)


def processor_has(flag):
    with open("/proc/cpuinfo") as file:
        return any(flag in line.split() for line in file if line.startswith("flags"))


def smallest_cosine(one, other):
    import numpy as np
    one, other = (np.load(path).astype(np.float64) for path in (one, other))
    return ((one * other).sum(1) / np.linalg.norm(one, axis=1) / np.linalg.norm(other, axis=1)).min()


def encoding(o, rounds, table, scratch):
    """All sentences of the seven STS sets, as often as they occur there; and the peers on each distinct one once, which
    is what we compute either way. Where the processor has instructions for bfloat16, both sides with them, too."""
    lines = sentences(o.data)
    if o.sentences:
        lines = random.Random(1).sample(lines, o.sentences)
    distinct = list(dict.fromkeys(lines))
    files = {name: os.path.join(scratch, name + ".txt") for name in ("all", "distinct")}
    for name, content in (("all", lines), ("distinct", distinct)):
        with open(files[name], "w", encoding="utf-8") as file:
            file.write("".join(line + "\n" for line in content))
    rows = [("f32", "all", "st", "sentence-transformers"), ("f32", "distinct", "st", "sentence-transformers"),
            ("f32", "all", "onnx", "ONNX Runtime"), ("f32", "distinct", "onnx", "ONNX Runtime"),
            ("f32", "distinct", "openvino-f32", "OpenVINO")]
    has_bf16 = processor_has("avx512_bf16")
    if has_bf16:
        rows.append(("bf16", "distinct", "openvino-bf16", "OpenVINO in bf16"))
    rows = [row for row in rows if not o.peers or row[2] in o.peers]
    ours, theirs = {"f32": [], "bf16": []}, {row: [] for row in rows}
    vectors = functools.partial(os.path.join, scratch)
    for _ in range(rounds):
        for precision in ["f32", "bf16"] if has_bf16 else ["f32"]:
            began = time.time()
            subprocess.run([o.mixcse, "encode", "--model", o.model, "--pooler", "avg", "--input", files["all"],
                            "--threads", str(o.threads), "--precision", precision, "--output",
                            vectors(precision + ".npy")], check=True, stderr=subprocess.DEVNULL)
            ours[precision].append(time.time() - began)
        for row, seconds in theirs.items():
            answer = peer("encode.py", row[2], o.model, files[row[1]], o.threads, vectors(row[2] + ".npy"))
            seconds.append(answer["seconds"])
    for row, seconds in theirs.items():
        given = f"{len(lines)} STS sentences" + (f", the peer the {len(distinct)} distinct" if row[1] != "all" else "")
        add(table, f"encoding {given}, {row[0]}, against {row[3]}", "s", ours[row[0]], seconds)
    if has_bf16:
        add(table, "the same, bf16 against f32, both ours", "s", ours["bf16"], ours["f32"])
        for side, prefix in (("ours", ""), ("OpenVINO's", "openvino-")):
            pair = [vectors(f"{prefix}{precision}.npy") for precision in ("bf16", "f32")]
            if all(map(os.path.exists, pair)):
                cosine = smallest_cosine(*pair)
                print(f"  smallest cosine of a bf16 embedding to the same side's float32, {side}: {cosine:.6f}")
                table.append({"work": f"smallest cosine of bf16 to float32, {side}", "unit": "", "ours": cosine})


def add(table, name, unit, ours, theirs):
    ratios = sorted(b / a for a, b in zip(ours, theirs))
    row = {"work": name, "unit": unit, "ours": statistics.median(ours), "peer": statistics.median(theirs),
           "ratio": statistics.median(ratios), "spread": [ratios[0], ratios[-1]]}
    table.append(row)
    print(f"{name:72} {row['ours']:9.3f} {row['peer']:9.3f} {unit:4} {row['ratio']:6.2f}  "
          f"({ratios[0]:.2f} to {ratios[-1]:.2f})", flush=True)


def random_model(folder, tokenizer, kind="bert"):
    """A model of an architecture's default shape with random weights, and the tokenizer of another."""
    code = ("import sys; from transformers import AutoConfig, AutoModel, AutoTokenizer; "
            "AutoModel.from_config(AutoConfig.for_model(sys.argv[3])).save_pretrained(sys.argv[1]); "
            "AutoTokenizer.from_pretrained(sys.argv[2]).save_pretrained(sys.argv[1])")
    subprocess.run([sys.executable, "-c", code, folder, tokenizer, kind], check=True, stderr=subprocess.DEVNULL)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--mixcse", "--model", "--text", "--data"):
        parser.add_argument(name, required=True)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sentences", type=int, help="encode only so many of them, drawn at random")
    parser.add_argument("--peers", action="append", choices=["st", "onnx", "openvino-f32", "openvino-bf16"],
                        help="encode against these alone (default: all)")
    parser.add_argument("--random", metavar="TYPE", help="in place of the model one of this model_type's default shape "
                        "(distilbert, for instance) with random weights and the model's tokenizer")
    parser.add_argument("--only", choices=PARTS, action="append")
    parser.add_argument("--json")
    o = parser.parse_args()
    parts = o.only or PARTS
    table = []
    print(f"{'work':72} {'ours':>9} {'peer':>9} {'':4} {'ratio':>6}  (of the rounds)")
    with tempfile.TemporaryDirectory() as scratch:
        if o.random:
            tokenizer, o.model = o.model, os.path.join(scratch, o.random)
            random_model(o.model, tokenizer, o.random)
        if "products" in parts:
            products(o, table, scratch)
        if "train" in parts:
            training(o, "MiniLM-L6, batch 64, length 32", o.model, 64, 32, 12, o.rounds, table, scratch)
        if "base" in parts:
            random_model(os.path.join(scratch, "base"), o.model)
            training(o, "BERT-base, batch 64, length 32", os.path.join(scratch, "base"), 64, 32, 4, o.rounds, table,
                     scratch)
        if "encode" in parts:
            encoding(o, o.rounds, table, scratch)
        if "tokenize" in parts:
            long_lines.measure(o, scratch, functools.partial(add, table))
        if "growth" in parts:
            growth(o, table, scratch)
    if o.json:
        with open(o.json, "w") as file:
            json.dump({"machine": platform.processor() or platform.machine(), "threads": o.threads, "rounds": o.rounds,
                       "date": time.strftime("%Y-%m-%d"), "table": table}, file, indent=1)
            file.write("\n")


if __name__ == "__main__":
    main()
