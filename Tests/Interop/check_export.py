#!/usr/bin/env python3
"""Checks that an exported folder loads as it is in transformers and in sentence-transformers, with our embeddings.

    check_export.py --export DIR --embeddings FILE.npy --text FILE [--source DIR] [--tolerance 2e-4]

DIR is a folder `mixcse train` wrote, FILE.npy what `mixcse encode --model DIR --input FILE` (or the trainer) computed
for the lines of the text. --source is the model the training began with; what was to stay is compared.
Exits 0 when everything agrees, 1 with the reasons when not. Needs torch, transformers, sentence-transformers, numpy.
"""
import argparse
import json
import os
import sys
import warnings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
warnings.simplefilter("ignore")

import numpy as np
import torch
from safetensors import safe_open
from transformers import AutoConfig, AutoModel, AutoTokenizer

failures = []


def check(condition, text):
    print(("ok    " if condition else "FAIL  ") + text)
    if not condition:
        failures.append(text)


def tensors(folder, name="model.safetensors"):
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        return {}
    with safe_open(path, "pt") as file:
        return {key: file.get_tensor(key) for key in file.keys()}


def canonical(name):
    for prefix in ("bert.", "roberta.", "distilbert.", "mpnet.", "electra.", "ernie.", "albert."):
        name = name.removeprefix(prefix)
    return name.replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias")


def pool(pooler, hidden, mask):
    """The poolers by their definition; hidden: all layers, embedding layer first. None for one not known here."""
    last, weight = hidden[-1], mask[..., None].to(hidden[-1].dtype)

    def mean(state):
        return (state * weight).sum(1) / weight.sum(1)

    if pooler in ("cls", "cls_before_pooler"):
        return last[:, 0]
    if pooler == "avg":
        return mean(last)
    if pooler == "max":
        return last.masked_fill(weight == 0, -torch.inf).max(1).values
    if pooler == "avg_top2":
        return mean((hidden[-1] + hidden[-2]) / 2)
    if pooler.startswith("avg_first_last"):
        return mean((hidden[1 if "first=layer1" in pooler else 0] + last) / 2)
    return None


def with_transformers(folder, lines, record):
    model, info = AutoModel.from_pretrained(folder, output_loading_info=True)
    model.eval()
    missing = {key for key in info["missing_keys"] if not key.startswith("pooler.")}
    check(not missing, f"transformers: no tensor is missing {sorted(missing)}")
    check(not info["unexpected_keys"], f"transformers: no tensor is unexpected {sorted(info['unexpected_keys'])}")
    check(not info.get("mismatched_keys"), "transformers: no shape differs")
    check(next(model.parameters()).dtype == torch.float32, "transformers: loads as float32")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    limit = json.load(open(os.path.join(folder, "config.json")))["max_position_embeddings"]
    if model.config.model_type in ("roberta", "xlm-roberta", "camembert", "mpnet"):
        limit -= model.embeddings.padding_idx + 1
    # Where the folder says how long a line may be, encoding holds to it, as sentence-transformers does.
    own = os.path.join(folder, "sentence_bert_config.json")
    if os.path.exists(own):
        limit = min(limit, json.load(open(own)).get("max_seq_length") or limit)
    rows = []
    for line in lines:
        batch = tokenizer(line, return_tensors="pt", truncation=True, max_length=limit, padding=False)
        with torch.no_grad():
            hidden = model(**batch, output_hidden_states=True).hidden_states
        rows.append(pool(record["pooler"], hidden, batch["attention_mask"]))
    if any(row is None for row in rows):
        return None
    result = torch.cat(rows)
    if record["head"] == "kept":
        head = tensors(os.path.join(folder, record["headFolder"]))
        result = torch.tanh(result @ head["linear.weight"].T + head["linear.bias"])
    return result.numpy()


def compare(ours, theirs, tolerance, what):
    same = ours.shape == theirs.shape
    check(same, f"{what}: shape {theirs.shape}, ours {ours.shape}")
    if same:
        difference = float(np.abs(ours - theirs).max())
        check(np.isfinite(theirs).all() and difference <= tolerance, f"{what}: largest difference {difference:.2e}")


def check_names(folder, source):
    names = tensors(folder)
    known = AutoModel.from_config(AutoConfig.from_pretrained(folder)).state_dict()
    strange = [n for n in names if n not in known]
    check(not strange, f"model.safetensors holds the encoder and the source's pooler only {strange}")
    if not source:
        return
    before = {canonical(n): t for n, t in tensors(source).items()}
    for name in ("pooler.dense.weight", "pooler.dense.bias", "pooler.weight", "pooler.bias"):
        check((name in names) == (name in before), f"{name}: there as in the source")
        if name in names and name in before:
            check(torch.equal(names[name], before[name].float()), f"{name}: untouched")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--export", required=True)
    parser.add_argument("--embeddings", required=True)
    parser.add_argument("--text", required=True)
    parser.add_argument("--source")
    parser.add_argument("--tolerance", type=float, default=2e-4)
    options = parser.parse_args()
    torch.manual_seed(0)
    folder = options.export
    record = json.load(open(os.path.join(folder, "mixcse.json")))
    with open(options.text, encoding="utf-8", newline="\n") as file:
        lines = file.read().removesuffix("\n").split("\n")
    ours = np.load(options.embeddings)
    print(f"{folder}: pooler {record['pooler']}, head {record['head']}, {len(lines)} lines")
    check_names(folder, options.source)
    theirs = with_transformers(folder, lines, record)
    if theirs is None:
        print(f"note  pooler {record['pooler']} is not known to this script: not compared with transformers")
    else:
        compare(ours, theirs, options.tolerance, "transformers")
    if os.path.exists(os.path.join(folder, "modules.json")):
        from sentence_transformers import SentenceTransformer

        model = SentenceTransformer(folder, device="cpu")
        for size in (1, len(lines)):
            theirs = model.encode(lines, batch_size=size, show_progress_bar=False)
            compare(ours, theirs, options.tolerance, f"sentence-transformers, batches of {size}")
    else:
        check(any("modules.json" in note for note in record["notes"]), "no modules.json, and a note says so")
    print("failed: " + str(len(failures)) if failures else "all agree")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
