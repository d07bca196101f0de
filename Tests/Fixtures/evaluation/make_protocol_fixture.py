"""Folds, shuffles, first weights, trained classifiers and space figures by NumPy, scikit-learn and PyTorch.

    python make_protocol_fixture.py      (needs torch, numpy, scikit-learn; writes protocol.json and space.json)

The classifiers are those of Benchmarks/evaluation/transfer_reference.py.
"""
import json
import os
import sys

import numpy as np
import torch
from scipy import stats
from sklearn.model_selection import StratifiedKFold

folder = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(folder, "../../../Benchmarks/evaluation"))
import transfer_reference as reference  # noqa: E402


def write(name, value):
    with open(os.path.join(folder, name), "w") as file:
        json.dump(value, file)
        file.write("\n")


def numbers():
    np.random.seed(1111)
    permutations = [np.random.permutation(n).tolist() for n in (1, 2, 20, 700)]
    torch.manual_seed(1111)
    linear = torch.nn.Linear(7, 3)
    random = np.random.default_rng(3)
    folds = []
    for k, labels in [(5, [0] * 10 + [1] * 17), (10, random.integers(0, 3, 64)), (5, [2] * 7 + [0] * 9 + [1] * 6)]:
        labels = np.asarray(labels)
        splits = StratifiedKFold(n_splits=k, shuffle=True, random_state=1111).split(np.zeros(len(labels)), labels)
        folds.append({"k": k, "labels": labels.tolist(), "held": [held.tolist() for _, held in splits]})
    return {
        "permutations": permutations, "folds": folds, "weight": linear.weight.flatten().tolist(),
        "bias": linear.bias.tolist(),
    }


def classifiers():
    random = np.random.default_rng(5)
    cases = []
    for classes, width in ((2, 9), (6, 16)):
        x = random.normal(size=(260, width)).astype(np.float32)
        y = (x @ random.normal(size=(width, classes)) + random.normal(size=(260, classes))).argmax(1)
        case = {"classes": classes, "x": x.flatten().tolist(), "y": y.tolist(), "width": width, "modes": {}}
        for name in ("test", "dev"):
            mode = reference.MODES[name]
            grid = reference.Classifiers(width, classes, reference.L2, mode)
            accuracies = grid.fit(x[:200], y[:200], x[200:], y[200:])
            refit = reference.Classifiers(width, classes, [1e-3], mode)
            held = refit.fit(x, y)
            weights = torch.cat([grid.best_weight, grid.best_bias[:, :, None]], 2)
            case["modes"][name] = {
                "accuracies": accuracies.tolist(), "weights": weights.flatten().tolist(), "heldOut": float(held[0]),
                "predicted": refit.predict(x).tolist(),
            }
            if classes == 2:
                order = np.argsort(y, kind="stable")  # the readers' order
                case["modes"][name]["nested"] = reference.nested(x[order], y[order], mode)
        cases.append(case)
    return cases


def space():
    random = np.random.default_rng(11)
    sentences, width = 40, 12
    x = (random.normal(size=(sentences, width)) * np.linspace(1, 0.1, width) + 0.3).astype(np.float32)
    gold = np.round(random.uniform(0, 5, sentences // 2), 1)
    unit = torch.nn.functional.normalize(torch.from_numpy(x).double(), dim=1)
    first, second = unit[: sentences // 2], unit[sentences // 2:]
    positive = torch.from_numpy(gold) > 4
    spectrum = np.linalg.eigvalsh(np.cov(unit.numpy().T, bias=True))
    share = spectrum / spectrum.sum()
    cosines = unit @ unit.T
    cosine = (first * second).sum(1).numpy()
    draws = np.random.default_rng(1).integers(0, len(gold), (20000, len(gold)))
    spearmans = [stats.spearmanr(cosine[d], gold[d]).statistic for d in draws]
    return {
        "x": x.flatten().tolist(), "width": width, "gold": gold.tolist(),
        "alignment": float((first[positive] - second[positive]).norm(dim=1).pow(2).mean()),
        "alignmentPairs": int(positive.sum()),
        "uniformity": float(torch.pdist(unit).pow(2).mul(-2).exp().mean().log()),
        "meanCosine": float((cosines.sum() - cosines.trace()) / (sentences * (sentences - 1))),
        "effectiveRank": float(np.exp(-(share * np.log(share)).sum())),
        "eigenvalues": spectrum.tolist(),
        "interval": np.quantile(spearmans, [0.025, 0.975]).tolist(),
    }


write("protocol.json", dict(numbers(), classifiers=classifiers()))
write("space.json", space())
