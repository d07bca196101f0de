"""Models that only transformers knows, and what they compute there.

`tiny_models.py write TYPE VOCABULARY FOLDER` writes a small random model of a type with a BERT tokenizer over the words
of the file VOCABULARY. `tiny_models.py check BEFORE AFTER LINES EMBEDDINGS` looks whether the folder AFTER, trained from
BEFORE, loads in transformers with all its weights, whether these moved, whether its config.json is BEFORE's, and
whether the mean over the tokens of each of LINES is what the .npy file EMBEDDINGS has.
"""

import json
import sys

import numpy as np
import torch
from transformers import AutoConfig, AutoModel, BertTokenizerFast

SIZES = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
             max_position_embeddings=40, pad_token_id=0)
MORE = {
    "deberta-v2": dict(relative_attention=True, position_buckets=16, pos_att_type=["p2c", "c2p"]),
    "roformer": {},
    "gpt2": {},
}


def write(kind: str, vocabulary: str, folder: str) -> None:
    words = open(vocabulary, encoding="utf-8").read().split()
    torch.manual_seed(1)
    AutoModel.from_config(AutoConfig.for_model(kind, vocab_size=len(words), **SIZES, **MORE[kind])).save_pretrained(folder)
    with open(f"{folder}/vocab.txt", "w", encoding="utf-8") as file:
        file.write("\n".join(words) + "\n")
    with open(f"{folder}/tokenizer_config.json", "w", encoding="utf-8") as file:
        json.dump({"tokenizer_class": "BertTokenizer", "do_lower_case": True}, file)


def check(before: str, after: str, lines: str, embeddings: str) -> None:
    old = AutoModel.from_pretrained(before)
    new, found = AutoModel.from_pretrained(after, output_loading_info=True)
    assert not found["missing_keys"] and not found["unexpected_keys"], found
    weights = old.state_dict()
    same = [name for name, tensor in new.state_dict().items()
            if torch.equal(tensor, weights[name]) and tensor.is_floating_point()]
    # The table of sines is no parameter.
    assert not [name for name in same if "embed_positions" not in name], same
    configurations = [json.load(open(f"{folder}/config.json", encoding="utf-8")) for folder in (before, after)]
    assert configurations[0] == configurations[1], configurations
    tokenizer = BertTokenizerFast.from_pretrained(after)
    expected = []
    for line in open(lines, encoding="utf-8").read().splitlines():
        with torch.no_grad():
            expected.append(new.eval()(**tokenizer(line, return_tensors="pt")).last_hidden_state[0].mean(0).numpy())
    difference = np.abs(np.stack(expected) - np.load(embeddings)).max()
    assert difference < 1e-5, difference
    print("agrees")


{"write": write, "check": check}[sys.argv[1]](*sys.argv[2:])
