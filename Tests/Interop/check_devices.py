"""mixcse.Objective on tensors of other devices: the machine's GPU, or where there is none two that Tests/Interop/device
makes, whose memory nobody can read from here. Types, layouts, parameters, ranks; check_parts.py goes on.

    python Tests/Interop/check_devices.py"""
import copy
import io
import os
import tempfile

import mixcse
import torch
import torch.distributed as dist
import torch.multiprocessing

from check_objective import views
from device.elsewhere import make_device

DEVICES = [torch.device("cpu")]
if torch.cuda.is_available():
    DEVICES.append(torch.device("cuda:0"))
else:
    # The second one is never the current device.
    DEVICES += [make_device(), torch.device("elsewhere:1")]


def on(device, tensors, kind=torch.float32):
    return [tensor.detach().to(device, kind).requires_grad_() for tensor in tensors]


def close(a, b, bound):
    assert a.shape == b.shape and b.abs().max() > 0, "a gradient of zero proves nothing"
    error = ((a.cpu().double() - b.cpu().double()).abs().max() / b.abs().max()).item()
    assert error < bound, error


# Types and layouts


def check_kinds():
    objective = mixcse.Objective("mixcse", 12).eval()
    exact = views(3, 8, 12)
    objective(*exact).backward()
    kinds = {torch.float64: 1e-6, torch.float32: 1e-6, torch.bfloat16: 5e-2, torch.float16: 5e-3}
    for device in DEVICES:
        for kind, bound in kinds.items():
            z = on(device, exact, kind)
            loss = objective(*z)
            loss.backward()
            assert loss.device == z[0].device and loss.dtype == torch.float32
            for own, other in zip(z, exact):
                assert own.grad.dtype == kind and own.grad.device == own.device
                close(own.grad, other.grad, bound)
    print(f"devices: float64, float32, bfloat16 and float16 on {', '.join(map(str, DEVICES))}")


def check_layouts():
    """Columns as rows, every second row, and one row as all of them: gradients arrive at what they were cut from."""
    objective = mixcse.Objective("infonce+mixcse:lambda=0.3", 6).eval()
    cuts = {"turned": ((6, 5), lambda t: t.T), "strided": ((10, 12), lambda t: t[::2, 3:9]),
            "from behind": ((9, 6), lambda t: t[4:]), "expanded": ((1, 6), lambda t: t.expand(5, 6))}
    for name, (shape, cut) in cuts.items():
        torch.manual_seed(2)
        whole, other = torch.randn(shape), torch.randn(5, 6)
        found = []
        for device in DEVICES:
            wholes = on(device, [whole, other])
            z = cut(wholes[0])
            # On the CPU plain rows, which is what the others are held against.
            z = z.contiguous() if device.type == "cpu" else z
            objective(z, wholes[1]).backward()
            found.append([tensor.grad for tensor in wholes])
        for mine in found[1:]:
            for a, b in zip(mine, found[0]):
                close(a, b, 1e-6)


def check_scaling():
    """What a GradScaler multiplies by is more than float16 holds, and saves what float16 would lose."""
    exact = views(5, 8, 12)
    objective = mixcse.Objective("simcse", 12, temperature=3e4)
    objective(*exact).backward()
    assert all(view.grad.abs().max() < 1e-6 for view in exact), "float16 would hold these"
    for device in DEVICES:
        z = on(device, exact, torch.float16)
        (65536.0 * objective(*z)).backward()
        for own, other in zip(z, exact):
            close(own.grad.double() / 65536, other.grad, 5e-3)


# The module


def check_modules():
    """Moved, trained, saved, copied: on every device what it is on the CPU."""
    def make(device):
        torch.manual_seed(1)
        objective = mixcse.Objective("siglip+queue:size=24", 10, seed=7).to(device)
        weight = torch.randn(10, 10).to(device).requires_grad_()
        return objective, weight, torch.optim.AdamW([weight, *objective.parameters()], lr=0.01)

    def train(objective, weight, optimizer, steps):
        losses = []
        for step in steps:
            loss = objective(*[view.detach().to(weight.device) @ weight for view in views(step, 9, 10)])
            optimizer.zero_grad()
            loss.backward()
            assert all(parameter.grad.device == parameter.device for parameter in objective.parameters())
            optimizer.step()
            losses.append(loss.item())
        return losses

    expected = train(*make("cpu"), range(6))
    assert len(set(expected)) == 6
    for device in DEVICES:
        objective, weight, optimizer = make(device)
        assert all(parameter.device == weight.device for parameter in objective.parameters())
        losses = train(objective, weight, optimizer, range(3))
        file = io.BytesIO()
        torch.save((objective.state_dict(), weight.detach(), optimizer.state_dict()), file)
        twin = copy.deepcopy(objective)
        losses += train(objective, weight, optimizer, range(3, 6))
        assert max(abs(a - b) for a, b in zip(losses, expected)) < 1e-5, (str(device), losses, expected)
        # Read back where it was, and on the CPU, where everything is moved to.
        for place in (device, "cpu"):
            file.seek(0)
            again, other, its = make(place)
            state, saved, its_state = torch.load(file, weights_only=True, map_location=place)
            again.load_state_dict(state)
            other.data.copy_(saved)
            its.load_state_dict(its_state)
            rest = train(again, other, its, range(3, 6))
            assert max(abs(a - b) for a, b in zip(rest, expected[3:])) < 1e-5, (str(device), place, rest)
        with torch.no_grad():
            one, two = (each.eval()(*on(device, views(90, 9, 10))).item() for each in (twin, copy.deepcopy(twin)))
        assert one == two
    # Learned on the CPU, embeddings elsewhere: as in a loop that moves the encoder alone.
    objective = mixcse.Objective("siglip", 10)
    for device in DEVICES:
        objective.zero_grad()
        objective(*on(device, views(4, 6, 10))).backward()
        assert all(parameter.grad.device.type == "cpu" for parameter in objective.parameters())
    print("devices: a module that was moved trains, is saved and goes on as on the CPU")


def check_what_comes_along():
    """Labels, scores, ids and encodings may be anywhere; embeddings must be together."""
    cases = [("supcon", "labels", [0, 1, 0, 2, 1, 0]), ("cosent", "scores", [0.1, 0.9, 0.4, 0.7, 0.2, 0.5])]
    for strategy, name, values in cases:
        objective = mixcse.Objective(strategy, 10).eval()
        expected = objective(*views(4, 6, 10), **{name: values}).item()
        for device in DEVICES:
            for given in (values, torch.tensor(values), torch.tensor(values, device=device)):
                found = objective(*on(device, views(4, 6, 10)), **{name: given}).item()
                assert abs(found - expected) < 1e-6
    objective = mixcse.Objective("distill", 10, guides=[5], encodings=True).eval()
    guide = [torch.randn(6, 5) for _ in range(2)]
    found = {
        objective(*on(device, views(4, 6, 10)), encodings=[guide[item.view].to(where) for item in objective.encodings])
        .item() for device in DEVICES for where in ("cpu", device)}
    assert len(found) == 1, found
    simcse = mixcse.Objective("simcse", 10)
    z = {device: on(device, views(4, 6, 10, 3)) for device in DEVICES}
    for first in DEVICES:
        for other in DEVICES:
            for place, given in enumerate(([z[first][0], z[other][1]], [*z[first][:2], z[other][2]]), 2):
                if first == other:
                    simcse(*given)
                    continue
                try:
                    simcse(*given)
                except mixcse.ArgumentError as error:
                    assert f"z{place}: expected a tensor on {first}" in str(error) and str(other) in str(error), error
                else:
                    raise SystemExit(f"{first} and {other} were mixed")
    print("devices: what comes with embeddings may be elsewhere, embeddings may not: refused by name")


# Ranks


def rank(index, count, path, name):
    device = make_device() if name == "elsewhere" else torch.device(name)
    if count > 1:
        dist.init_process_group("gloo", init_method="file://" + path, rank=index, world_size=count)
    torch.manual_seed(0)
    anchors = torch.randn(7, 12)
    positives, labels = anchors + torch.randn(7, 12), torch.arange(7) % 3
    own = slice(0, 7) if count == 1 else slice(0, 4) if index == 0 else slice(4, 7)
    net = torch.nn.Linear(12, 8).to(device)
    objective = mixcse.Objective("infonce+mixcse:lambda=0.3+queue:size=20+supcon", 8, learn_temperature=True).to(device)
    optimizer = torch.optim.SGD([*net.parameters(), *objective.parameters()], lr=0.01)
    losses = []
    for _ in range(4):
        z = [net(texts[own].to(device)) for texts in (anchors, positives)]
        loss = objective(*z, labels=labels[own])
        optimizer.zero_grad()
        loss.backward()
        # Gloo may take nothing of this device, so what DistributedDataParallel does is done by way of the CPU.
        for parameter in net.parameters() if count > 1 else ():
            gradient = parameter.grad.cpu()
            dist.all_reduce(gradient)
            parameter.grad = (gradient / count).to(device)
        optimizer.step()
        losses.append(loss.item())
    torch.save(losses, f"{path}.{name}.{count}.{index}")
    if count > 1:
        dist.destroy_process_group()


def check_ranks(folder):
    path, kind = os.path.join(folder, "ranks"), DEVICES[-1].type
    torch.multiprocessing.spawn(rank, (2, path, kind), nprocs=2)
    rank(0, 1, path, "cpu")
    one, *two = [torch.load(f"{path}.{name}") for name in ("cpu.1.0", f"{kind}.2.0", f"{kind}.2.1")]
    for losses in two:
        assert len(set(one)) == 4 and max(abs(a - b) for a, b in zip(losses, one)) < 1e-5, (losses, one)
    print(f"devices: two ranks on {kind} train as one on the CPU")


if __name__ == "__main__":
    check_kinds()
    check_layouts()
    check_scaling()
    check_modules()
    check_what_comes_along()
    with tempfile.TemporaryDirectory() as scratch:
        check_ranks(scratch)
