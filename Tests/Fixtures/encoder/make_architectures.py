"""Writes architectures.json and modernbert.json: hidden states, gradients and, where there is a head for masked words,
its loss and gradients, of small random models of transformers in float64, one of each architecture but BERT and RoBERTa.

    python make_architectures.py

needs torch, transformers, numpy. Formulas are those of make_fixture.py. The configurations are written as config.json
holds them, for the reader of ModelFiles; the tests build their encoders from them.
"""
import json

import numpy as np
import torch
from torch.nn.functional import cross_entropy
from transformers import AutoConfig, AutoModel, AutoModelForMaskedLM

import make_fixture
from make_fixture import here, position, rounded, weight_values

make_fixture.SAMPLES = SAMPLES = 3
BERT = dict(vocab_size=101, hidden_size=48, num_hidden_layers=3, num_attention_heads=4, intermediate_size=72,
            max_position_embeddings=88, hidden_dropout_prob=0.1, attention_probs_dropout_prob=0.1)
MODELS = {
    "distilbert": dict(model_type="distilbert", vocab_size=101, dim=48, n_layers=3, n_heads=4, hidden_dim=72,
                       max_position_embeddings=88),
    "distilbert sinusoidal": dict(model_type="distilbert", vocab_size=101, dim=48, n_layers=3, n_heads=4, hidden_dim=72,
                                  max_position_embeddings=88, sinusoidal_pos_embds=True, activation="relu"),
    "mpnet": dict(BERT, model_type="mpnet", max_position_embeddings=202, layer_norm_eps=1e-5, hidden_act="gelu"),
    "mpnet padded": dict(BERT, model_type="mpnet", pad_token_id=0, layer_norm_eps=1e-5),
    "xlm-roberta": dict(BERT, model_type="xlm-roberta", max_position_embeddings=90, type_vocab_size=1,
                        layer_norm_eps=1e-5),
    "camembert": dict(BERT, model_type="camembert", max_position_embeddings=90, hidden_act="relu"),
    "electra": dict(BERT, model_type="electra", embedding_size=20),
    "ernie": dict(BERT, model_type="ernie", use_task_id=True, task_type_vocab_size=16, type_vocab_size=4),
    "albert": dict(BERT, model_type="albert", embedding_size=16),
    "albert in groups": dict(BERT, model_type="albert", embedding_size=48, num_hidden_layers=5, num_hidden_groups=2,
                             hidden_act="gelu"),
}
MODERN = dict(model_type="modernbert", vocab_size=101, hidden_size=48, num_hidden_layers=4, num_attention_heads=4,
              intermediate_size=72, max_position_embeddings=88, pad_token_id=0, bos_token_id=1, eos_token_id=2,
              cls_token_id=1, sep_token_id=2)
# Some texts are longer than what a token sees in a local layer, and than the 64 that are computed at once.
MODERN_MODELS = {
    "modernbert": dict(MODERN, local_attention=9),
    # The newer names, every bias, a local layer at the end, another function.
    "modernbert biased": dict(MODERN, hidden_size=40, num_attention_heads=2, num_hidden_layers=3, attention_bias=True,
                              mlp_bias=True, norm_bias=True, classifier_bias=True, decoder_bias=False,
                              hidden_activation="gelu_pytorch_tanh", classifier_activation="relu", norm_eps=1e-3,
                              layer_types=["sliding_attention", "full_attention", "sliding_attention"],
                              local_attention=32, rope_parameters={
                                  "full_attention": {"rope_type": "default", "rope_theta": 500.0},
                                  "sliding_attention": {"rope_type": "default", "rope_theta": 30.0}}),
    # Feed-forward blocks of several stretches, the older names, all tokens seen by all.
    "modernbert wide": dict(MODERN, num_hidden_layers=3, num_attention_heads=3, intermediate_size=417,
                            global_attn_every_n_layers=1, global_rope_theta=20.0, local_rope_theta=7.0),
}
# The longest reaches MPNet's last bucket of distances, 91 tokens and more apart.
LENGTHS = {"mpnet": [1, 2, 7, 17, 66, 200]}


def is_norm(name):
    return name.lower().endswith("norm.weight")


def fill(parameters, first=0):
    for index, (name, p) in enumerate(sorted(parameters)):
        values = weight_values(first + index, p.numel(), 0.3 if p.ndim == 1 else 0.2, 1.0 if is_norm(name) else 0.0)
        p.data = torch.tensor(values.astype(np.float64)).reshape(p.shape)


def sentences_of(lengths):
    return [[(s * 13 + t * 7 + t * t) % 99 + 2 for t in range(n)] for s, n in enumerate(lengths)]


def base(config):
    model = AutoModel.from_config(config, attn_implementation="eager").double().eval()
    for name, p in model.named_parameters():
        p.requires_grad_(not name.startswith("pooler"))  # DistilBERT freezes sinusoidal positions where it makes them
    fill([(n, p) for n, p in model.named_parameters() if not n.startswith("pooler")])
    return model


def masked(config):
    """As make_mlm_fixture.py: every third token is guessed."""
    model = AutoModelForMaskedLM.from_config(config, attn_implementation="eager").double().eval()
    root = model.base_model_prefix + "."
    # Some classes list what head and encoder share with the head.
    named = list(model.named_parameters(remove_duplicate=False))
    inner = [(n.removeprefix(root), p) for n, p in named if n.startswith(root)]
    for _, p in inner:
        p.requires_grad_(True)
    fill(inner)
    model.tie_weights()
    shared = {id(p) for _, p in inner}
    heads = [(n, p) for n, p in model.named_parameters() if not n.startswith(root) and id(p) not in shared]
    fill(heads, 1000)
    sentences = sentences_of([1, 2, 7, 16, 17])
    labels = [[-100] * len(s) for s in sentences]
    places = [(s, t) for s, sentence in enumerate(sentences) for t in range(len(sentence))][::3]
    for s, t in places:
        labels[s][t] = (sentences[s][t] * 5 + 3) % config.vocab_size
    if config.model_type == "modernbert":  # each by itself, as in make_fixture.gradients
        loss = sum(cross_entropy(model(input_ids=torch.tensor([s])).logits[0], torch.tensor(l), reduction="sum")
                   for s, l in zip(sentences, labels)) / len(places)
    else:
        length = max(map(len, sentences))
        ids, labels, mask = (torch.tensor([row + [fill] * (length - len(row)) for row in rows]) for rows, fill in [
            (sentences, config.pad_token_id), (labels, -100), ([[1] * len(s) for s in sentences], 0)])
        loss = model(input_ids=ids, attention_mask=mask, labels=labels).loss
    loss.backward()
    tensors = {}
    for n, p in inner + heads:
        g = (torch.zeros_like(p) if p.grad is None else p.grad).numpy()
        tensors[n] = {"norm": rounded(np.linalg.norm(g)), "max": rounded(np.abs(g).max()), "row": None,
                      "values": [rounded(g.reshape(-1)[position(1, 2, k, g.size)]) for k in range(SAMPLES)]}
    return {"loss": rounded(loss.item()), "tensors": tensors}


def case(name, keys):
    config = AutoConfig.for_model(**keys)
    model = base(config)
    sentences = sentences_of(LENGTHS.get(name, [1, 2, 7, 17, 80]))
    if "padded" in name:  # texts that hold the padding token literally: 1, whatever config.json says
        sentences = [[1 if t % 4 == 3 else i for t, i in enumerate(s)] for s in sentences]
        config.pad_token_id = 1  # what make_fixture fills batches up with
    layers = config.num_hidden_layers
    alone = keys["model_type"] == "modernbert"
    cases = [make_fixture.gradients(model, sentences, [1, layers], False, alone=alone),
             make_fixture.gradients(model, sentences, [0, layers], True, alone=alone)]
    return {"name": name, "config": json.dumps(keys), "sentences": sentences,
            "states": make_fixture.sampled_states(model, sentences), "gradients": cases,
            # Of each architecture once, and with other biases.
            "masked": masked(config) if name == keys["model_type"] or "biased" in name else None}


if __name__ == "__main__":
    torch.set_num_threads(2)
    for file, models in [("architectures", MODELS), ("modernbert", MODERN_MODELS)]:
        with open(f"{here}/{file}.json", "w") as f:
            json.dump([case(name, keys) for name, keys in models.items()], f, separators=(",", ":"), allow_nan=False)
            f.write("\n")
