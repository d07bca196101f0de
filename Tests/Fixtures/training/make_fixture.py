"""Independent truth for the training tests: AdamW steps and the losses of real runs, by PyTorch.

Usage: python make_fixture.py MODEL_FOLDER WIKI_SENTENCES   (all-MiniLM-L6-v2, corpora/wiki_sentences.txt)
Writes adamw.json and losses.json beside this file. The text itself is not stored: rows are lines of the file.
"""

import json
import math
import pathlib
import sys

import numpy as np
import torch
from transformers import AutoModel, AutoTokenizer

HERE = pathlib.Path(__file__).parent


def mixed(z):
    z = (z + 0x9E3779B97F4A7C15) % 2**64
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) % 2**64
    return z ^ (z >> 31)


def philox_words(seed, name, count, step=0):
    """The stream `name` under `seed`: Philox4x32-10, key from SplitMix64 and FNV-1a, counter (block, step)."""
    fnv = 0xCBF29CE484222325
    for byte in name.encode():
        fnv = ((fnv ^ byte) * 0x100000001B3) % 2**64
    key = mixed(mixed(seed) ^ fnv)
    block = np.arange((count + 3) // 4, dtype=np.uint64)
    low = np.uint64(0xFFFFFFFF)
    a, b = block & low, block >> np.uint64(32)
    c = np.full_like(block, step & 0xFFFFFFFF)
    d = np.full_like(block, step >> 32)
    k0, k1 = key & 0xFFFFFFFF, key >> 32
    for _ in range(10):
        p, q = a * np.uint64(0xD2511F53), c * np.uint64(0xCD9E8D57)
        a, b, c, d = ((q >> np.uint64(32)) ^ b ^ np.uint64(k0), q & low,
                      (p >> np.uint64(32)) ^ d ^ np.uint64(k1), p & low)
        k0, k1 = (k0 + 0x9E3779B9) % 2**32, (k1 + 0xBB67AE85) % 2**32
    return np.stack([a, b, c, d], 1).reshape(-1)[:count].astype(np.uint32)


def normal(seed, name, count):
    """Box-Muller over pairs of words: cosine, then sine."""
    words = philox_words(seed, name, count + count % 2).astype(np.uint64)
    u = (words[0::2] >> np.uint64(8)).astype(np.float32) * np.float32(2**-24) + np.float32(2**-25)
    angle = (words[1::2] >> np.uint64(8)).astype(np.float32) * np.float32(2**-24 * 2 * math.pi)
    radius = np.sqrt(-2 * np.log(u))
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1).reshape(-1)[:count].astype(np.float32)


def adamw():
    cases = []
    for decay, clip in [(0.0, 0.0), (0.1, 0.0), (0.1, 1.0)]:
        torch.manual_seed(1)
        decayed, plain = torch.nn.Parameter(torch.randn(3, 5)), torch.nn.Parameter(torch.randn(5))
        optimizer = torch.optim.AdamW(
            [{"params": [decayed], "weight_decay": decay}, {"params": [plain], "weight_decay": 0.0, "lr": 2e-3}],
            lr=1e-3, betas=(0.9, 0.999), eps=1e-8)
        case = {"decay": decay, "clip": clip, "start": [decayed.tolist(), plain.tolist()], "steps": []}
        for step in range(6):
            gradients = [torch.randn(3, 5) * 2, torch.randn(5) * 2]
            if step == 3:
                gradients = [torch.zeros(3, 5), torch.zeros(5)]
            decayed.grad, plain.grad = (g.clone() for g in gradients)
            norm = torch.sqrt(sum((g.double() ** 2).sum() for g in gradients)).item()
            if clip:
                torch.nn.utils.clip_grad_norm_([decayed, plain], clip)
            optimizer.step()
            case["steps"].append({"gradients": [g.tolist() for g in gradients], "norm": norm,
                                  "values": [decayed.tolist(), plain.tolist()]})
        cases.append(case)
    return cases


def similarity(x, y):
    return torch.nn.functional.cosine_similarity(x[:, None], y[None], dim=-1)


def loss_of(strategy, z1, z2, temperature=0.05, lam=0.2):
    n = len(z1)
    logits = similarity(z1, z2) / temperature
    if strategy == "mixcse":
        with torch.no_grad():
            m = lam * z2 + (1 - lam) * z2.roll(-1, 0)
            k = lam * z1 + (1 - lam) * z1.roll(-1, 0)
        i = torch.arange(n)
        h1 = similarity(z1, m) / temperature
        h2 = similarity(k, z2) / temperature
        keep1, keep2 = torch.ones(n, n), torch.ones(n, n)
        keep1[i, (i - 1) % n] = 0
        keep2[i, (i + 1) % n] = 0
        logits = torch.cat([logits, h1 * keep1, h2 * keep2], 1)
    return torch.nn.functional.cross_entropy(logits, torch.arange(n))


def run(strategy, folder, lines, steps=20, batch=16, lr=3e-5, length=32, seed=42):
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder, add_pooling_layer=False)
    model.eval()  # dropout off
    width = model.config.hidden_size
    head = torch.nn.Linear(width, width)
    with torch.no_grad():
        head.weight.copy_(torch.from_numpy(normal(seed, "head.dense.weight", width * width) * np.float32(0.02)).view(width, width))
        head.bias.zero_()
    parameters = list(model.parameters()) + list(head.parameters())
    optimizer = torch.optim.AdamW(parameters, lr=lr, weight_decay=0.0)
    result = []
    for step in range(steps):
        texts = lines[step * batch:(step + 1) * batch]
        inputs = tokenizer(texts + texts, padding=True, truncation=True, max_length=length, return_tensors="pt")
        z = torch.tanh(head(model(**inputs).last_hidden_state[:, 0]))
        loss = loss_of(strategy, z[:batch], z[batch:])
        optimizer.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(parameters, 1.0).item()
        for group in optimizer.param_groups:
            group["lr"] = lr * (1 - step / steps)
        optimizer.step()
        result.append({"loss": loss.item(), "gradNorm": norm})
    return result


if __name__ == "__main__":
    torch.set_num_threads(2)
    (HERE / "adamw.json").write_text(json.dumps(adamw()))
    with open(sys.argv[2], encoding="utf-8") as file:
        lines = [next(file).rstrip("\n") for _ in range(320)]
    losses = {name: run(name, sys.argv[1], lines) for name in ("simcse", "mixcse")}
    losses["headStart"] = normal(42, "head.dense.weight", 8).tolist()
    (HERE / "losses.json").write_text(json.dumps(losses, indent=1))
