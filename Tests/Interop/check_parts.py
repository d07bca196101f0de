"""Batches in parts (GradCache) on every device of check_devices.py: random numbers and autocast of the first pass; and
which rows hold one text, told on the device.

    python Tests/Interop/check_parts.py"""
import mixcse
import torch
from mixcse._caching import cached
from mixcse._texts import text_ids

from check_devices import DEVICES, close


def check_parts():
    """A batch in parts (GradCache) has the gradients of one that is not, where dropout draws, under autocast, and
    wherever backward() is called."""
    size, ended = 3, {}
    for device in DEVICES:
        torch.manual_seed(8)
        network = torch.nn.Sequential(torch.nn.Linear(10, 16), torch.nn.Dropout(0.4), torch.nn.Linear(16, 8)).to(device)
        features = {"input_ids": torch.randn(8, 10, device=device)}
        embed = lambda part: network(part["input_ids"])
        # Features that are on the CPU, as for an encoder that moves them itself.
        moves = lambda part: network(part["input_ids"].to(device))
        at_home = {"input_ids": features["input_ids"].cpu()}
        objective = mixcse.Objective("simcse", 8, temperature=1.0)

        def gradients(make, kind, inside, keeps=True):
            torch.manual_seed(5)
            network.zero_grad()
            with torch.autocast(device.type, dtype=torch.bfloat16, enabled=kind == "autocast", cache_enabled=keeps):
                z1, z2 = make(), make()
                assert z1.dtype == (torch.bfloat16 if kind == "autocast" else torch.float32)
                loss = objective(z1, z2)
                torch.rand(3), torch.rand(3, device=device)
                if inside:
                    loss.backward()
            if not inside:
                loss.backward()
            after = (torch.rand(1).item(), torch.rand(1, device=device).item())
            return [parameter.grad.cpu() for parameter in network.parameters()], after

        for kind in ("plain", "autocast"):
            whole = lambda: torch.cat([embed({"input_ids": part}) for part in features["input_ids"].split(size)])
            # Where autocast keeps the rounded weights, gradients of several parts are added up in bfloat16.
            expected, after = gradients(whole, kind, False, keeps=False)
            for inside in (False, True):
                for make in (lambda: cached(embed, features, size), lambda: cached(moves, at_home, size, [device])):
                    found, now = gradients(make, kind, inside)
                    assert now == after, "backward() moved the random numbers"
                    for a, b in zip(found, expected):
                        close(a, b, 1e-5)
            ended[device, kind] = expected
    assert not torch.equal(ended[DEVICES[0], "plain"][0], ended[DEVICES[1], "plain"][0]), "two generators, one draw"
    print("devices: a batch in parts draws and rounds twice the same")


def check_texts():
    """Rows of one text are told from their tokens, padded on either side or one behind the other."""
    rows = [[5, 6, 7], [9], [5, 6, 7], [7, 6, 5], [5, 6]]
    for device in DEVICES:
        padded = {"input_ids": [], "attention_mask": []}, {"input_ids": [], "attention_mask": []}
        for row in rows:
            blank = [0] * (4 - len(row))
            for features, tokens, mask in ((padded[0], row + blank, [1] * len(row) + blank),
                                           (padded[1], blank + row, blank + [1] * len(row))):
                features["input_ids"].append(tokens)
                features["attention_mask"].append(mask)
        flat = {"input_ids": [sum(rows, [])], "cu_seq_lens_q": [0, 3, 4, 7, 10, 12]}
        found = [text_ids({name: torch.tensor(values, device=device) for name, values in each.items()}).tolist()
                 for each in (*padded, flat)]
        assert found[0] == found[1] == found[2] and len(set(found[0])) == 4 and found[0][0] == found[0][2], found


def check_mistakes():
    """Texts that stand one behind the other cannot be cut into parts of rows."""
    for features in ({"input_ids": torch.ones(1, 9, dtype=torch.int64), "cu_seq_lens_q": torch.tensor([0, 4, 9])},
                     {"input_ids": torch.ones(9, dtype=torch.int64), "offsets": torch.tensor([0, 4])}):
        try:
            cached(lambda part: part["input_ids"].float(), features, 2)
        except mixcse.ArgumentError as error:
            assert "mini_batch_size: expected texts padded" in str(error), error
        else:
            raise SystemExit("texts in one row were cut into parts")


if __name__ == "__main__":
    check_parts()
    check_texts()
    check_mistakes()
