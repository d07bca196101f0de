"""Correlations by SciPy for the rank statistics, heavy ties among the inputs."""
import json
import os

import numpy as np
from scipy import stats

random = np.random.default_rng(7)
cases = []


def case(name, x, y):
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    cases.append(
        {
            "name": name,
            "x": x.tolist(),
            "y": y.tolist(),
            "ranks": stats.rankdata(x).tolist(),
            "spearman": float(stats.spearmanr(x, y).statistic),
            "pearson": float(stats.pearsonr(x, y).statistic),
        }
    )


case("two", [1, 2], [2, 1])
case("normal", random.normal(size=200), random.normal(size=200))
x = random.normal(size=200)
case("related", x, x + random.normal(size=200))
case("grades", random.integers(0, 6, 300), random.integers(0, 6, 300))
g = random.integers(0, 3, 300)
case("heavy ties", g, g * (random.random(300) < 0.7))
case("nearly all equal", np.r_[np.zeros(99), 1], np.r_[random.normal(size=99), 9])
case("large offset", 1e8 + random.normal(size=100), 1e8 + random.normal(size=100))
case("huge and tiny", 10.0 ** random.integers(-100, 100, 50), random.normal(size=50))
case("negative zero", [-0.0, 0.0, 1, 2, -1], [0.0, -0.0, 1, 3, -2])
folder = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(folder, "correlations.json"), "w") as file:
    json.dump(cases, file)
    file.write("\n")
