"""Writes mlm.json: loss and gradients of transformers' masked-language-model heads in float64, dropout off.

    python make_mlm_fixture.py

needs torch, transformers, numpy. The models, sentences and weight formula are those of make_fixture.py.
"""
import json

import numpy as np
import torch
from transformers import BertForMaskedLM, RobertaForMaskedLM

from make_fixture import SAMPLES, here, position, rounded, tiny_models, weight_values

CHOSEN = 3  # every third token is guessed


def case(name, encoder):
    config = encoder.config
    model = (RobertaForMaskedLM if name == "roberta" else BertForMaskedLM)(config).double().eval()
    wanted = [(n, p) for n, p in model.named_parameters() if not n.startswith(("cls.", "lm_head."))]
    root = "roberta." if name == "roberta" else "bert."
    for index, (n, p) in enumerate(sorted(wanted, key=lambda e: e[0][len(root):])):
        one = n.endswith("LayerNorm.weight")
        values = weight_values(index, p.numel(), 0.3 if p.ndim == 1 else 0.2, 1.0 if one else 0.0)
        p.data = torch.tensor(values.astype(np.float64)).reshape(p.shape)
    heads = [(n, p) for n, p in model.named_parameters() if n.startswith(("cls.", "lm_head."))]
    for index, (n, p) in enumerate(sorted(heads)):
        one = n.lower().replace("_", "").endswith("layernorm.weight")
        values = weight_values(1000 + index, p.numel(), 0.3 if p.ndim == 1 else 0.2, 1.0 if one else 0.0)
        p.data = torch.tensor(values.astype(np.float64)).reshape(p.shape)
    model.tie_weights()
    sentences = [[(s * 13 + t * 7 + t * t) % 99 + 2 for t in range(n)] for s, n in enumerate([1, 2, 7, 16, 17])]
    length = max(map(len, sentences))
    ids = torch.tensor([s + [config.pad_token_id] * (length - len(s)) for s in sentences])
    mask = torch.tensor([[1] * len(s) + [0] * (length - len(s)) for s in sentences])
    labels = torch.full_like(ids, -100)
    flat = 0
    for s, sentence in enumerate(sentences):
        for t in range(len(sentence)):
            if flat % CHOSEN == 0:
                labels[s, t] = (sentence[t] * 5 + 3) % config.vocab_size
            flat += 1
    loss = model(input_ids=ids, attention_mask=mask, labels=labels).loss
    loss.backward()
    tensors = {}
    for n, p in model.named_parameters():
        g = p.grad.numpy()
        tensors[n.removeprefix(root)] = {
            "norm": rounded(np.linalg.norm(g)), "max": rounded(np.abs(g).max()), "row": None,
            "values": [rounded(g.reshape(-1)[position(1, 2, k, g.size)]) for k in range(SAMPLES)]}
    return {"name": name, "loss": rounded(loss.item()), "tensors": tensors}


if __name__ == "__main__":
    models = [case(name, encoder) for name, encoder in tiny_models() if name != "bert relu"]
    with open(f"{here}/mlm.json", "w") as f:
        json.dump(models, f, separators=(",", ":"))
        f.write("\n")
