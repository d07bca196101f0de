"""MixCSE's loss and gradients in float64: the numbers of mixcse_golden.json, beside the lines that state them.

    python3 make_mixcse_golden.py > mixcse_golden.json   # writes the fixture
    python3 make_mixcse_golden.py --check                # compares with the one that is there, to 4e-15

Plain Python: no library, no code shared with the program. The fixture agrees with the reference implementation of
MixCSE in float64 to 1e-15, and with this statement to the last digits.

With indices modulo N, cos the cosine similarity, T the temperature, lam the share of a row's own vector, w the hard
weight, and m_j = lam z2_j + (1 - lam) z2_{j+1}, n_i = lam z1_i + (1 - lam) z1_{i+1} held fixed, row i is
    [ cos(z1_i, z2_j)/T | cos(z1_i, m_j)/T, 0 at j = i-1, + w at j = i | cos(n_i, z2_j)/T, 0 at j = i+1, + w at j = i ]
and the loss is the mean over i of logsumexp(row i) - cos(z1_i, z2_i)/T.
"""

import json
import math
import pathlib
import sys


def embeddings(n, d):
    """Numbers that look like nothing and need no generator of random ones."""
    z1 = [[math.sin(1.7 * i * i + 0.9 * k + 0.3) + 0.6 for k in range(d)] for i in range(n)]
    z2 = [[z1[i][k] + 0.15 * math.cos(2.3 * i + 1.1 * k * k) for k in range(d)] for i in range(n)]
    return z1, z2


def dot(a, b):
    return math.fsum(x * y for x, y in zip(a, b))


def norm(a):
    return max(math.sqrt(dot(a, a)), 1e-8)


def unit(a):
    return [x / norm(a) for x in a]


def cosine(a, b):
    return dot(a, b) / (norm(a) * norm(b))


def mix(z, lam):
    return [[lam * x + (1 - lam) * y for x, y in zip(z[i], z[(i + 1) % len(z)])] for i in range(len(z))]


def rows(z1, z2, m, n, T, w, masked=0.0):
    """Logits of each row: in-batch, mixed positives, mixed anchors."""
    count = len(z1)
    result = []
    for i in range(count):
        base = [cosine(z1[i], z2[j]) / T for j in range(count)]
        first = [masked if j == (i - 1) % count else cosine(z1[i], m[j]) / T for j in range(count)]
        second = [masked if j == (i + 1) % count else cosine(n[i], z2[j]) / T for j in range(count)]
        first[i] += w
        second[i] += w
        result.append(base + first + second)
    return result


def loss_of(all_rows):
    """The mean of logsumexp(row) - positive; the positive of row i is its cell i."""
    total = []
    for i, row in enumerate(all_rows):
        peak = max(row)
        total.append(peak + math.log(math.fsum(math.exp(x - peak) for x in row)) - row[i])
    return math.fsum(total) / len(total)


def add_cosine_gradient(factor, a, b, target):
    """target += factor * d cos(a, b) / d a."""
    ua, ub = unit(a), unit(b)
    along = dot(ua, ub)
    for k in range(len(a)):
        target[k] += factor * (ub[k] - along * ua[k]) / norm(a)


def gradients(z1, z2, m, n, T, w):
    count, width = len(z1), len(z1[0])
    g1, g2 = ([[0.0] * width for _ in range(count)] for _ in range(2))
    for i, row in enumerate(rows(z1, z2, m, n, T, w)):
        peak = max(row)
        powers = [math.exp(x - peak) for x in row]
        total = math.fsum(powers)
        # 1 - p of the positive is formed from the other candidates, so that nothing cancels.
        d = [x / total / (T * count) for x in powers]
        d[i] = -math.fsum(powers[:i] + powers[i + 1:]) / total / (T * count)
        for j in range(count):
            add_cosine_gradient(d[j], z1[i], z2[j], g1[i])
            add_cosine_gradient(d[j], z2[j], z1[i], g2[j])
            if j != (i - 1) % count:
                add_cosine_gradient(d[count + j], z1[i], m[j], g1[i])
            if j != (i + 1) % count:
                add_cosine_gradient(d[2 * count + j], z2[j], n[i], g2[j])
    return g1, g2


def case(z1, z2, T, lam, w):
    m, n = mix(z2, lam), mix(z1, lam)
    count = len(z1)
    g1, g2 = gradients(z1, z2, m, n, T, w)
    plain = [[cosine(z1[i], z2[j]) / T for j in range(count)] for i in range(count)]
    u1, u2 = [unit(z) for z in z1], [unit(z) for z in z2]
    mu, nu = mix(u2, lam), mix(u1, lam)
    return {
        "T": T, "lam": lam, "w": w,
        "loss_code": loss_of(rows(z1, z2, m, n, T, w)),
        "loss_infonce": loss_of(plain),
        "loss_inf_mask": loss_of(rows(z1, z2, m, n, T, w, masked=-math.inf)),
        "loss_norm_before_mix": loss_of(rows(z1, z2, mu, nu, T, w)),
        "loss_single_mix": loss_of([plain[i] + [own_mix(u1, u2, i, lam, T, w)] for i in range(count)]),
        "gnorm_z1": [math.sqrt(dot(g, g)) for g in g1],
        "gnorm_z2": [math.sqrt(dot(g, g)) for g in g2],
        "g1": g1, "g2": g2,
    }


def own_mix(u1, u2, i, lam, T, w):
    """The form of the paper's text: one mixture of unit vectors for each anchor; alone, a row is mixed with itself."""
    return (cosine(u1[i], mix(u2, lam)[i]) / T if len(u1) > 1 else 0) + w


def fixture():
    result = {}
    for n, d in [(6, 8), (2, 3), (1, 3)]:
        z1, z2 = embeddings(n, d)
        cases = [case(z1, z2, T, lam, w) for T in (0.05, 0.5) for lam in (0.0, 0.2, 0.5) for w in (0.0, 1.0)]
        result[f"N{n}d{d}"] = {"z1": z1, "z2": z2, "cases": cases}
    return result


def deviations(found, expected, path=""):
    if isinstance(expected, dict):
        assert list(found) == list(expected), path
        for key in expected:
            yield from deviations(found[key], expected[key], f"{path}/{key}")
    elif isinstance(expected, list):
        assert len(found) == len(expected), path
        for index in range(len(expected)):
            yield from deviations(found[index], expected[index], f"{path}[{index}]")
    else:
        yield abs(found - expected) / max(1, abs(expected)), path


if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        there = json.loads(pathlib.Path(__file__).with_name("mixcse_golden.json").read_text())
        worst, path = max(deviations(fixture(), there))
        print(f"largest deviation {worst:.1e} at {path}")
        sys.exit(worst > 4e-15)
    print(json.dumps(fixture(), indent=1))
