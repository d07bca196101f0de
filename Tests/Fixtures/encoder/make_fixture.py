"""Writes minilm.json, tiny.json and padding.json: hidden states and gradients of transformers' BERT and RoBERTa in float64.

    python make_fixture.py MODEL_FOLDER WIKI_SENTENCES [FULL_FOLDER]

needs torch, transformers, numpy. Sentences are named by line numbers of WIKI_SENTENCES and stored as token ids.
With FULL_FOLDER every value is written there as .npy too (for a comparison that is not committed).
The formulas for positions, coefficients and weights are repeated in Tests/EncoderTests/ComputeFixture.swift.
"""
import json
import os
import sys

import numpy as np
import torch
from transformers import AutoModel, AutoTokenizer, BertConfig, BertModel, RobertaConfig, RobertaModel

SAMPLES = 24
here = os.path.dirname(os.path.abspath(__file__))


def position(sentence, layer, k, count):
    return (sentence * 7919 + layer * 104729 + k * 1299709 + k * k * 31) % count


def coefficient(layer, sentence, token, feature):
    return ((layer * 37 + sentence * 131 + token * 31 + feature * 17 + (token * feature) % 29) % 101 - 50) / 50


def weight_values(index, count, scale, offset):
    u = (np.arange(count, dtype=np.uint64) * 2654435761 + index * 40503 + 12345) & 0xFFFFFFFF
    u ^= u >> 15
    u = (u * 2246822519) & 0xFFFFFFFF
    u ^= u >> 13
    return (offset + (u.astype(np.float64) / 2**32 * 2 - 1) * scale).astype(np.float32)


def rounded(x):
    return float(f"{float(x):.8g}")


def hidden_states(model, ids):
    with torch.no_grad():
        out = model(input_ids=torch.tensor([ids]), output_hidden_states=True)
    return [h[0].numpy() for h in out.hidden_states]


def sampled_states(model, sentences, full=None):
    result = []
    for s, ids in enumerate(sentences):
        states = hidden_states(model, ids)
        if full:
            np.save(f"{full}/hidden_{s}.npy", np.stack(states).astype(np.float32))
        result.append([
            {"norm": rounded(np.linalg.norm(h)),
             "values": [rounded(h.reshape(-1)[position(s, l, k, h.size)]) for k in range(SAMPLES)]}
            for l, h in enumerate(states)])
    return result


def functional(model, sentences, layers, first_only, first=0):
    """The sum over requested layers, tokens and features of coefficient * hidden state; sentences count from `first`."""
    length = max(map(len, sentences))
    pad = model.config.pad_token_id
    ids = torch.tensor([s + [pad] * (length - len(s)) for s in sentences])
    mask = torch.tensor([[1] * len(s) + [0] * (length - len(s)) for s in sentences])
    out = model(input_ids=ids, attention_mask=mask, output_hidden_states=True).hidden_states
    s, t, f = np.meshgrid(*map(np.arange, (len(sentences), length, model.config.hidden_size)), indexing="ij")
    keep = mask.numpy()[:, :, None] * ((t == 0) if first_only else 1)
    return sum((torch.tensor(coefficient(l, s + first, t, f) * keep) * out[l]).sum() for l in layers)


def gradients(model, sentences, layers, first_only, full=None, alone=False):
    """Of that sum; eval mode, a padded batch, or with `alone` each sentence by itself: where padding sees only padding,
    transformers has no numbers there."""
    model.zero_grad()
    if alone:
        loss = sum(functional(model, [s], layers, first_only, i) for i, s in enumerate(sentences))
    else:
        loss = functional(model, sentences, layers, first_only)
    loss.backward()
    tensors = {}
    for name, p in model.named_parameters():
        if name.startswith("pooler"):
            continue
        g = (torch.zeros_like(p) if p.grad is None else p.grad).numpy()
        if full:
            np.save(f"{full}/{name}.npy", g.astype(np.float32))
        tensors[name] = {
            "norm": rounded(np.linalg.norm(g)), "max": rounded(np.abs(g).max()),
            "values": [rounded(g.reshape(-1)[position(1, 2, k, g.size)]) for k in range(SAMPLES)]}
        if g.ndim == 2 and "embeddings" in name:  # sampled positions would mostly hit rows nobody touched
            row = sentences[-1][1] if "word" in name or "tok_" in name else (model.config.pad_token_id + 1 if "position" in name and
                                                          model.config.model_type == "roberta" else 0)
            tensors[name]["row"] = row
            tensors[name]["values"] = [rounded(g[row, position(1, 2, k, g.shape[1])]) for k in range(SAMPLES)]
    return {"layers": layers, "firstTokenOnly": first_only, "loss": rounded(loss.item()), "tensors": tensors}


def minilm(folder, corpus, full):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder, dtype=torch.float64, attn_implementation="eager").eval()
    lines = open(corpus, encoding="utf-8").read().split("\n")
    sentences, numbers = [], []
    for s in range(200):
        first, count = 1 + 37 * s, 1 if s < 120 else 1 + (s - 120) // 3
        text = " ".join(lines[first - 1:first - 1 + count])
        ids = tokenizer(text, truncation=True, max_length=512)["input_ids"]
        if s < 8:
            ids = ids[:s + 1]  # 1 to 8 tokens
        if s == 199:
            ids = (ids * 20)[:512]
        sentences.append(ids)
        numbers.append([first, count])
    batch = [tokenizer(lines[8000 + 11 * s])["input_ids"][:64] for s in range(32)]
    cases = [gradients(model, batch, [0, 3, 6], False, full and f"{full}/all"),
             gradients(model, batch, [2, 6], True, full and f"{full}/first")]
    return {"lines": numbers, "sentences": sentences, "states": sampled_states(model, sentences, full),
            "batch": batch, "gradients": cases}


def tiny_models():
    common = dict(vocab_size=101, hidden_size=48, num_hidden_layers=3, num_attention_heads=4, intermediate_size=72,
                  hidden_dropout_prob=0.1, attention_probs_dropout_prob=0.1, attn_implementation="eager")
    roberta = RobertaConfig(max_position_embeddings=90, type_vocab_size=1, pad_token_id=1, layer_norm_eps=1e-5,
                            hidden_act="gelu", **common)
    bert = dict(max_position_embeddings=88, type_vocab_size=2, pad_token_id=0, layer_norm_eps=1e-12)
    return [("roberta", RobertaModel(roberta, add_pooling_layer=False)),
            ("bert gelu_new", BertModel(BertConfig(hidden_act="gelu_new", **bert, **common), add_pooling_layer=False)),
            ("bert relu", BertModel(BertConfig(hidden_act="relu", **bert, **common), add_pooling_layer=False))]


def fill(model):
    for index, (name, p) in enumerate(sorted(model.named_parameters())):
        one = name.endswith("LayerNorm.weight")
        scale = 0.3 if p.ndim == 1 else 0.2
        values = weight_values(index, p.numel(), scale, 1.0 if one else 0.0)
        p.data = torch.tensor(values.astype(np.float64)).reshape(p.shape)


def tiny(padded=False):
    """With `padded`, sentences hold tokens 0 and 1 among others: padding tokens of BERT or RoBERTa, written in a text."""
    lengths = [2, 7, 16, 33] if padded else [1, 2, 7, 16, 17, 33, 66, 88]
    sentences = [[(s * 13 + t * 7 + t * t) % 99 + 2 for t in range(n)] for s, n in enumerate(lengths)]
    if padded:
        sentences = [[0 if t % 5 == 1 else 1 if t % 4 == 3 else i for t, i in enumerate(s)] for s in sentences]
    result = []
    for name, model in tiny_models()[:2 if padded else None]:
        model = model.double().eval()
        fill(model)
        cases = [gradients(model, sentences, [1, 3], False), gradients(model, sentences, [0, 3], True)]
        result.append({"name": name, "states": sampled_states(model, sentences), "gradients": cases})
    return {"sentences": sentences, "models": result}


if __name__ == "__main__":
    full = sys.argv[3] if len(sys.argv) > 3 else None
    if full:
        os.makedirs(f"{full}/all", exist_ok=True)
        os.makedirs(f"{full}/first", exist_ok=True)
    torch.set_num_threads(2)
    for name, content in (("tiny", tiny()), ("padding", tiny(True)), ("minilm", minilm(sys.argv[1], sys.argv[2], full))):
        with open(f"{here}/{name}.json", "w") as f:
            json.dump(content, f, separators=(",", ":"))
            f.write("\n")
