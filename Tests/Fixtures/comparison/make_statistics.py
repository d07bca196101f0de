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
def holm(values, planned=None):
    """The definition: the largest of the multiplied values so far, in ascending order; what has no value counts as 1."""
    order = np.argsort(values)
    factors = np.arange(planned or len(values), 0, -1)[:len(values)]
    corrected = np.maximum.accumulate(np.array(values)[order] * factors)
    result = np.empty(len(values))
    result[order] = np.minimum(corrected, 1)
    return result.tolist()


out["holm"] = [[v, holm(v), [len(v)]] for v in (
    [0.04], [0.01, 0.04, 0.03, 0.005], [0.6, 0.7], [0.02, 0.021, 0.9, 0.001, 0.02], [0, 0.01, 1])]
out["holm"] += [[v, holm(v, n), [n]] for v, n in (([0.012, 0.03, 0.2], 6), ([0.01], 4))]

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


def seeds_needed(effect, deviation, power, level):
    """The smallest number of all seeds."""
    for seeds in range(2, 1001):
        if t_power(effect, deviation, seeds, level) >= power:
            return seeds
    return None


out["needed"] = [[e, power, level, seeds_needed(e, 1, power, level)] for e, power, level in (
    (0.8, 0.8, 0.05), (0.8, 0.5, 0.05), (0.3, 0.8, 0.05), (0.5, 0.5, 0.0125), (9, 0.5, 0.05), (0.15, 0.8, 0.05),
    (0.05, 0.8, 0.05))]


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
for seeds, mean, between, pairs in (
    (3, 0.7, 0.09, 0.02), (5, -0.4, 0.04, 0.03), (10, 0.2, 0.3, 0.001), (4, 3.0, 0.1, 0.2)):
    p = optimize.brentq(lambda a: half_width(a, seeds, between, pairs) - abs(mean), 1e-12, 1 - 1e-9, xtol=1e-15)
    out["mixed"].append({
        "seeds": seeds, "mean": mean, "between": between, "pairs": pairs, "pValue": p,
        "halfWidth": half_width(0.05, seeds, between, pairs), "power": power(abs(mean), seeds, between, pairs, 0.05)})

# Spearman as a function of weights, its influence values by their definition (every sum written out), and what follows
# for differences over seeds: pairs as drawn, pairs that hang together, and the mean of two sets that overlap.
def influence(x, y):
    x, y = np.asarray(x, float), np.asarray(y, float)
    n = len(x)

    def above(values, weights):
        larger = (values[None, :] > values[:, None]) + 0.5 * (values[None, :] == values[:, None])
        return larger @ weights / n

    u, v = (stats.rankdata(x) - 0.5) / n - 0.5, (stats.rankdata(y) - 0.5) / n - 0.5
    t1, t2, t3 = (u * v).mean(), (u * u).mean(), (v * v).mean()
    i1 = u * v + above(x, v) + above(y, u) - 3 * t1
    i2, i3 = u * u + 2 * above(x, u) - 3 * t2, v * v + 2 * above(y, v) - 3 * t3
    values = 100 * (i1 / np.sqrt(t2 * t3) - t1 / np.sqrt(t2 * t3) / 2 * (i2 / t2 + i3 / t3))
    return values - values.mean()


def weighted_spearman(x, y, w):
    def ranks(values):
        return (values[None, :] < values[:, None]) @ w + 0.5 * (values[None, :] == values[:, None]) @ w - 0.5

    u, v = ranks(x), ranks(y)
    return 100 * (w @ (u * v)) / np.sqrt((w @ (u * u)) * (w @ (v * v)))


def check_influence(x, y):
    """The influence value is the derivative by the weight of a pair."""
    n, h = len(x), 1e-5
    x, y = np.asarray(x, float), np.asarray(y, float)
    for i in range(n):
        sides = []
        for step in (h, -h):
            w = np.full(n, (1 - step) / n)
            w[i] += step
            sides.append(weighted_spearman(x, y, w))
        assert abs((sides[0] - sides[1]) / (2 * h) - influence(x, y)[i]) < 1e-5


out["influence"] = []
for x, y in (
    ([0.1, 0.4, 0.4, 0.7, 0.9, 0.2], [0, 1, 1, 2, 2, 1]), ([0.3, 0.3, 0.3, 0.3, 0.5], [1, 2, 3, 4, 5]),
    (random.normal(size=15).tolist(), random.integers(0, 4, 15).tolist())):
    check_influence(x, y)
    out["influence"].append([list(map(float, x)), list(map(float, y)), influence(x, y).tolist()])


def spread(contributions, observed, components):
    """The shared part, a seed's own, and the variance between seeds; contributions[seed][pair]."""
    m = max(components) + 1
    sums = np.array([np.bincount(components, weights=row, minlength=m) for row in contributions])
    covariance = sums @ sums.T * m / (m - 1)
    seeds = len(sums)
    shared = (covariance.sum() - np.trace(covariance)) / (seeds * (seeds - 1))
    return {
        "between": float(np.var(observed, ddof=1)), "pairs": float(max(shared, 0)),
        "interaction": float(np.trace(covariance) / seeds - shared), "own": float(covariance[0, 0])}


def join(*texts):
    """Components of pairs that share a text, by repeated sweeps: nothing like union-find."""
    labels = list(range(len(texts)))
    changed = True
    while changed:
        changed = False
        for i, a in enumerate(texts):
            for j, b in enumerate(texts):
                if set(a) & set(b) and labels[i] != labels[j]:
                    labels[i] = labels[j] = min(labels[i], labels[j])
                    changed = True
    order = {label: place for place, label in enumerate(dict.fromkeys(labels))}
    return [order[label] for label in labels]


def made_set(pairs, seeds, sentences):
    """Gold scores with ties, two methods, pairs of sentences drawn from few, so that many share one."""
    texts = [sorted(random.choice(sentences, 2, replace=False).tolist()) for _ in range(pairs)]
    of_text = dict(zip(sentences, random.normal(0, 0.6, (len(sentences), 2))))
    gold = np.round(random.uniform(0, 5, pairs) * 5) / 5
    latent = (gold - gold.mean()) / gold.std()
    of_method = np.array([[of_text[a][m] + of_text[b][m] for a, b in texts] for m in range(2)])
    runs = np.round(np.tanh(
        [[0.6 * latent + of_method[m] + random.normal(0, 0.15, pairs) + 0.06 * m * latent for _ in range(seeds)]
         for m in range(2)]), 6)
    return {"texts": texts, "gold": gold.tolist(), "first": runs[0].tolist(), "second": runs[1].tolist()}


sets = [made_set(60, 3, list(range(150))), made_set(40, 3, list(range(90, 200)))]
parts = []
for item in sets:
    gold, first, second = item["gold"], item["first"], item["second"]
    scores = [[float(stats.spearmanr(x, gold).statistic * 100) for x in method] for method in (first, second)]
    observed = np.array(scores[1]) - np.array(scores[0])
    rows = np.array([influence(b, gold) - influence(a, gold) for a, b in zip(first, second)]) / len(gold)
    parts.append((observed, rows))
    item["scores"] = scores
    item["alone"] = spread(rows, observed, list(range(len(gold))))
    item["joined"] = spread(rows, observed, join(*item["texts"]))
mean = (parts[0][0] + parts[1][0]) / 2
joined = join(*(sets[0]["texts"] + sets[1]["texts"]))
out["sets"] = sets
out["mean"] = dict(
    spread(np.hstack([rows / 2 for _, rows in parts]), mean, joined), differences=mean.tolist(),
    components=max(joined) + 1)

folder = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(folder, "statistics.json"), "w") as file:
    json.dump(out, file, allow_nan=False)
    file.write("\n")
