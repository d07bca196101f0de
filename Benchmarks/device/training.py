"""`mixcse train` with an encoder plugin: against the program's own encoder, killed and resumed, in time and memory.

    training.py MIXCSE LIBRARY DEVICE FOLDER [--small] [--skip-speed | --skip-numbers]

LIBRARY: the file of a library, or transformers, which is a process of this Python. Models are random and seeded,
sentences made up; everything is written to FOLDER. Exits with 1 where a check fails.
"""

import argparse
import hashlib
import json
import os
import pathlib
import random
import re
import shutil
import signal
import statistics
import subprocess
import sys
import time

failures = []


def expect(name, ok, found=""):
    print(f"  {'ok  ' if ok else 'FAIL'} {name}{': ' if found else ''}{found}", flush=True)
    if not ok:
        failures.append(name)


def write_model(folder, layers, hidden, words):
    """A BERT of random weights with a word for each token."""
    import torch
    from transformers import BertConfig, BertModel

    torch.manual_seed(3)
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + [f"word{i:05d}" for i in range(words)]
    config = BertConfig(
        vocab_size=len(tokens), hidden_size=hidden, num_hidden_layers=layers, num_attention_heads=hidden // 64,
        intermediate_size=4 * hidden)
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(tokens) + "\n")


def write_sentences(path, count, words, lengths):
    draw = random.Random(5)
    lines = [" ".join(f"word{draw.randrange(words):05d}" for _ in range(draw.randint(*lengths))) for _ in range(count)]
    path.write_text("\n".join(lines) + "\n")


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Runs:
    """Trainings of one model."""

    def __init__(self, asked, model, text):
        self.asked, self.folder, self.model, self.text = asked, pathlib.Path(asked.folder), model, text
        self.is_process = asked.library == "transformers"

    def arguments(self, output, encoder, *more):
        """encoder: native, or the precision of the encoder asked for."""
        flags = [] if encoder == "native" else [
            "--encoder", self.asked.library, "--device", self.asked.device, "--precision", encoder]
        return [
            self.asked.mixcse, "train", "--model", str(self.model), "--train-file", str(self.text), "--output-dir",
            str(self.folder / output), "--max-seq-length", "32", *flags,
            *([] if "--pooler" in more else ["--pooler", "cls"]),
            *([] if "--method" in more else ["--method", "mixcse"]), *more]

    def train(self, output, encoder, *more, code=0, before=()):
        ended = subprocess.run([*before, *self.arguments(output, encoder, *more)], capture_output=True, text=True)
        if ended.returncode != code:
            print(ended.stderr[-3000:])
            raise SystemExit(f"{output}: expected exit code {code}, found {ended.returncode}")
        return ended.stderr

    def steps(self, output):
        lines = [json.loads(line) for line in (self.folder / output / "metrics.jsonl").read_text().splitlines()]
        return [line for line in lines if "gradNorm" in line]

    def weights(self, output):
        return digest(self.folder / output / "model.safetensors")


def check_numbers(runs, device):
    """Losses as with the own encoder, step by step; resumed bit for bit; on with another encoder."""
    short = ["--batch-size", "16", "--max-steps", "20", "--learning-rate", "1e-4", "--save-steps", "7"]
    if runs.is_process:
        # Its dropout is its own: numbers are compared without, and with it bits with bits.
        exact = [*short, "--dropout", "0"]
    else:
        exact = short
    runs.train("native", "native", *exact)
    own = runs.steps("native")
    said = runs.train("f32", "f32", *exact)
    expect("the encoder says what it is",
           ("of transformers" if runs.is_process else "dropout masks of the native encoder") in said)
    there = runs.steps("f32")
    apart = max(abs(a["loss"] - b["loss"]) / abs(b["loss"]) for a, b in zip(there, own))
    expect("f32: 20 losses as with the native encoder", len(there) == 20 and apart < 2e-5, f"{apart:.1e} apart")
    apart = max(abs(a["gradNorm"] - b["gradNorm"]) / b["gradNorm"] for a, b in zip(there, own))
    expect("f32: 20 gradient norms", apart < 2e-4, f"{apart:.1e} apart")
    names = [sorted(p.name for p in (runs.folder / o).iterdir()) for o in ("native", "f32")]
    expect("the export holds the same files", names[0] == names[1], str(names[1]))
    for precision in ("f32", "bf16"):
        runs.train(f"{precision}-whole", precision, *short)
        runs.train(f"{precision}-again", precision, *short)
        expect(f"{precision}: the same run again, bit for bit",
               runs.weights(f"{precision}-whole") == runs.weights(f"{precision}-again"))
        output = f"{precision}-killed"
        child = subprocess.Popen(
            runs.arguments(output, precision, *short), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        log = runs.folder / output / "metrics.jsonl"
        while child.poll() is None and (not log.exists() or log.read_text().count("\n") < 10):
            time.sleep(0.001)
        child.send_signal(signal.SIGKILL)
        child.wait()
        runs.train(output, precision, *short, "--resume")
        expect(f"{precision}: killed and resumed, bit for bit",
               runs.weights(output) == runs.weights(f"{precision}-whole"))
    if runs.is_process:
        runs.train("native-dropout", "native", *short)
        own_dropout = runs.steps("native-dropout")
    else:
        own_dropout = own
    apart = max(abs(a["loss"] - b["loss"]) for a, b in zip(runs.steps("bf16-whole"), own_dropout)) / own[0]["loss"]
    expect("bf16: losses near those of the native encoder", apart < 0.2, f"{apart:.1e} of the first apart")
    for first, then in (("native", "f32"), ("f32", "native")):
        output = f"{first}-to-{then}"
        runs.train(output, first, *exact, "--stop-after", "10", code=75)
        said = runs.train(output, then, *exact, "--resume")
        expect(f"from {first} to {then}: said", "going on with another encoder" in said)
        apart = max(abs(a["loss"] - b["loss"]) / abs(b["loss"]) for a, b in zip(runs.steps(output), own))
        expect(f"from {first} to {then}: the losses of one alone", apart < 2e-5, f"{apart:.1e} apart")
    encoded = {}
    for name, flags in (("native", []), ("plugin", ["--encoder", runs.asked.library, "--device", device])):
        out = runs.folder / f"{name}.npy"
        subprocess.run(
            [runs.asked.mixcse, "encode", "--model", str(runs.folder / "native"), "--input", str(runs.text), "--output",
             str(out), *flags], check=True, capture_output=True)
        import numpy
        encoded[name] = numpy.load(out)
    apart = float(abs(encoded["native"] - encoded["plugin"]).max())
    expect("encode: the same embeddings", apart < 1e-4, f"{apart:.1e} apart")


def check_ranks(runs, device):
    """Two processes by MPI, on one device: the losses of one. Left out where there is no MPI."""
    if not shutil.which("mpirun") or not shutil.which("mpicc"):
        print("  left out: ranks, since mpirun and mpicc are not here")
        return
    subprocess.run([runs.asked.mixcse, "ranks", "build", "--output", str(runs.folder / "mpi")], check=True,
                   capture_output=True)
    before = ["mpirun", "--allow-run-as-root", "--oversubscribe", "--bind-to", "none", "-x",
              f"CSE_RANKS={runs.folder}/mpi/libMixCSERanks.so", "-n", "2"]
    number = [] if device == "cpu" else ["--device", device.split(":")[0] + ":0"]
    short = ["--batch-size", "16", "--max-steps", "20", "--learning-rate", "1e-4", "--save-steps", "7"]
    if runs.is_process:
        short += ["--dropout", "0"]
    said = runs.train("ranks", "f32", *short, *number, before=before)
    expect("two ranks: how gradients come together is said", "in the memory of the hosts" in said,
           next((line for line in said.splitlines() if "added up" in line), said))
    one, two = runs.steps("f32"), runs.steps("ranks")
    apart = max(abs(a["loss"] - b["loss"]) / abs(b["loss"]) for a, b in zip(two, one))
    expect("two ranks, f32: 20 losses of one process", len(two) == 20 and apart < 1e-5,
           f"{apart:.1e} apart")
    runs.train("ranks-stopped", "f32", *short, *number, "--stop-after", "10", before=before, code=75)
    runs.train("ranks-stopped", "f32", *short, "--resume")
    apart = max(abs(a["loss"] - b["loss"]) / abs(b["loss"]) for a, b in zip(runs.steps("ranks-stopped"), one))
    expect("two ranks, then one: the losses of one process", apart < 1e-5, f"{apart:.1e} apart")
    runs.train("masked-one", "f32", *short, *number, "--mlm")
    runs.train("masked-two", "f32", *short, *number, "--mlm", before=before)
    one, two = runs.steps("masked-one"), runs.steps("masked-two")
    apart = max(abs(a[what] - b[what]) / abs(b[what]) for a, b in zip(two, one) for what in ("loss", "mlmLoss"))
    expect("two ranks, masked words: 20 losses of one process", len(two) == 20 and apart < 1e-5, f"{apart:.1e} apart")


def architectures(runs):
    """What is like BERT, and ModernBERT, each as a small random model."""
    import torch
    from tokenizers import BertWordPieceTokenizer
    from transformers import AutoConfig, AutoModel

    sizes = dict(hidden_size=64, num_hidden_layers=3, num_attention_heads=2, intermediate_size=128,
                 max_position_embeddings=66)
    kinds = {
        "distilbert": dict(dim=64, n_layers=3, n_heads=2, hidden_dim=128, max_position_embeddings=64),
        "mpnet": sizes, "electra": dict(sizes, embedding_size=32), "ernie": dict(sizes, use_task_id=True),
        "albert": dict(sizes, embedding_size=32, num_hidden_groups=2, num_hidden_layers=4, hidden_dropout_prob=0.1,
                       attention_probs_dropout_prob=0.1),
        # Layers 2 and 3 see six tokens on either side, of sentences of up to 32.
        "modernbert": dict(sizes, num_hidden_layers=4, local_attention=12, embedding_dropout=0.1, mlp_dropout=0.1,
                           attention_dropout=0.2, attention_bias=True, pad_token_id=0, cls_token_id=2, bos_token_id=2,
                           sep_token_id=3, eos_token_id=3),
    }
    words = (runs.folder / "small" / "vocab.txt").read_text().splitlines()
    own_model = runs.model
    for kind, keys in kinds.items():
        torch.manual_seed(4)
        runs.model = folder = runs.folder / kind
        tokenizer, tokens = "BertTokenizer", words
        if kind == "mpnet":
            # Its padding token is number 1.
            tokenizer, tokens = "MPNetTokenizer", ["<s>", "<pad>", "</s>", "[UNK]", "<mask>", *words[5:]]
        AutoModel.from_config(AutoConfig.for_model(kind, vocab_size=len(tokens), **keys)).save_pretrained(folder)
        (folder / "vocab.txt").write_text("\n".join(tokens) + "\n")
        if kind == "modernbert":
            tokenizer = "PreTrainedTokenizerFast"
            BertWordPieceTokenizer(str(folder / "vocab.txt"), lowercase=True).save(str(folder / "tokenizer.json"))
        (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": tokenizer, "do_lower_case": True}))
        yield kind
    runs.model = own_model


def check_architectures(runs):
    """What is like BERT, and ModernBERT, with their masks and their heads for masked words: the losses of the native
    encoder. A process of transformers without dropout."""
    short = ["--batch-size", "16", "--max-steps", "6", "--learning-rate", "3e-4", "--pooler", "avg"]
    still, masked = ["--dropout", "0"], ["--mlm", "--mlm-weight", "0.5"]
    compared = [("f32", still + masked if runs.is_process else masked, 2e-5)]
    if not runs.is_process:
        compared += [("f32", [], 2e-5), ("bf16", still, 0.05)]
    for kind in architectures(runs):
        for precision, flags, limit in compared:
            for name, encoder in (("native", "native"), ("there", precision)):
                runs.train(f"{kind}-{name}", encoder, *short, *flags, "--overwrite")
            own, there = runs.steps(f"{kind}-native"), runs.steps(f"{kind}-there")
            for what in ("loss", "mlmLoss") if "--mlm" in flags else ("loss",):
                apart = max(abs(a[what] - b[what]) / abs(b[what]) for a, b in zip(there, own))
                expect(f"{kind}, {precision} {' '.join(flags)}: 6 numbers of {what} as with the native encoder",
                       len(there) == 6 and apart < limit, f"{apart:.1e} apart")
        if kind == "modernbert" and not runs.is_process:
            check_modern(runs, short)


def check_modern(runs, short):
    """ModernBERT otherwise: first tokens, middle layers, parts of batches; stopped and resumed."""
    modes = {
        "first tokens": ["--pooler", "cls"], "middle layers": ["--pooler", "avg_top2"],
        "all tokens": ["--pooler", "max"], "parts": ["--pooler", "cls", "--chunk-size", "5"],
    }
    for name, flags in modes.items():
        output = "modernbert-" + name.replace(" ", "-")
        for encoder in ("native", "f32"):
            runs.train(f"{output}-{encoder}", encoder, *short[:6], *flags)
        there, own = runs.steps(output + "-f32"), runs.steps(output + "-native")
        apart = max(abs(a["loss"] - b["loss"]) / abs(b["loss"]) for a, b in zip(there, own))
        expect(f"modernbert, {name}: 6 losses of the native encoder", len(there) == 6 and apart < 2e-5,
               f"{apart:.1e} apart")
    for precision in ("f32", "bf16"):
        runs.train("modernbert-stopped", precision, *short, "--stop-after", "3", "--overwrite", code=75)
        runs.train("modernbert-stopped", precision, *short, "--resume")
        runs.train("modernbert-whole", precision, *short, "--overwrite")
        expect(f"modernbert in {precision}: stopped and resumed, bit for bit",
               runs.weights("modernbert-stopped") == runs.weights("modernbert-whole"))


def check_modes(runs):
    """What works otherwise on a device than beside the program's own encoder: the losses are the same."""
    short = ["--batch-size", "16", "--max-steps", "12", "--learning-rate", "1e-4"]
    exact = ["--dropout", "0"] if runs.is_process else []
    modes = {
        "means": ["--pooler", "avg"], "means of layers": ["--pooler", "avg_first_last"],
        "all tokens": ["--pooler", "max"], "parts": ["--chunk-size", "5"], "frozen": ["--frozen"],
        "moving average": ["--method", "moco"], "masked words": ["--mlm"],
        "masked words in parts": ["--mlm", "--mlm-weight", "0.5", "--chunk-size", "5"],
    }
    for name, flags in modes.items():
        output = "mode-" + name.replace(" ", "-")
        runs.train(output + "-native", "native", *short, *exact, *flags)
        runs.train(output, "f32", *short, *exact, *flags)
        there, own = runs.steps(output), runs.steps(output + "-native")
        for what in ("loss", "mlmLoss") if "--mlm" in flags else ("loss",):
            apart = max(abs(a[what] - b[what]) / abs(b[what]) for a, b in zip(there, own))
            expect(f"{name}: 12 numbers of {what} as with the native encoder", len(there) == 12 and apart < 2e-5,
                   f"{apart:.1e} apart")
    for first, then in (("native", "f32"), ("f32", "native")):
        output = f"masked-{first}-to-{then}"
        runs.train(output, first, *short, *exact, "--mlm", "--stop-after", "7", code=75)
        runs.train(output, then, *short, *exact, "--mlm", "--resume")
        own = runs.steps("mode-masked-words-native")
        apart = max(abs(a["mlmLoss"] - b["mlmLoss"]) / abs(b["mlmLoss"]) for a, b in zip(runs.steps(output), own))
        expect(f"masked words from {first} to {then}: the losses of one alone", apart < 2e-5, f"{apart:.1e} apart")
    for name in ("moving average", "parts", "masked words", "masked words in parts"):
        runs.train("stopped", "bf16", *short, *modes[name], "--stop-after", "7", "--overwrite", code=75)
        runs.train("stopped", "bf16", *short, *modes[name], "--resume")
        runs.train("whole", "bf16", *short, *modes[name], "--overwrite")
        expect(f"{name} in bf16: stopped and resumed, bit for bit", runs.weights("stopped") == runs.weights("whole"))


def check_comparison(runs, asked):
    """Two strategies with two seeds, two runs at a time; found again; another precision is another run."""
    draw = random.Random(9)
    texts = runs.text.read_text().splitlines()
    pairs = [f"{draw.choice(texts)}\t{draw.choice(texts)}\t{draw.random() * 5:.2f}" for _ in range(200)]
    (runs.folder / "pairs.tsv").write_text("\n".join(pairs) + "\n")

    def compare(precision, *more):
        return subprocess.run(
            [asked.mixcse, "compare", "simcse", "mixcse", "--seeds", "42,43", "--model", str(runs.model),
             "--train-file", str(runs.text), "--test-data", str(runs.folder / "pairs.tsv"),
             "--output-dir", str(runs.folder / "compare"), "--batch-size", "16", "--max-steps", "10",
             "--max-seq-length", "32", "--pooler", "avg", "--encoder", asked.library, "--device", asked.device,
             "--precision", precision, *more], capture_output=True, text=True)

    began = time.monotonic()
    first = compare("bf16", "--jobs", "2")
    expect("compare in bf16, two runs at a time", first.returncode == 0,
           f"{time.monotonic() - began:.0f} s" if first.returncode == 0 else first.stderr[-2000:])
    if first.returncode != 0:
        return
    record = json.loads((runs.folder / "compare/results.json").read_text())["record"]["encoder"]
    expect("the report names it", record["precision"] == "bf16" and record["deviceName"] in first.stdout, str(record))
    again = compare("bf16")
    expect("the same command finds all runs", "4 of 4 runs are there already" in again.stderr)
    other = compare("f32")
    expect("another precision is another run", '"bf16" then, "f32" now' in other.stderr)
    absent = compare("bf16", "--device", "cuda:99")
    expect("a device that is not there is said once", absent.returncode == 69, absent.stderr.strip().splitlines()[-1])


def phases(runs, output):
    """Mean seconds of a step's phases, after three to warm up."""
    lines = [line["phases"] for line in runs.steps(output)[3:]]
    return {name: statistics.mean(line.get(name, 0.0) for line in lines) for name in lines[0]}


def check_speed(runs, asked, config):
    """A step of `mixcse train` in bf16 against a PyTorch loop of the same recipe."""
    import copy

    import speed
    import torch
    from transformers import BertModel

    is_cuda = asked.device.startswith("cuda")
    wait = torch.cuda.synchronize if is_cuda else lambda: None
    torch.manual_seed(5)
    first = BertModel._from_config(config, add_pooling_layer=False, attn_implementation="sdpa")
    for lengths, words in (("32", (30, 30)), ("6-32", (4, 30))):
        if lengths not in asked.lengths.split(","):
            continue
        text = runs.folder / f"text-{lengths}.txt"
        write_sentences(text, 20000 if is_cuda else 200, config.vocab_size - 5, words)
        for rows in map(int, asked.rows.split(",")) if is_cuda else (8,):
            sets = speed.batches(rows, lengths, config.vocab_size)
            theirs, their_peak = speed.pytorch(
                copy.deepcopy(first), sets, rows, 30 if is_cuda else 3, wait, asked.device, torch.bfloat16)
            if is_cuda:
                torch.cuda.empty_cache()
            runs.text = text
            wanted = [("bf16", "simcse"), ("bf16", "mixcse")]
            if is_cuda and lengths == "32" and not runs.is_process and not asked.bf16:
                wanted += [("tf32", "simcse"), ("f32", "simcse")]
            for precision, method in wanted:
                ours, there = time_run(runs, f"{precision}-{method}-{rows}-{lengths}", precision, method, rows, theirs)
                if (precision, method) == ("bf16", "simcse") and is_cuda and not runs.is_process:
                    expect(f"batch {rows} x {lengths}: the encoder's part as fast as PyTorch's step", theirs >= there)
                    if rows <= 64:
                        expect(f"batch {rows} x {lengths}: the step as fast as PyTorch's", theirs >= ours)
            print(f"    (peak memory of PyTorch: {their_peak >> 20} MiB)", flush=True)


def time_run(runs, output, precision, method, rows, theirs):
    """Seconds of a step, and those of encoder and optimiser in it.

    simcse: the recipe of the PyTorch loop; mixcse: with the head of training and two mixtures.
    """
    head = ["--head", "none"] if method == "simcse" else []
    said = runs.train(
        output, precision, "--batch-size", str(rows), "--max-steps", "30" if precision == "bf16" else "10",
        "--save-steps", "100000", "--profile", "--method", method, *head)
    ours = statistics.median(rows / line["sentencesPerSecond"] for line in runs.steps(output)[3:])
    told = phases(runs, output)
    there = sum(s for name, s in told.items() if name.startswith(("encoder", "optimizer")))
    shown = ", ".join(f"{name} {seconds * 1e3:.2f}" for name, seconds in sorted(told.items()) if seconds > 2e-5)
    peak = re.search(r"peak device memory (\d+) MiB", said)
    beside = (1 - there / sum(told.values())) * 100
    print(f"  {output}: {ours * 1e3:.2f} ms; PyTorch bf16 {theirs * 1e3:.2f} ms: {theirs / ours:.2f}x; beside encoder "
          f"and optimiser {beside:.0f} %; {peak.group(1) if peak else '?'} MiB", flush=True)
    print(f"    ({shown})", flush=True)
    subprocess.run(["rm", "-rf", str(runs.folder / output)])
    return ours, there


def main():
    parser = argparse.ArgumentParser()
    for name in ("mixcse", "library", "device", "folder"):
        parser.add_argument(name)
    parser.add_argument("--small", action="store_true", help="a step of a small model, for machines without a GPU")
    parser.add_argument("--skip-speed", action="store_true")
    parser.add_argument("--skip-numbers", action="store_true")
    parser.add_argument("--rows", default="64,512", help="of the batches that are timed")
    parser.add_argument("--lengths", default="32,6-32", help="tokens of their sentences")
    parser.add_argument("--bf16", action="store_true", help="time no other precision")
    asked = parser.parse_args()
    if asked.library == "transformers":
        os.environ["MIXCSE_PYTHON"] = sys.executable
    else:
        asked.library = os.path.abspath(asked.library)
    folder = pathlib.Path(asked.folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_model(folder / "small", 2 if asked.small else 4, 128 if asked.small else 256, 2000)
    write_sentences(folder / "text.txt", 400, 2000, (3, 34))
    runs = Runs(asked, folder / "small", folder / "text.txt")
    if not asked.skip_numbers:
        check_numbers(runs, asked.device)
        check_modes(runs)
        check_ranks(runs, asked.device)
        check_comparison(runs, asked)
        check_architectures(runs)
    if not asked.skip_speed:
        from transformers import BertConfig

        size = (2, 128) if asked.small else (12, 768)
        write_model(folder / "base", *size, 30517)
        runs.model = folder / "base"
        check_speed(runs, asked, BertConfig.from_pretrained(folder / "base"))
    print(f"{len(failures)} failures" if failures else "training: all as expected")
    raise SystemExit(1 if failures else 0)


if __name__ == "__main__":
    main()
