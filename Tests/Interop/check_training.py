"""Twenty steps of training in PyTorch with mixcse.Objective against `mixcse train`: the same data, dropout 0, the same
losses; then encoding, tokens and the program through the package.

    python Tests/Interop/check_training.py --model MODEL --text FILE_OF_SENTENCES [--whole]"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

import mixcse
import numpy as np
import torch
from transformers import AutoModel, AutoTokenizer

from tiny import tiny_bert

STEPS, ROWS, LENGTH, RATE, DECAY = 20, 16, 24, 3e-4, 0.01
STRATEGIES = ("simcse", "infonce+mixcse:lambda=0.3", "infonce+queue:size=64", "siglip")


def program_losses(model, pairs, strategy, folder):
    """What `mixcse train` logs."""
    flags = []
    for name in strategy.split("+"):
        kind = {"simcse": "--method", "siglip": "--method", "infonce": "--loss"}.get(name, "--sampler")
        flags += [kind, name]
    code = mixcse.run([
        "train", "--model", model, "--train-file", pairs, "--pooler", "avg", "--head", "none", "--dropout", 0,
        "--no-shuffle", "--batch-size", ROWS, "--max-steps", STEPS, "--learning-rate", RATE, "--weight-decay", DECAY,
        "--max-grad-norm", 1, "--max-seq-length", LENGTH, "--output-dir", folder, *flags])
    assert code == 0, code
    with open(os.path.join(folder, "metrics.jsonl"), encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def pytorch_losses(path, pairs, strategy):
    """The same in PyTorch: AutoModel, mean pooling, AdamW, a clip, a linear schedule."""
    torch.manual_seed(0)
    model = AutoModel.from_pretrained(path, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0).train()
    tokenizer = AutoTokenizer.from_pretrained(path)
    objective = mixcse.Objective(strategy, model.config.hidden_size)
    objective.total_steps = STEPS
    plain = [p for name, p in model.named_parameters() if name.endswith("bias") or "LayerNorm" in name]
    others = [p for p in model.parameters() if all(p is not other for other in plain)]
    optimizer = torch.optim.AdamW(
        [{"params": others, "weight_decay": DECAY}, {"params": plain, "weight_decay": 0.0},
         *objective.parameter_groups(RATE, DECAY)], lr=RATE, eps=1e-8)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / STEPS)
    with open(pairs, encoding="utf-8") as file:
        columns = list(zip(*[line.rstrip("\n").split("\t") for line in file]))
    losses = []
    for step in range(STEPS):
        rows = range(step * ROWS, (step + 1) * ROWS)
        z = []
        for column in columns:
            tokens = tokenizer(
                [column[row] for row in rows], padding=True, truncation=True, max_length=LENGTH, return_tensors="pt")
            mask = tokens["attention_mask"].unsqueeze(-1)
            z.append((model(**tokens).last_hidden_state * mask).sum(1) / mask.sum(1))
        loss = objective(*z, row_ids=list(rows))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_([p for group in optimizer.param_groups for p in group["params"]], 1.0)
        optimizer.step()
        schedule.step()
        losses.append((loss.item(), objective.metrics))
    return losses


def check_steps(model, sentences, folder):
    pairs = os.path.join(folder, "pairs.tsv")
    with open(pairs, "w", encoding="utf-8") as file:
        for row in range(STEPS * ROWS):
            file.write(f"{sentences[2 * row]}\t{sentences[2 * row + 1]}\n")
    for number, strategy in enumerate(STRATEGIES):
        expected = program_losses(model, pairs, strategy, os.path.join(folder, str(number)))
        found = pytorch_losses(model, pairs, strategy)
        assert len(expected) == len(found) == STEPS
        worst = max(abs(loss - line["loss"]) for (loss, _), line in zip(found, expected))
        assert worst < 1e-5, f"{strategy}: {worst}"
        for (_, metrics), line in zip(found, expected):
            assert metrics and all(abs(value - line[name]) < 1e-3 for name, value in metrics.items()), (metrics, line)
        assert abs(expected[0]["loss"] - expected[-1]["loss"]) > 1e-2, "nothing was learned"
        print(f"training: {strategy}, {STEPS} steps: largest difference of the losses {worst:.1e}")


def check_encoding(model, sentences, folder):
    texts = [*sentences, "", "Ünïcödé — 漢字 🙂", sentences[0], " ".join(sentences[:40])]
    path = os.path.join(folder, "texts.txt")
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(texts) + "\n")
    output = os.path.join(folder, "texts.npy")
    command = ["encode", "--model", model, "--input", path, "--output", output]
    began = time.perf_counter()
    assert mixcse.run(command) == 0
    program_seconds = time.perf_counter() - began
    expected = np.load(output)
    began = time.perf_counter()
    encoder = mixcse.Encoder(model)
    found = encoder.encode(texts)
    seconds = time.perf_counter() - began
    assert found.dtype == np.float32 and np.array_equal(expected, found), "other bits than mixcse encode"
    assert np.array_equal(encoder.encode(texts[1]), found[1]) and encoder.encode([]).shape == (0, encoder.width)
    unit = mixcse.Encoder(model, pooler="cls_before_pooler", normalize=True, max_length=8).encode(texts[:5])
    assert np.allclose(np.linalg.norm(unit, axis=1), 1) and not np.allclose(unit, found[:5])
    rounded = mixcse.Encoder(model, precision="bf16").encode(texts)
    cosines = (rounded * found).sum(1) / np.linalg.norm(rounded, axis=1) / np.linalg.norm(found, axis=1)
    assert cosines.min() > 0.999 and not np.array_equal(rounded, found), "bf16 is near float32"
    try:
        mixcse.Encoder(model, precision="fp8")
        raise AssertionError("a precision that there is not was taken")
    except ValueError as reason:
        assert "'f32' or 'bf16'" in str(reason)
    tokenizer, theirs = mixcse.Tokenizer(model), AutoTokenizer.from_pretrained(model)
    for text in texts[-60:]:
        assert tokenizer.encode(text) == theirs(text)["input_ids"], text
    assert len(tokenizer.encode(texts[-1], max_length=9)) == 9
    assert tokenizer.token(tokenizer.encode("a")[0]) == "[CLS]" and tokenizer.token(10**9) is None
    print(f"encoding: {len(texts)} sentences, the bits of mixcse encode; {seconds:.2f} s with opening the model, the "
          f"program {program_seconds:.2f} s, ratio {program_seconds / seconds:.2f}")


def check_program():
    assert mixcse.run(["--version"]) == 0
    assert mixcse.run(["train", "--nonsense"]) == 64
    command = subprocess.run([sys.executable, "-m", "mixcse", "plugins", "list"], capture_output=True, text=True)
    assert command.returncode == 0 and "mixcse" in command.stdout
    # What Python ignores is not handed on to the program that the command becomes.
    question = ["SigIgn", "/proc/self/status"]
    asked = [subprocess.run([*start, *question], capture_output=True, text=True, check=True,
                            env={**os.environ, "MIXCSE_PROGRAM": "/bin/grep"}).stdout
             for start in (["/bin/grep"], [sys.executable, "-m", "mixcse"])]
    assert asked[0] == asked[1] and asked[0].startswith("SigIgn"), asked
    kinds = {(item["kind"], item["name"]) for item in mixcse.components()}
    assert {("sampler", "mixcse"), ("loss", "infonce"), ("method", "simcse")} <= kinds
    for variable, use in (("MIXCSE_PROGRAM", "run(['--version'])"), ("MIXCSE_LIBRARY", "components()")):
        broken = subprocess.run(
            [sys.executable, "-c", f"import mixcse; mixcse.{use}"], capture_output=True, text=True,
            env={**os.environ, variable: "/not/there"})
        assert broken.returncode != 0 and f"{variable}: expected the path" in broken.stderr, broken.stderr
    print(f"program: version {mixcse.__version__} at {mixcse.program_path()}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--text", required=True)
    parser.add_argument("--whole", action="store_true", help="train the model itself, not a small one")
    arguments = parser.parse_args()
    with open(arguments.text, encoding="utf-8") as file:
        sentences = [line.rstrip("\n") for line in file]
    with tempfile.TemporaryDirectory() as folder:
        small = tiny_bert(arguments.model, os.path.join(folder, "small"), 0.1)
        check_steps(arguments.model if arguments.whole else small, sentences, folder)
        check_encoding(arguments.model, sentences, folder)
    check_program()


if __name__ == "__main__":
    main()
