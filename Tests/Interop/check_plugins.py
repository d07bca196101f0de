"""Plugins in Python inside of PyTorch: the numbers of the library's own and of autograd; comparisons as tables.

    python Tests/Interop/check_plugins.py --model MODEL --text FILE"""
import argparse
import os
import tempfile
import time

import mixcse
import torch
import torch.nn.functional as F

root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
examples = os.path.join(root, "Examples", "python")

LIVE = """
import torch
from mixcse.plugin import Block, Weight, constant, loss, param, report, sampler

@sampler(Block("turned", detached=False), weights={"w": Weight("dim", "dim", start="eye")}, metrics=["size"])
def turned(z2, w, *, share=param(0.3, "[0, 1]")):
    "new vectors with a gradient, through a learned matrix"
    mixed = share * z2 @ w + (1 - share) * z2.roll(-1, 0)
    report("size", mixed.norm())
    return mixed

@loss
def near(u1, u2):
    "squared distances, weighted by what they are"
    distances = (u1 - u2).square().sum(-1)
    return distances * constant(distances)
"""
BROKEN = """
import torch
from mixcse.plugin import sampler

@sampler
def broken(z2):
    "wrong"
    return z2 @ z2
"""


def steps(strategy, count=20, rows=16, width=32):
    """Losses of a linear layer that is trained with a strategy."""
    torch.manual_seed(3)
    layer, data = torch.nn.Linear(width, width), torch.randn(count, rows, width)
    objective = mixcse.Objective(strategy, dimension=width, temperature=0.3)
    optimiser = torch.optim.SGD([*layer.parameters(), *objective.parameters()], lr=0.1)
    losses = []
    for batch in data:
        loss = objective(layer(batch), layer(batch + 0.3 * batch.roll(1, 1)))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses


def check_numbers(folder):
    library, own = steps("infonce+mixcse:lambda=0.3"), steps(f"infonce+{examples}/mixcse.py:lambda=0.3")
    worst = max(abs(a - b) for a, b in zip(library, own))
    assert worst < 1e-5 and len(set(library)) == 20, (worst, library)
    queue, ours = steps("infonce+queue:size=40"), steps(f"infonce+{examples}/queue.py:size=40")
    assert max(abs(a - b) for a, b in zip(queue, ours)) < 1e-5
    dcl, decoupled = steps("dcl"), steps(f"{examples}/decoupled.py")
    assert max(abs(a - b) for a, b in zip(dcl, decoupled)) < 1e-5, (dcl, decoupled)

    path = os.path.join(folder, "live.py")
    with open(path, "w") as file:
        file.write(LIVE)
    torch.manual_seed(1)
    base = torch.randn(12, 8)
    z1, z2 = ((base + torch.randn(12, 8)).requires_grad_() for _ in range(2))
    objective = mixcse.Objective(f"infonce+0.5*{path}:near+{path}:turned:share=0.3", dimension=8, temperature=0.5)
    (weight,) = objective.parameters()
    loss = objective(z1, z2)
    loss.backward()
    x1, x2, w = (t.detach().clone().requires_grad_() for t in (z1, z2, weight))
    u1, u2 = F.normalize(x1, dim=-1), F.normalize(x2, dim=-1)
    new = F.normalize(0.3 * x2 @ w + 0.7 * x2.roll(-1, 0), dim=-1)
    distances = (u1 - u2).square().sum(-1)
    expected = F.cross_entropy(torch.cat([u1 @ u2.T, u1 @ new.T], 1) / 0.5, torch.arange(12))
    expected = expected + 0.5 * (distances * distances.detach()).mean()
    expected.backward()
    assert abs(loss.item() - expected.item()) < 1e-5, (loss.item(), expected.item())
    for found, wanted in ((z1.grad, x1.grad), (z2.grad, x2.grad), (weight.grad, w.grad)):
        assert (found - wanted).abs().max() < 1e-5, (found, wanted)
    assert objective.metrics["turned.size"] > 0
    return worst


def check_states():
    """What it remembers is saved and loaded."""
    torch.manual_seed(0)
    batches = [[torch.randn(8, 16, requires_grad=True) for _ in range(2)] for _ in range(6)]
    strategy = f"infonce+{examples}/queue.py:size=20"
    whole = mixcse.Objective(strategy, dimension=16)
    losses = [whole(*batch).item() for batch in batches[:3]]
    saved = whole.state_dict()
    losses = [whole(*batch).item() for batch in batches[3:]]
    other = mixcse.Objective(strategy, dimension=16)
    other.load_state_dict(saved)
    assert [other(*batch).item() for batch in batches[3:]] == losses


def check_mistake(folder):
    path = os.path.join(folder, "broken.py")
    with open(path, "w") as file:
        file.write(BROKEN)
    objective = mixcse.Objective(f"infonce+{path}", dimension=8)
    try:
        objective(torch.randn(4, 8), torch.randn(4, 8))
    except mixcse.PluginError as error:
        assert "broken.py:8, in broken" in str(error) and "RuntimeError" in str(error), error
    else:
        raise AssertionError("a mistake went by")
    # It stays what it is: a function of a file that can be imported and called.
    from mixcse.plugin import param, sampler

    @sampler
    def half(z2, *, share=param(0.5, "[0, 1]")):
        return share * z2

    assert (half(torch.ones(2, 2)) == 0.5).all() and (half(torch.ones(2, 2), share=1) == 1).all()


def check_table(folder, model, text):
    lines = open(text).read().splitlines()[:120]
    pairs = os.path.join(folder, "pairs.tsv")
    with open(pairs, "w") as file:
        for index in range(40):
            file.write(f"{lines[index]}\t{lines[index + 1 + index % 3]}\t{index % 6}\n")
    table = mixcse.compare(
        ["simcse", f"ours=infonce+{examples}/mixcse.py"], os.path.join(folder, "compared"), seeds=[1, 2], model=model,
        train_file=text, eval_data=pairs, test_data=[pairs], max_steps=2, batch_size=8, max_seq_length=16)
    assert {row["label"] for row in table} == {"simcse", "ours"}, table
    finished = [row for row in table if row["outcome"] == "finished"]
    assert len(finished) >= 4 and all(isinstance(row["value"], float) for row in finished), table
    assert {row["seed"] for row in finished} == {1, 2} and table.results["format"].startswith("mixcse.comparison/")
    try:
        import pandas
    except ImportError:
        print("plugins: pandas is not installed; its table is left out")
    else:
        frame = pandas.DataFrame(table)
        assert frame[frame.outcome == "finished"].groupby("label").value.mean().notna().all()
    try:
        mixcse.compare(["simcse"], os.path.join(folder, "refused"), nonsense=1)
    except mixcse.Error as error:
        assert error.code == 64
    else:
        raise AssertionError("a flag that does not exist went by")


def cost(rows, width):
    """Milliseconds of the shortest step of the objective with the sampler of the library, and with that in Python."""
    found = []
    for sampler in ("mixcse", f"{examples}/mixcse.py"):
        objective = mixcse.Objective(f"infonce+{sampler}", dimension=width, threads=1)
        views = [torch.randn(rows, width, requires_grad=True) for _ in range(2)]
        times = []
        for _ in range(200 if rows < 100 else 60):
            start = time.perf_counter()
            objective(*views).backward()
            times.append(time.perf_counter() - start)
        found.append(1000 * min(times))
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--text", required=True)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        difference = check_numbers(scratch)
        check_states()
        check_mistake(scratch)
        check_table(scratch, given.model, given.text)
    times = {size: cost(*size) for size in ((64, 384), (256, 768))}
    print(f"plugins: MixCSE in Python within {difference:.1e} of the library's over 20 steps; a step "
          + ", ".join(f"{rows} x {width}: {own:.2f} ms, in Python {python:.2f} ms"
                      for (rows, width), (own, python) in times.items()))
