"""The transfer protocol stated a second time, in PyTorch, NumPy and scikit-learn, on embeddings of `mixcse encode`.

    python transfer_reference.py --mixcse .build/release/mixcse --model MODEL --data DOWNSTREAM --mode test \
        [--tasks MR,CR,...] [--ours ours.json] [--out reference.json]

`--ours` is what `mixcse evaluate --json` printed; then both are shown side by side. Needs torch, numpy, scikit-learn.
Nothing is shared with the Swift code: files, folds, batches, optimiser and stopping are written down again, the folds
and permutations come from scikit-learn and NumPy, the initial weights from torch. The four trainings of the L2 grid
see the same batches from the same start, so they are stacked in one tensor; their losses do not touch each other.
"""

import argparse
import json
import os
import subprocess
import tempfile
import time

import numpy as np
import torch
from sklearn.metrics import f1_score
from sklearn.model_selection import StratifiedKFold

SEED = 1111
L2 = [1e-5, 1e-4, 1e-3, 1e-2]
TREC = ["ABBR", "DESC", "ENTY", "HUM", "LOC", "NUM"]
MODES = {
    "test": dict(folds=10, optimizer=torch.optim.Adam, rate=1e-3, batch=64, tenacity=5, passes=4),
    "fasttest": dict(folds=5, optimizer=torch.optim.RMSprop, rate=1e-2, batch=128, tenacity=3, passes=2),
}
MODES["dev"] = MODES["fasttest"]


def lines(path, encoding):
    with open(path, encoding=encoding, newline="\n") as file:
        return file.read().split("\n")[:-1]


def sort(rows):
    """By number of words, then label; ties stay in the order of the file."""
    return sorted(rows, key=lambda row: tuple(len(text) for text in row[:-1]) + (row[-1],))


def read(folder, task):
    """The parts of a task, each a list of (words, [words,] label)."""
    binary = {"MR": ("rt-polarity.pos", "rt-polarity.neg"), "CR": ("custrev.pos", "custrev.neg"),
              "SUBJ": ("subj.objective", "subj.subjective"), "MPQA": ("mpqa.pos", "mpqa.neg")}
    if task in binary:
        rows = []
        for label, name in zip((1, 0), binary[task]):
            rows += [(line.split(), label) for line in lines(f"{folder}/{task}/{name}", "latin-1")]
        return [sort(rows)]
    if task == "SST2":
        parts = []
        for part in ("train", "dev", "test"):
            rows = [line.strip().split("\t") for line in lines(f"{folder}/SST/binary/sentiment-{part}", "utf-8")]
            parts.append(sort([(row[0].split(), int(row[1])) for row in rows]))
        return parts
    parts = []
    for name in {"TREC": ("train_5500.label", "TREC_10.label"),
                 "MRPC": ("msr_paraphrase_train.txt", "msr_paraphrase_test.txt")}[task]:
        rows = []
        if task == "TREC":
            for line in lines(f"{folder}/TREC/{name}", "latin-1"):
                label, text = line.strip().split(":", 1)
                rows.append((text.split(" ", 1)[1].split(), TREC.index(label)))
        else:
            for line in lines(f"{folder}/MRPC/{name}", "utf-8")[1:]:
                fields = line.strip().split("\t")
                rows.append((fields[3].split(), fields[4].split(), int(fields[0])))
        parts.append(sort(rows))
    return parts


def encode(options, sentences):
    with tempfile.TemporaryDirectory() as folder:
        with open(folder + "/in.txt", "w", encoding="utf-8") as file:
            file.write("".join(" ".join(words) + "\n" for words in sentences))
        subprocess.run([options.mixcse, "encode", "--model", options.model, "--pooler", options.pooler,
                        "--input", folder + "/in.txt", "--output", folder + "/out.npy"], check=True)
        return np.load(folder + "/out.npy")


def features(options, task, part):
    cache = options.cache and f"{options.cache}/{task}-{part[0]}.npz"
    if cache and os.path.exists(cache):
        stored = np.load(cache)
        return stored["x"], stored["y"]
    rows = part[1]
    columns = [encode(options, [row[i] for row in rows]) for i in range(len(rows[0]) - 1)]
    x = columns[0] if len(columns) == 1 else np.c_[np.abs(columns[0] - columns[1]), columns[0] * columns[1]]
    y = np.array([row[-1] for row in rows])
    if cache:
        np.savez(cache, x=x, y=y)
    return x, y


class Classifiers:
    """Logistic regressions that differ in their L2 only."""

    def __init__(self, width, classes, penalties, mode):
        np.random.seed(SEED)
        torch.manual_seed(SEED)
        linear = torch.nn.Linear(width, classes)
        count = len(penalties)
        self.mode, self.count = mode, count
        self.weight = linear.weight.detach().repeat(count, 1, 1).requires_grad_()  # [L2, classes, width]
        self.bias = linear.bias.detach().repeat(count, 1).requires_grad_()
        # One optimiser each, since weight decay is a setting of the optimiser.
        self.penalties = torch.tensor(penalties)
        self.optimizer = mode["optimizer"]([self.weight, self.bias], lr=mode["rate"])

    def logits(self, x, weight, bias):
        return torch.einsum("nd,kcd->knc", x, weight) + bias[:, None, :]

    def score(self, x, y, weight, bias):
        with torch.no_grad():
            right = self.logits(x, weight, bias).argmax(2) == y
        return right.double().mean(1).numpy()

    def fit(self, x, y, dev_x=None, dev_y=None):
        if dev_x is None:
            order = np.random.permutation(len(x))
            held = int(0.05 * len(x))
            dev_x, dev_y, x, y = x[order[:held]], y[order[:held]], x[order[held:]], y[order[held:]]
        x, y, dev_x, dev_y = (torch.from_numpy(np.ascontiguousarray(a)) for a in (x, y, dev_x, dev_y))
        best = np.full(self.count, -1.0)
        misses = np.zeros(self.count, dtype=int)
        running = np.ones(self.count, dtype=bool)
        self.best_weight, self.best_bias = self.weight.detach().clone(), self.bias.detach().clone()
        passes = 0
        while running.any() and passes <= 200:
            for _ in range(self.mode["passes"]):
                self.run_pass(x, y)
            passes += self.mode["passes"]
            accuracy = self.score(dev_x, dev_y, self.weight, self.bias)
            for k in np.nonzero(running)[0]:
                if accuracy[k] > best[k]:
                    best[k] = accuracy[k]
                    self.best_weight[k] = self.weight[k].detach()
                    self.best_bias[k] = self.bias[k].detach()
                else:
                    running[k] = misses[k] < self.mode["tenacity"]
                    misses[k] += 1
        self.passes = passes
        return best

    def run_pass(self, x, y):
        order = torch.from_numpy(np.random.permutation(len(x)))
        size = self.mode["batch"]
        for start in range(0, len(x), size):
            batch = order[start:start + size]
            logits = self.logits(x[batch], self.weight, self.bias)
            target = y[batch].repeat(self.count)
            # The sum over the grid of each member's mean cross-entropy: gradients of the members stay apart.
            loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), target) * self.count
            self.optimizer.zero_grad()
            loss.backward()
            self.weight.grad += self.penalties[:, None, None] * self.weight.detach()
            self.bias.grad += self.penalties[:, None] * self.bias.detach()
            self.optimizer.step()

    def predict(self, x, member=0):
        with torch.no_grad():
            x = torch.from_numpy(np.ascontiguousarray(x))
            return self.logits(x, self.best_weight, self.best_bias)[member].argmax(1).numpy()


def search(x, y, classes, mode):
    """Mean dev accuracy of each L2 over k folds."""
    folds = StratifiedKFold(n_splits=mode["folds"], shuffle=True, random_state=SEED)
    scores = []
    for train, dev in folds.split(x, y):
        grid = Classifiers(x.shape[1], classes, L2, mode)
        scores.append(grid.fit(x[train], y[train], x[dev], y[dev]))
    means = [round(100 * float(value), 2) for value in np.mean(scores, axis=0)]
    best = int(np.argmax(means))
    return best, means[best]


def refit(x, y, classes, mode, choice):
    classifier = Classifiers(x.shape[1], classes, [L2[choice]], mode)
    classifier.fit(x, y)
    return classifier


def nested(x, y, mode):
    dev, test = [], []
    outer = StratifiedKFold(n_splits=mode["folds"], shuffle=True, random_state=SEED)
    for train, held in outer.split(x, y):
        choice, score = search(x[train], y[train], 2, mode)
        classifier = refit(x[train], y[train], 2, mode, choice)
        dev.append(score)
        test.append(round(100 * float(np.mean(classifier.predict(x[held]) == y[held])), 2))
    return dict(accuracy=round(float(np.mean(test)), 2), devAccuracy=round(float(np.mean(dev)), 2))


def run(options, task, mode):
    parts = [features(options, task, part) for part in enumerate(read(options.data, task))]
    if len(parts) == 1:
        return nested(*parts[0], mode)
    classes = 6 if task == "TREC" else 2
    (x, y), (test_x, test_y) = parts[0], parts[-1]
    if len(parts) == 3:
        grid = Classifiers(x.shape[1], classes, L2, mode)
        scores = [round(100 * float(value), 2) for value in grid.fit(x, y, *parts[1])]
        choice = int(np.argmax(scores))
        # Training again with the L2 chosen, from the same seed on the same data, gives the same weights.
        return dict(accuracy=round(100 * float(np.mean(grid.predict(test_x, choice) == test_y)), 2),
                    devAccuracy=scores[choice], l2=L2[choice])
    choice, score = search(x, y, classes, mode)
    predicted = refit(x, y, classes, mode, choice).predict(test_x)
    result = dict(accuracy=round(100 * float(np.mean(predicted == test_y)), 2), devAccuracy=score, l2=L2[choice])
    if task == "MRPC":
        result["f1"] = round(100 * f1_score(test_y, predicted), 2)
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--mixcse", "--model", "--data"):
        parser.add_argument(name, required=True)
    parser.add_argument("--pooler", default="avg")
    parser.add_argument("--mode", choices=sorted(MODES), default="test")
    parser.add_argument("--tasks", default="CR,TREC,MRPC,MR,SUBJ,MPQA,SST2")
    parser.add_argument("--cache", help="a folder to keep embeddings in")
    parser.add_argument("--ours", help="the JSON document of mixcse evaluate")
    parser.add_argument("--out", help="where to write the figures as JSON")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.cache:
        os.makedirs(options.cache, exist_ok=True)
    results = {}
    for task in options.tasks.split(","):
        began = time.time()
        results[task] = run(options, task, MODES[options.mode])
        print(task, results[task], f"{time.time() - began:.0f} s", flush=True)
        if options.out:
            with open(options.out, "w") as file:
                json.dump(results, file)
    mean = np.mean([result["accuracy"] for result in results.values()])
    print(f"mean accuracy {mean:.2f}, of dev {np.mean([r['devAccuracy'] for r in results.values()]):.2f}")
    if options.ours:
        with open(options.ours) as file:
            ours = json.load(file)["tasks"]
        for task, result in results.items():
            if task in ours:
                print(f"{task:5} ours {ours[task]['accuracy']:6.2f}  here {result['accuracy']:6.2f}  "
                      f"difference {ours[task]['accuracy'] - result['accuracy']:+.2f}")


if __name__ == "__main__":
    main()
