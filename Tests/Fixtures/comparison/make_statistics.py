"""The statistics of `mixcse compare` by SciPy and NumPy: quantiles, tests, power, and the spread of a difference."""
import json
import os

import numpy as np
from scipy import integrate, optimize, stats

random = np.random.default_rng(11)
out = {}

out["normal"] = [[tail, float(stats.norm.isf(tail))] for tail in (0.4999, 0.3, 0.1, 0.025, 1e-3, 1e-6, 1e-12)]
freedoms = (1, 2, 3, 4, 9, 29, 999)
out["t"] = [
    [freedom, tail, float(stats.t.isf(tail, freedom))]
    for freedom in freedoms
    for tail in (0.45, 0.3, 0.1, 0.025, 1e-3, 1e-6, 1e-9)  # SciPy loses digits close to 0.5
]
out["tTail"] = [[f, t, float(stats.t.sf(t, f))] for f in freedoms for t in (1e-3, 0.5, 1, 2.5, 10, 300)]
out["beta"] = [
    [x, a, b, float(stats.beta.cdf(x, a, b))]
    for a, b in ((0.5, 0.5), (1, 0.5), (4.5, 0.5), (3, 7), (200, 0.5), (60, 80))
    for x in (1e-6, 0.1, 0.5, 0.9, 1 - 1e-6)
]
out["sign"] = [
    [p, n, float(stats.binomtest(p, p + n, 0.5).pvalue)] for p, n in ((3, 0), (2, 1), (5, 5), (9, 1), (0, 6), (40, 61))
]


def holm(values):
    """The definition: the largest of the multiplied values so far, in ascending order."""
    order = np.argsort(values)
    corrected = np.maximum.accumulate(np.array(values)[order] * np.arange(len(values), 0, -1))
    result = np.empty(len(values))
    result[order] = np.minimum(corrected, 1)
    return result.tolist()


out["holm"] = [[v, holm(v)] for v in ([0.04], [0.01, 0.04, 0.03, 0.005], [0.6, 0.7], [0.02, 0.021, 0.9, 0.001, 0.02])]

# Paired t tests: the spread with no share of the pairs.
out["paired"] = []
for count in (2, 3, 5, 10):
    for shift in (0.0, 0.4, 2.0):
        d = random.normal(shift, 0.5, count)
        test = stats.ttest_1samp(d, 0)
        low, high = test.confidence_interval(0.95)
        out["paired"].append(
            {"differences": d.tolist(), "pValue": float(test.pvalue), "low": float(low), "high": float(high)}
        )


def t_power(effect, deviation, seeds, level):
    """Of the two-sided paired t test, from the noncentral t distribution."""
    critical = stats.t.isf(level / 2, seeds - 1)
    shift = effect * np.sqrt(seeds) / deviation
    opposite = stats.nct.cdf(-critical, seeds - 1, shift)  # NaN where it underflows
    return float(stats.nct.sf(critical, seeds - 1, shift) + np.nan_to_num(opposite))


out["power"] = [
    [effect, seeds, level, t_power(effect, 1, seeds, level)]
    for effect in (0.3, 1.0, 2.5)
    for seeds in (2, 3, 8, 40)
    for level in (0.05, 0.0125)
]


def seeds_needed(effect, deviation, present, level):
    for more in range(1, 1001):
        if t_power(effect, deviation, present + more, level) >= 0.8:
            return more
    return None


out["needed"] = [[e, p, level, seeds_needed(e, 1, p, level)] for e, p, level in (
    (0.8, 3, 0.05), (0.3, 5, 0.05), (0.5, 3, 0.0125), (1.6, 2, 0.05), (0.15, 3, 0.05), (0.05, 3, 0.05))]


# Seeds and pairs together: half-width and p-value by their definitions.
def half_width(level, seeds, between, pairs):
    t, z = stats.t.isf(level / 2, seeds - 1), stats.norm.isf(level / 2)
    return float(np.sqrt(t * t * between / seeds + z * z * pairs))


def power(mean, seeds, between, pairs, level):
    t, z, k = stats.t.isf(level / 2, seeds - 1), stats.norm.isf(level / 2), seeds - 1
    sd = np.sqrt(between / seeds + pairs)

    def shown(u):
        half = np.sqrt(t * t * between * u / seeds + z * z * pairs)
        return stats.chi2.pdf(u * k, k) * k * (stats.norm.cdf((mean - half) / sd) + stats.norm.cdf((-mean - half) / sd))

    return float(integrate.quad(shown, 0, np.inf, epsabs=1e-11, limit=400)[0])


out["mixed"] = []
for seeds, mean, between, pairs in ((3, 0.7, 0.09, 0.02), (5, -0.4, 0.04, 0.03), (10, 0.2, 0.3, 0.001), (4, 3.0, 0.1, 0.2)):
    p = optimize.brentq(lambda a: half_width(a, seeds, between, pairs) - abs(mean), 1e-12, 1 - 1e-9, xtol=1e-15)
    out["mixed"].append({
        "seeds": seeds, "mean": mean, "between": between, "pairs": pairs, "pValue": p,
        "halfWidth": half_width(0.05, seeds, between, pairs), "power": power(abs(mean), seeds, between, pairs, 0.05)})

# Spearman of real-looking runs, and the components of the spread of their differences by another bootstrap.
pairs, seeds = 300, 3
gold = np.round(random.uniform(0, 5, pairs) * 5) / 5
latent = (gold - gold.mean()) / gold.std()
of_method = random.normal(0, 0.3, (2, pairs))
runs = np.round(np.tanh(
    [[0.6 * latent + of_method[m] + random.normal(0, 0.15, pairs) + 0.06 * m * latent for _ in range(seeds)]
     for m in range(2)]), 6)
scores = [[float(stats.spearmanr(x, gold).statistic * 100) for x in method] for method in runs]


def spearman_of_draw(counts):
    drawn = np.repeat(np.arange(pairs), counts)
    ranks = stats.rankdata(runs[:, :, drawn], axis=2)
    target = stats.rankdata(gold[drawn])
    ranks -= ranks.mean(axis=2, keepdims=True)
    target = target - target.mean()
    return 100 * (ranks @ target) / np.sqrt((ranks**2).sum(axis=2) * (target @ target))


draws = np.array([spearman_of_draw(random.multinomial(pairs, np.ones(pairs) / pairs)) for _ in range(20000)])
differences = draws[:, 1] - draws[:, 0]
covariance = np.cov(differences.T) * pairs / (pairs - 1)
shared = (covariance.sum() - np.trace(covariance)) / (seeds * (seeds - 1))
observed = np.array(scores[1]) - np.array(scores[0])
out["components"] = {
    "gold": gold.tolist(), "first": runs[0].tolist(), "second": runs[1].tolist(), "scores": scores,
    "between": float(observed.var(ddof=1)), "pairs": float(shared),
    "interaction": float(np.trace(covariance) / seeds - shared),
    "oneSeed": np.quantile(differences[:, 0], [0.025, 0.975]).tolist()}

folder = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(folder, "statistics.json"), "w") as file:
    json.dump(out, file, allow_nan=False)
    file.write("\n")
