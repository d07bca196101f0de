#!/usr/bin/env python3
"""Trains a small random model of every architecture for a few steps, whole and stopped in the middle, and checks each
exported folder (check_export.py).

    check_architectures.py --mixcse MIXCSE --model DIR --text FILE [--only NAME]

DIR is a BERT model whose vocabulary is used.
Exits 0 when everything agrees. Needs torch, transformers, sentence-transformers, numpy.
"""
import argparse
import filecmp
import json
import os
import shutil
import subprocess
import sys
import tempfile

import check_export
import torch
from transformers import AutoConfig, AutoModel, BertTokenizer

SIZES = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
             max_position_embeddings=130)
MODELS = {
    "distilbert": dict(dim=32, n_layers=2, n_heads=2, hidden_dim=64, max_position_embeddings=128),
    "mpnet": SIZES,
    "xlm-roberta": dict(SIZES, pad_token_id=0, type_vocab_size=1),
    "camembert": dict(SIZES, pad_token_id=0),
    "electra": dict(SIZES, embedding_size=16),
    "ernie": dict(SIZES, use_task_id=True),
    "albert": dict(SIZES, embedding_size=16, hidden_dropout_prob=0.1),
    "modernbert": dict(SIZES, num_hidden_layers=3, local_attention=16, pad_token_id=0, embedding_dropout=0.1,
                       mlp_dropout=0.1, attention_dropout=0.1),
}


def write_model(name, keys, source, folder):
    words = open(os.path.join(source, "vocab.txt"), encoding="utf-8").read().split("\n")[:-1]
    tokenizer = "BertTokenizer"
    if name == "mpnet":  # its padding token is number 1
        tokenizer = "MPNetTokenizer"
        for i, (old, new) in enumerate([("[CLS]", "<s>"), ("[PAD]", "<pad>"), ("[SEP]", "</s>"), ("[MASK]", "<mask>")]):
            words[words.index(old)] = new
            at = words.index(new)
            words[i], words[at] = words[at], words[i]
    torch.manual_seed(1)
    model = AutoModel.from_config(AutoConfig.for_model(name, vocab_size=len(words), **keys))
    model.save_pretrained(folder)
    with open(os.path.join(folder, "vocab.txt"), "w", encoding="utf-8") as file:
        file.write("".join(word + "\n" for word in words))
    with open(os.path.join(folder, "tokenizer_config.json"), "w") as file:
        json.dump({"tokenizer_class": tokenizer, "do_lower_case": True, "model_max_length": 96}, file)
    if name == "modernbert":  # whose tokenizer is read from tokenizer.json alone
        BertTokenizer.from_pretrained(folder).save_pretrained(folder)


def run(*command, code=0):
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != code:
        print(" ".join(command), result.returncode, result.stdout, result.stderr, sep="\n")
    return result.returncode == code


def agrees(*arguments):
    """check_export.py in this process: torch takes longer to begin than to compute."""
    check_export.failures.clear()
    sys.argv[1:] = arguments
    try:
        check_export.main()
    except SystemExit as end:
        return end.code == 0
    except OSError as error:
        print(error)
    return False


def check(mixcse, name, keys, source, text, root):
    model = os.path.join(root, name)
    write_model(name, keys, source, model)
    ok = True
    flags = {"avg": ["--pooler", "avg", "--chunk-size", "5"], "cls": ["--pooler", "cls", "--mlm"],
             "frozen": ["--pooler", "cls", "--frozen"]}
    for kind, more in flags.items():
        out = os.path.join(root, f"{name}-{kind}")
        train = [mixcse, "train", "--model", model, "--method", "mixcse", "--train-file", text, "--batch-size", "16",
                 "--learning-rate", "1e-3", *more]
        train += ["--max-steps", "4", "--output-dir"]
        ok &= run(*train, out)
        # Stopped in the middle and resumed: the same bits.
        ok &= run(*train, out + "-resumed", "--stop-after", "2", code=75) and run(*train, out + "-resumed", "--resume")
        ok &= filecmp.cmp(f"{out}/model.safetensors", f"{out}-resumed/model.safetensors", shallow=False)
        array = out + ".npy"
        ok &= run(mixcse, "encode", "--model", out, "--input", text, "--output", array)
        ok &= agrees("--export", out, "--embeddings", array, "--text", text, "--source", model)
    print(("ok    " if ok else "FAIL  ") + name)
    return ok


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for flag in ("--mixcse", "--model", "--text"):
        parser.add_argument(flag, required=True)
    parser.add_argument("--only")
    options = parser.parse_args()
    root = tempfile.mkdtemp()
    try:
        chosen = {k: v for k, v in MODELS.items() if options.only in (None, k)}
        results = [check(options.mixcse, k, v, options.model, options.text, root) for k, v in chosen.items()]
    finally:
        shutil.rmtree(root)
    sys.exit(0 if all(results) else 1)
