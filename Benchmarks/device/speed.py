"""A training step of BERT-base with an encoder plugin against a PyTorch loop of the same recipe.

    speed.py LIBRARY DEVICE [--layers N --hidden N --batches 64,512 --steps N --exact]

Both: two dropout views of each sentence, first token, InfoNCE at 0.05, clip at 1, AdamW. PyTorch: transformers'
BertModel padded to the longest, SDPA, autocast in bf16, fused AdamW. The plugin: bf16 as `--precision bf16`; the loss
on the host.
"""

import argparse
import copy
import time

import numpy
import torch
from transformers import BertConfig, BertModel

import encoder_abi as abi

DROPOUT = (0.1, 0.1)


def loss_of(z, rows):
    """InfoNCE over two views."""
    a, b = torch.nn.functional.normalize(z[:rows]), torch.nn.functional.normalize(z[rows:])
    return torch.nn.functional.cross_entropy(a @ b.T / 0.05, torch.arange(rows, device=z.device))


def median(step, count, wait):
    """Seconds of a step: the median after three to warm up."""
    seconds = []
    for i in range(count + 3):
        wait()
        began = time.perf_counter()
        step(i)
        wait()
        seconds.append(time.perf_counter() - began)
    return float(numpy.median(seconds[3:]))


def batches(rows, lengths, vocabulary):
    """Eight batches of the same shape of work; every sentence comes twice."""
    draw = numpy.random.default_rng(1)
    made = []
    for _ in range(8):
        sizes = [32] * rows if lengths == "32" else draw.integers(6, 33, size=rows)
        one = [draw.integers(5, vocabulary, size=int(n)).tolist() for n in sizes]
        made.append(one + one)
    return made


def plugin(library, device, precision, bert, config, sets, rows, count, wait, profile=None):
    shape = dict(
        vocabulary=config.vocab_size, hidden=config.hidden_size, layers=config.num_hidden_layers,
        heads=config.num_attention_heads, intermediate=config.intermediate_size,
        positions=config.max_position_embeddings, types=config.type_vocab_size, epsilon=config.layer_norm_eps)
    encoder = abi.Encoder(library, device, precision, shape)
    encoder.put({n: p.detach().cpu().numpy() for n, p in bert.named_parameters()})
    parts = dict.fromkeys(("encode", "loss", "backward", "norm", "step"), 0.0)

    def step(i):
        marks = [time.perf_counter()]
        out = encoder.encode(sets[i % 8], [config.num_hidden_layers], abi.FIRST, DROPOUT, batch=i, keep=True)[0]
        marks.append(time.perf_counter())
        z = torch.tensor(out, requires_grad=True)
        loss_of(z, rows).backward()
        marks.append(time.perf_counter())
        encoder.backward([z.grad.numpy()])
        marks.append(time.perf_counter())
        norm = encoder.gradient_norm()
        marks.append(time.perf_counter())
        encoder.step(3e-5, scale=min(1.0, 1.0 / (norm + 1e-6)))
        marks.append(time.perf_counter())
        if i >= 3:
            for name, a, b in zip(parts, marks, marks[1:]):
                parts[name] += (b - a) / count

    seconds = median(step, count, wait)
    peak = encoder.peak_memory()
    if profile:
        with torch.profiler.profile() as kernels:
            for i in range(3):
                step(i)
            wait()
        with open(profile, "a") as file:
            order = "cuda_time_total" if device.startswith("cuda") else "cpu_time_total"
            print(f"batch {rows}", kernels.key_averages().table(sort_by=order, row_limit=45), file=file)
    encoder.close()
    return seconds, peak, parts


def pytorch(bert, sets, rows, count, wait, device, dtype):
    bert = bert.to(device).train()
    optimizer = torch.optim.AdamW(bert.parameters(), lr=3e-5, weight_decay=0.0, fused=True)
    tensors = []
    for one in sets:
        longest = max(map(len, one))
        ids = torch.zeros(len(one), longest, dtype=torch.long)
        mask = torch.zeros_like(ids)
        for i, s in enumerate(one):
            ids[i, : len(s)] = torch.tensor(s)
            mask[i, : len(s)] = 1
        tensors.append((ids, mask))

    def step(i):
        ids, mask = (t.to(device) for t in tensors[i % 8])
        with torch.autocast(torch.device(device).type, dtype, enabled=dtype is not None):
            z = bert(input_ids=ids, attention_mask=mask).last_hidden_state[:, 0]
        loss = loss_of(z.float(), rows)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(bert.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        loss.item()

    if device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats()
    seconds = median(step, count, wait)
    peak = torch.cuda.max_memory_allocated() if device.startswith("cuda") else 0
    return seconds, peak


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("library")
    parser.add_argument("device")
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--hidden", type=int, default=768)
    parser.add_argument("--batches", default="64,512")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--profile", help="write a table of kernels of a few steps there")
    parser.add_argument("--exact", action="store_true", help="time f32 and tf32 with the host's masks, too")
    asked = parser.parse_args()
    config = BertConfig(
        hidden_size=asked.hidden, num_hidden_layers=asked.layers, num_attention_heads=asked.hidden // 64,
        intermediate_size=4 * asked.hidden)
    is_cuda = asked.device.startswith("cuda")
    wait = torch.cuda.synchronize if is_cuda else lambda: None

    torch.manual_seed(5)
    first = BertModel._from_config(config, add_pooling_layer=False, attn_implementation="sdpa")

    def fresh():
        return copy.deepcopy(first)

    for rows in map(int, asked.batches.split(",")):
        for lengths in ("32", "6-32"):
            sets = batches(rows, lengths, config.vocab_size)
            theirs, their_peak = pytorch(fresh(), sets, rows, asked.steps, wait, asked.device, torch.bfloat16)
            wanted = [("bf16", abi.BF16)]
            if asked.exact and lengths == "32":
                wanted += [("f32", abi.F32), ("tf32", abi.TF32)] if is_cuda else [("f32", abi.F32)]
            print(f"batch {rows} x {lengths} tokens: PyTorch bf16 {theirs * 1e3:.2f} ms, {their_peak >> 20} MiB")
            for name, precision in wanted:
                if is_cuda:
                    torch.cuda.empty_cache()
                    torch.cuda.reset_peak_memory_stats()
                ours, peak, parts = plugin(
                    asked.library, asked.device, precision, fresh(), config, sets, rows, asked.steps, wait,
                    asked.profile if precision == abi.BF16 else None)
                told = ", ".join(f"{k} {v * 1e3:.2f}" for k, v in parts.items())
                print(f"  {name}: {ours * 1e3:.2f} ms, {theirs / ours:.2f}x, {peak >> 20} MiB  ({told})", flush=True)


if __name__ == "__main__":
    main()
