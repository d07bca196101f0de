"""One training run of the peer: transformers and PyTorch (SDPA, AdamW, clipping, dropout on), padded to the longest.

    train_step.py MODEL TEXT STEPS BATCH LENGTH THREADS [f32|bf16] [eager|compile]

bf16: the forward pass under autocast, which decides what of it and of backward is bfloat16. compile: the encoder goes
through torch.compile, for batches of any length.
Prints JSON: seconds, tokens, and tokens with padding of each step, seconds from process start to the end of the first,
peak resident bytes.
The strategy is MixCSE with lambda 0.2 at temperature 0.05, pooler cls with a head, as in the reference.
"""
import time

BORN = time.time() - time.clock_gettime(time.CLOCK_PROCESS_CPUTIME_ID)  # imports have not begun

import json  # noqa: E402
import resource  # noqa: E402
import sys  # noqa: E402

import torch  # noqa: E402
from torch.nn.functional import cosine_similarity, cross_entropy  # noqa: E402
from transformers import AutoModel, AutoTokenizer  # noqa: E402


def loss_of(z1, z2, lam=0.2, temperature=0.05):
    rows = torch.arange(len(z1))
    with torch.no_grad():
        m = lam * z2 + (1 - lam) * z2.roll(-1, 0)
        n = lam * z1 + (1 - lam) * z1.roll(-1, 0)
        keep1, keep2 = torch.ones(len(z1), len(z1)), torch.ones(len(z1), len(z1))
        keep1[rows, (rows - 1) % len(z1)] = 0
        keep2[rows, (rows + 1) % len(z1)] = 0

    def similarity(x, y):
        return cosine_similarity(x[:, None], y[None], dim=-1) / temperature

    return cross_entropy(torch.cat([similarity(z1, z2), similarity(z1, m) * keep1, similarity(n, z2) * keep2], 1), rows)


def main():
    folder, text, steps, batch, length, threads, *kind = sys.argv[1:]
    precision, way = kind or ("f32", "eager")
    steps, batch = int(steps), int(batch)
    torch.set_num_threads(int(threads))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder, add_pooling_layer=False, attn_implementation="sdpa").train()
    head = torch.nn.Linear(model.config.hidden_size, model.config.hidden_size)
    parameters = list(model.parameters()) + list(head.parameters())
    optimizer = torch.optim.AdamW(parameters, lr=3e-5, weight_decay=0.0)
    with open(text, encoding="utf-8") as file:
        lines = [next(file).rstrip("\n") for _ in range(steps * batch)]
    encoder = torch.compile(model, dynamic=True) if way == "compile" else model
    seconds, tokens, padded = [], [], []
    for step in range(steps):
        began = time.time()
        texts = lines[step * batch:(step + 1) * batch]
        inputs = tokenizer(texts + texts, padding=True, truncation=True, max_length=int(length), return_tensors="pt")
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            z = torch.tanh(head(encoder(**inputs).last_hidden_state[:, 0])).float()
        loss = loss_of(z[:batch], z[batch:])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        seconds.append(time.time() - began)
        tokens.append(int(inputs["attention_mask"].sum()))
        padded.append(inputs["input_ids"].numel())
        if step == 0:
            first = time.time() - BORN
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"steps": seconds, "tokens": tokens, "padded": padded, "first": first, "peak": peak}))


if __name__ == "__main__":
    main()
