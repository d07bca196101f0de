"""mixcse.Objective against formulas in float64, finite differences, itself after saving, and one rank against two.

    python Tests/Interop/check_objective.py"""
import copy
import os
import subprocess
import tempfile

import mixcse
import torch
import torch.distributed as dist
import torch.multiprocessing
import torch.nn.functional as F

root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def views(seed, rows, width, count=2):
    """Related embeddings."""
    torch.manual_seed(seed)
    base = torch.randn(rows, width)
    return [(base + torch.randn(rows, width)).requires_grad_() for _ in range(count)]


# Formulas


def mixcse_reference(z1, z2, share, temperature, hard_weight, mixes):
    """MixCSE as in the paper's released code: cells that hold the row's own positive become 0."""
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


def live_reference(z1, z2):
    """InfoNCE against the positives and mixtures that carry a gradient."""
    u1, u2 = F.normalize(z1, dim=-1), F.normalize(z2, dim=-1)
    mixed = F.normalize(0.3 * z2 + 0.7 * u1.roll(-1, 0), dim=-1)
    return F.cross_entropy(torch.cat([u1 @ u2.T, u1 @ mixed.T], 1) / 0.1, torch.arange(len(z1)))


def near_reference(z1, z2):
    """Alignment: a loss on embeddings."""
    return (F.normalize(z1, dim=-1) - F.normalize(z2, dim=-1)).square().sum(-1).mean()


def check_formulas(live):
    worst = cases = 0
    for seed, rows, width, share, temperature, weight in (
        (0, 8, 16, 0.2, 0.05, 0.0), (1, 13, 7, 0.4, 0.1, 0.5), (2, 64, 48, 0.2, 0.05, 0.0)
    ):
        strategies = [
            (f"infonce+mixcse:lambda={share},hard_weight={weight}", temperature,
             lambda a, b: mixcse_reference(a, b, share, temperature, weight, True)),
            ("simcse", temperature, lambda a, b: mixcse_reference(a, b, share, temperature, weight, False)),
            (f"infonce+{live}:live:share=0.3", 0.1, live_reference),
            (f"{live}:near", None, near_reference),
        ]
        for strategy, given, reference in strategies:
            objective = mixcse.Objective(strategy, width, temperature=given)
            results = []
            for scored in (objective, lambda a, b: reference(a.double(), b.double())):
                z = views(seed, rows, width)
                loss = scored(*z)
                (3 * loss).backward()
                results.append((loss.item(), *[view.grad for view in z]))
            (loss, *mine), (expected, *other) = results
            assert all(b.abs().max() > 0 for b in other), "a gradient of zero proves nothing"
            error = max([abs(loss - expected) / max(1, abs(expected))]
                        + [((a - b).abs().max() / b.abs().max()).item() for a, b in zip(mine, other)])
            assert error < 1e-5, f"{strategy}, seed {seed}: {error}"
            worst, cases = max(worst, error), cases + 1
    print(f"objective: {cases} batches agree with autograd, largest relative error {worst:.1e}")


# Differences


def check_differences():
    labels, scores = torch.tensor([0, 1, 0, 2, 1, 0]), torch.tensor([0.1, 0.9, 0.4, 0.7, 0.2, 0.5])
    cases = [
        ("simcse", 2, {}, {"learn_temperature": True, "temperature": 0.3}), ("simcse", 3, {}, {}),
        ("supcon", 2, {"labels": labels}, {}), ("cosent", 2, {"scores": scores}, {}),
        ("infonce+queue:size=16", 2, {}, {}), ("siglip", 2, {}, {}), ("0.5*infonce+0.1*uniformity", 2, {}, {}),
    ]
    for strategy, count, known, settings in cases:
        for seed in range(3):
            objective = mixcse.Objective(strategy, 10, **settings)
            if "queue" in strategy:
                for batch in range(2):
                    objective(*views(50 + batch, 6, 10))
            tensors = [*views(seed, 6, 10, count), *objective.parameters()]
            # The parameters are the module's own, so that moving them moves the loss.
            score = lambda: objective(*tensors[:count], **known)
            objective.eval()
            score().backward()
            assert all(tensor.grad.abs().max() > 0 for tensor in tensors), strategy
            along = [torch.randn_like(tensor) for tensor in tensors]
            expected = sum((a * t.grad).sum().item() for a, t in zip(along, tensors))
            sides = []
            with torch.no_grad():
                for sign in (1, -2):
                    for tensor, direction in zip(tensors, along):
                        tensor += sign * 5e-3 * direction
                    sides.append(score().item())
            found = (sides[0] - sides[1]) / 1e-2
            assert abs(found - expected) < 2e-2 * max(abs(found), 0.1), f"{strategy}, {count} views"
    print(f"objective: the gradients of {len(cases)} strategies are those of central differences")


# Saving


def check_saving():
    def losses(objective, optimizer, weight, first, last):
        found = []
        for batch in range(first, last):
            z = [view.detach() @ weight for view in views(batch, 9, 10)]
            loss = objective(*z)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            found.append(loss.item())
        return found

    def make():
        torch.manual_seed(1)
        objective = mixcse.Objective(
            "infonce+queue:size=24+gaussian-noise", 10, temperature=0.2, learn_temperature=True, seed=7)
        weight = torch.randn(10, 10, requires_grad=True)
        groups = [{"params": [weight]}, *objective.parameter_groups(0.01)]
        return objective, torch.optim.SGD(groups, lr=0.01), weight

    objective, optimizer, weight = make()
    losses(objective, optimizer, weight, 0, 5)
    file = tempfile.TemporaryFile()
    torch.save((objective.state_dict(), optimizer.state_dict(), weight.detach()), file)
    copied = copy.deepcopy(objective)
    assert copied(*views(90, 9, 10)).item() == copy.deepcopy(objective)(*views(90, 9, 10)).item()
    expected = losses(objective, optimizer, weight, 5, 10)
    objective, optimizer, weight = make()
    other = losses(objective, optimizer, weight, 5, 10)
    file.seek(0)
    for own, saved in zip((objective, optimizer), torch.load(file, weights_only=True)):
        own.load_state_dict(saved)
    file.seek(0)
    weight.data.copy_(torch.load(file, weights_only=True)[2])
    found = losses(objective, optimizer, weight, 5, 10)
    assert found == expected and found != other, (found, expected)
    print("objective: saved and loaded, a run with a queue, noise and a learned temperature goes on to the bit")


def check_remembering():
    """Only batches in training mode and with gradients are remembered."""
    objective = mixcse.Objective("infonce+queue:size=16", 10)
    empty = objective.get_extra_state()["states"]
    now = lambda: objective.get_extra_state()["states"].values()
    same = lambda: all(torch.equal(a, b) for a, b in zip(empty.values(), now()))
    objective.eval()(*views(1, 4, 10))
    with torch.no_grad():
        objective.train()(*views(1, 4, 10))
    objective(*[view.detach() for view in views(1, 4, 10)])
    assert same() and objective.batches == 0
    objective(*views(1, 4, 10))
    assert not same() and objective.batches == 1


# Ranks

STRATEGY = "infonce+mixcse:lambda=0.3+queue:size=20"


def rank(index, count, path):
    if count > 1:
        dist.init_process_group("gloo", init_method="file://" + path, rank=index, world_size=count)
    torch.manual_seed(0)
    anchors = torch.randn(7, 12)
    positives, labels = anchors + torch.randn(7, 12), torch.arange(7) % 3
    # Ranks of different size, as at the end of an epoch.
    own = slice(0, 7) if count == 1 else slice(0, 4) if index == 0 else slice(4, 7)
    net = torch.nn.Linear(12, 8)
    model = torch.nn.parallel.DistributedDataParallel(net) if count > 1 else net
    objective = mixcse.Objective(STRATEGY + "+supcon", 8, learn_temperature=True)
    optimizer = torch.optim.SGD([*net.parameters(), *objective.parameters()], lr=0.01)
    losses = []
    for _ in range(4):
        loss = objective(model(anchors[own]), model(positives[own]), labels=labels[own])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    torch.save((losses, net.state_dict(), objective.state_dict()), f"{path}.{count}.{index}")
    if count > 1:
        dist.destroy_process_group()


def check_ranks(folder):
    path = os.path.join(folder, "ranks")
    torch.multiprocessing.spawn(rank, (2, path), nprocs=2)
    rank(0, 1, path)
    one, *two = [torch.load(f"{path}.{name}", weights_only=True) for name in ("1.0", "2.0", "2.1")]
    for losses, net, state in two:
        assert max(abs(a - b) for a, b in zip(losses, one[0])) < 1e-5, (losses, one[0])
        for saved, expected in ((net, one[1]), (state["_extra_state"]["states"], one[2]["_extra_state"]["states"])):
            assert all(torch.allclose(saved[name], expected[name], atol=1e-5) for name in expected)
    assert one[0][-1] != one[0][0]
    print("objective: two ranks with 4 and 3 rows train as one with 7")


# Encodings and mistakes


def check_encodings():
    z = views(4, 6, 10)
    guide = [torch.randn(6, 5) for _ in range(2)]
    objective = mixcse.Objective("distill", 10, guides=[5], encodings=True)
    given = [guide[item.view] for item in objective.encodings]
    assert given and all(item.by == "guide" and item.width == 5 for item in objective.encodings)
    loss = objective(*z, encodings=given)
    assert torch.isfinite(loss) and loss.item() == objective(*z, encodings=[3 * rows for rows in given]).item()
    average = mixcse.Objective("moco", 10, encodings=True)
    assert [item.by for item in average.encodings][0] == "average" and average.encodings[0].decay > 0.9
    average(*z, encodings=[z[item.view] for item in average.encodings]).backward()


def check_mistakes():
    z = views(5, 6, 10)
    simcse = mixcse.Objective("simcse", 10)
    broken = z[0].detach().clone()
    broken[2, 3] = float("nan")
    cases = [
        (lambda: mixcse.Objective("simcze", 10), mixcse.PluginError, "simcse"),
        (lambda: mixcse.Objective("mixcse:lamda=1", 10), mixcse.ArgumentError, "lambda"),
        (lambda: mixcse.Objective("simcse", 0), mixcse.ArgumentError, "width"),
        (lambda: mixcse.Objective("simcse", 10, temperature=0), ValueError, "temperature"),
        (lambda: mixcse.Objective("esimcse", 10), mixcse.ArgumentError, "edits tokens"),
        (lambda: mixcse.Objective("moco", 10), mixcse.ArgumentError, "encodings=True"),
        (lambda: mixcse.Objective("gist", 10), mixcse.PluginError, "guides=[width]"),
        (lambda: mixcse.Objective("simcse", 10, plugin_folders=["/not/there"]), mixcse.ArgumentError, "/not/there"),
        (lambda: simcse(z[0], z[1][:3]), mixcse.ArgumentError, "z2"),
        (lambda: simcse(z[0][:, :4], z[1][:, :4]), mixcse.ArgumentError, "z1"),
        (lambda: simcse(z[0].long(), z[1]), mixcse.ArgumentError, "floating"),
        (lambda: simcse(broken, z[1]), mixcse.ArgumentError, "row 2"),
        (lambda: simcse(*z, labels=[1, 2]), mixcse.ArgumentError, "labels"),
        (lambda: simcse(*z, labels=torch.ones(6)), mixcse.ArgumentError, "whole numbers"),
        (lambda: simcse(*z, encodings=[z[0]]), mixcse.ArgumentError, "n_encodings"),
        (lambda: mixcse.Objective("supcon", 10)(*z), mixcse.ArgumentError, "labels="),
        (lambda: simcse.set("infonce.temprature", 1), mixcse.ArgumentError, "temperature"),
        (lambda: simcse.load_state_dict(mixcse.Objective("queue", 10).state_dict()), mixcse.ArgumentError, "strategy"),
        (lambda: mixcse.Encoder("/not/there"), FileNotFoundError, "/not/there"),
    ]
    for number, (broken_call, kind, words) in enumerate(cases):
        try:
            broken_call()
        except kind as error:
            assert words in str(error), f"mistake {number}: {error}"
            continue
        raise SystemExit(f"mistake {number} was not refused")
    print(f"objective: {len(cases)} mistakes are refused with what to do")


def main():
    with tempfile.TemporaryDirectory() as folder:
        live = os.path.join(folder, "liblive.so")
        subprocess.run(
            ["cc", "-O2", "-shared", "-fPIC", f"-I{root}/Sources/PluginAPI/include",
             f"{root}/Tests/Fixtures/python/live.c", "-o", live], check=True)
        os.chmod(live, 0o755)
        check_formulas(live)
        check_differences()
        check_saving()
        check_remembering()
        check_ranks(folder)
        check_encodings()
        check_mistakes()


if __name__ == "__main__":
    main()
