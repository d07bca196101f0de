"""The built plugin libraries inside PyTorch, through Python/mixcse_plugins.py, against autograd on the formula.

    python Tests/Interop/check_plugins.py FOLDER_WITH_LIBRARIES"""
import os
import subprocess
import sys
import tempfile

import numpy as np
import torch
import torch.nn.functional as F

root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(root, "Python"))
from mixcse_plugins import Library, Objective, PluginError

folder = sys.argv[1]
mixcse, simcse = (Library(f"{folder}/lib{name}.so") for name in ("MixCSELoss", "SimCSELoss"))


with tempfile.TemporaryDirectory() as temporary:
    path = f"{temporary}/liblive.so"
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", f"-I{root}/Sources/PluginAPI/include",
                    f"{root}/Tests/Fixtures/python/live.c", "-o", path], check=True)
    live = Library(path)


def live_reference(z1, z2):
    """InfoNCE against the positives and mixtures that carry a gradient."""
    u1, u2 = F.normalize(z1, dim=-1), F.normalize(z2, dim=-1)
    mixed = F.normalize(0.3 * z2 + 0.7 * u1.roll(-1, 0), dim=-1)
    return F.cross_entropy(torch.cat([u1 @ u2.T, u1 @ mixed.T], 1) / 0.1, torch.arange(len(z1)))


def near_reference(z1, z2):
    """Alignment: a loss on embeddings."""
    return (F.normalize(z1, dim=-1) - F.normalize(z2, dim=-1)).square().sum(-1).mean()


def reference(z1, z2, share, temperature, hard_weight, mixes):
    """In float64. MixCSE as in the paper's released code: cells that hold the row's own positive become 0."""
    n = len(z1)
    cos = lambda a, b: F.normalize(a, dim=-1) @ F.normalize(b, dim=-1).T / temperature
    logits = [cos(z1, z2)]
    if mixes:
        i = torch.arange(n)
        mix = lambda z: (share * z + (1 - share) * z.roll(-1, 0)).detach()
        for block, row, col in ((cos(z1, mix(z2)), (i + 1) % n, i), (cos(mix(z1), z2), i, (i + 1) % n)):
            keep = torch.ones(n, n, dtype=z1.dtype)
            keep[row, col] = 0
            logits.append(block * keep + hard_weight * torch.eye(n))
    return F.cross_entropy(torch.cat(logits, 1), torch.arange(n))


worst, cases = 0.0, 0


def compare(name, objective, expected_loss, seed, rows, width):
    """Loss and gradients of one batch, from the plugins and from autograd in float64."""
    global worst, cases
    results = []
    for scored in (objective.torch, lambda a, b: expected_loss(a.double(), b.double())):
        torch.manual_seed(seed)
        base = torch.randn(rows, width)
        z1, z2 = ((base + torch.randn(rows, width)).requires_grad_() for _ in range(2))
        loss = scored(z1, z2)
        (3 * loss).backward()
        results.append((loss.item(), z1.grad, z2.grad))
    (loss, *mine), (expected, *other) = results
    assert all(b.abs().max() > 0 for b in other), "a gradient of zero proves nothing"
    error = max([abs(loss - expected) / max(1, abs(expected))]
                + [((a - b).abs().max() / b.abs().max()).item() for a, b in zip(mine, other)])
    assert error < 1e-5, f"{name}, seed {seed}: {error}"
    worst, cases = max(worst, error), cases + 1


batches = ((0, 8, 16, 0.2, 0.05, 0.0), (1, 13, 7, 0.4, 0.1, 0.5), (2, 64, 48, 0.2, 0.05, 0.0))
for seed, rows, width, share, temperature, weight in batches:
    for mixes in (True, False):
        samplers = [mixcse.sampler("mixcse", **{"lambda": share, "hard_weight": weight})] if mixes else []
        objective = Objective(samplers, simcse.loss("infonce", temperature=temperature))
        compare("mixcse" if mixes else "simcse", objective,
                lambda a, b: reference(a, b, share, temperature, weight, mixes), seed, rows, width)
    compare("live", Objective([live.sampler("live", share=0.3)], simcse.loss("infonce", temperature=0.1)),
            live_reference,
            seed, rows, width)
    compare("near", Objective([], live.loss("near")), near_reference, seed, rows, width)
for broken in (lambda: mixcse.sampler("mixcse", lamda=1), lambda: mixcse.sampler("nothing"),
               lambda: objective(np.zeros((2, 3)))):
    try:
        broken()
    except PluginError:
        continue
    raise SystemExit("a mistake was not refused")
print(f"plugins in PyTorch: {cases} batches agree with autograd, largest relative error {worst:.1e}")
