"""`mixcse compare` from Python: strategies over seeds, and their scores as a table."""

import csv
import json
import os
from collections.abc import Iterable, Sequence
from typing import Any

from ._errors import ArgumentError, Error
from .program import run

_NUMBERS = {"seed": int, "pairs": int, "value": float, "seconds": float}


class Comparison(list[dict[str, Any]]):
    """The rows of results.csv, one for each run and metric: pandas.DataFrame(comparison) is the table.

    Columns: strategy, label, seed, outcome, metric, pairs, value (Spearman x 100), seconds, folder, reason; None where
    there is nothing to say. The rows of outcome "before training" have the scores of the model as it was.
    """

    def __init__(self, folder: str) -> None:
        with open(os.path.join(folder, "results.csv"), encoding="utf-8", newline="") as file:
            super().__init__(
                {name: (_NUMBERS.get(name, str)(text) if text else None) for name, text in row.items()}
                for row in csv.DictReader(file))
        #: Where everything lies: report.html, results.json, the runs.
        self.folder = folder
        with open(os.path.join(folder, "results.json"), encoding="utf-8") as file:
            #: results.json: intervals and verdicts.
            self.results: dict[str, Any] = json.load(file)


def compare(
    strategies: Sequence[str], output_dir: str | os.PathLike[str], *, seeds: Iterable[int] | None = None,
    **flags: Any,
) -> Comparison:
    """Trains each strategy with each seed, tests the differences, and gives the scores.

        table = mixcse.compare(["simcse", "mixcse", "ours=infonce+./idea.py:share=0.2|0.4"], "runs/mixing",
                               seeds=[42, 43, 44], model="MODEL", train_file="FILE.txt", eval_data="STS",
                               max_steps=1000)
        pandas.DataFrame(table).pivot_table("value", "label", "metric")

    flags: those of `mixcse compare` by their long names with _ for -; a list for one that may be repeated, True for one
    without a value. Runs that `output_dir` holds already are used, so the same call goes on after an interruption.

    Raises Error with the code of the program where it ends with another than 0; what it says is on standard error.
    """
    arguments: list[object] = ["compare", *strategies, "--output-dir", os.fspath(output_dir)]
    if seeds is not None:
        arguments += ["--seeds", ",".join(str(seed) for seed in seeds)]
    for name, value in flags.items():
        flag = "--" + name.replace("_", "-")
        if value is True:
            arguments.append(flag)
        elif value is False or value is None:
            continue
        elif isinstance(value, (list, tuple)):
            for one in value:
                arguments += [flag, one]
        elif isinstance(value, (str, int, float, os.PathLike)):
            arguments += [flag, os.fspath(value) if isinstance(value, os.PathLike) else value]
        else:
            raise ArgumentError(f"{name}: expected a text, a number, a list or True, found {value!r}", 64)
    code = run(arguments)
    if code:
        raise Error(f"mixcse compare ended with code {code}; why stands on standard error", code)
    return Comparison(os.fspath(output_dir))
