"""Losses of the shipped strategies and their gradients in float64: strategies_golden.json, beside the lines that state
them.

    python3 make_strategies_golden.py > strategies_golden.json   # writes the fixture
    python3 make_strategies_golden.py --check                    # compares with the one that is there, to 1e-9

Plain Python: no library, no code shared with the program. Each loss is one short function of the embeddings after the
paper it names; gradients are central differences with one step of Richardson's extrapolation.
"""

import json
import math
import pathlib
import sys

exp, log = math.exp, math.log


def embeddings(n, d):
    """Numbers that look like nothing and need no generator of random ones."""
    z1 = [[math.sin(1.7 * i * i + 0.9 * k + 0.3) + 0.3 for k in range(d)] for i in range(n)]
    z2 = [[z1[i][k] + 0.45 * math.cos(2.3 * i + 1.1 * k * k) for k in range(d)] for i in range(n)]
    z3 = [[0.7 * z1[i][k] + 0.6 * math.sin(0.7 * i * k + 1.9 * i) for k in range(d)] for i in range(n)]
    return [z1, z2, z3]


def dot(a, b):
    return math.fsum(x * y for x, y in zip(a, b))


def unit(a):
    length = max(math.sqrt(dot(a, a)), 1e-8)
    return [x / length for x in a]


def cosines(a, b):
    a, b = [unit(x) for x in a], [unit(y) for y in b]
    return [[dot(x, y) for y in b] for x in a]


def mean(values):
    values = list(values)
    return math.fsum(values) / len(values)


def rows(z, T):
    """Of each row the positive's cosine and the others': in-batch negatives, then hard ones."""
    s = cosines(z[0], z[1])
    hard = cosines(z[0], z[2]) if len(z) > 2 else [[] for _ in s]
    return [(s[i][i], [v for j, v in enumerate(s[i]) if j != i] + hard[i]) for i in range(len(s))]


# ---- losses on logits -----------------------------------------------------------------------------------------------

def cross_entropy(positive, others, T):
    return log(exp(positive / T) + sum(exp(s / T) for s in others)) - positive / T


def infonce(z, T):
    return mean(cross_entropy(p, o, T) for p, o in rows(z, T))


def dcl(z, T):
    """Yeh et al. 2022, equation 6."""
    return mean(log(sum(exp(s / T) for s in o)) - p / T for p, o in rows(z, T))


def debiased(z, T, tau):
    """Chuang et al. 2020, equation 8."""
    def row(p, o):
        n, pos = len(o), exp(p / T)
        g = max((sum(exp(s / T) for s in o) / n - tau * pos) / (1 - tau), exp(-1 / T))
        return -log(pos / (pos + n * g))
    return mean(row(p, o) for p, o in rows(z, T))


def hcl(z, T, tau, beta):
    """Robinson et al. 2021, the released code: reweighted negatives, then debiased."""
    def row(p, o):
        n, pos, neg = len(o), exp(p / T), [exp(s / T) for s in o]
        weights = [v ** beta for v in neg]
        reweighted = sum(w * v for w, v in zip(weights, neg)) / mean(weights)
        g = max((-tau * n * pos + reweighted) / (1 - tau), n * exp(-1 / T))
        return -log(pos / (pos + g))
    return mean(row(p, o) for p, o in rows(z, T))


def arccse(z, T, degrees):
    """Zhang et al. 2022, equation 4."""
    return mean(cross_entropy(math.cos(math.acos(p) + math.radians(degrees)), o, T) for p, o in rows(z, T))


def am(z, T, margin):
    return mean(cross_entropy(p - margin, o, T) for p, o in rows(z, T))


def focal(z, T, gamma):
    def row(p, o):
        share = exp(-cross_entropy(p, o, T))
        return -(1 - share) ** gamma * log(share)
    return mean(row(p, o) for p, o in rows(z, T))


def sigmoid(z, scale, bias):
    """Zhai et al. 2023, algorithm 1."""
    def row(p, o):
        return sum(log(1 + exp(-y * (scale * s + bias))) for y, s in [(1, p)] + [(-1, s) for s in o])
    return mean(row(p, o) for p, o in rows(z, 1))


def triplet(z, margin, negatives):
    def row(p, o):
        values = [max(0, margin + s - p) for s in ([max(o)] if negatives == "hardest" else o)]
        return mean(values)
    return mean(row(p, o) for p, o in rows(z, 1))


# ---- losses on embeddings -------------------------------------------------------------------------------------------

def squared_distance(a, b):
    return math.fsum((x - y) ** 2 for x, y in zip(a, b))


def uniformity(z, gamma, t):
    """Wang and Isola 2020."""
    u = [[unit(x) for x in view] for view in z[:2]]
    align = mean(squared_distance(a, b) for a, b in zip(*u))
    uniform = [log(mean(exp(-t * squared_distance(v[i], v[j])) for i in range(len(v)) for j in range(i))) for v in u]
    return align + gamma * sum(uniform) / 2


def standardised(view):
    columns = []
    for k in range(len(view[0])):
        column = [row[k] for row in view]
        m = mean(column)
        variance = mean((x - m) ** 2 for x in column)
        columns.append([(x - m) / math.sqrt(variance + 1e-5) for x in column])
    return columns


def barlow(z, lam):
    """Zbontar et al. 2021, equations 1 and 2; columns are dimensions."""
    a, b = standardised(z[0]), standardised(z[1])
    n = len(z[0])
    c = [[dot(x, y) / n for y in b] for x in a]
    return sum((1 - v) ** 2 if k == m else lam * v ** 2 for k, row in enumerate(c) for m, v in enumerate(row))


def dimension(z, T):
    """Xu et al. 2023, the released code; columns are dimensions."""
    a, b = standardised(z[0]), standardised(z[1])
    c = [[dot(x, y) / len(z[0]) / T for y in b] for x in a]
    return mean(log(sum(exp(v) for v in row)) - row[k] for k, row in enumerate(c))


def vicreg(z, lam, mu, nu):
    """Bardes et al. 2022, the released code."""
    n, d = len(z[0]), len(z[0][0])
    agreement = mean((x - y) ** 2 for a, b in zip(z[0], z[1]) for x, y in zip(a, b))
    variance, covariance = 0, 0
    for view in z[:2]:
        centred = [[row[k] - mean(r[k] for r in view) for k in range(d)] for row in view]
        c = [[sum(row[k] * row[m] for row in centred) / (n - 1) for m in range(d)] for k in range(d)]
        variance += mean(max(0, 1 - math.sqrt(c[k][k] + 1e-4)) for k in range(d)) / 2
        covariance += sum(c[k][m] ** 2 for k in range(d) for m in range(d) if k != m) / d
    return lam * agreement + mu * variance + nu * covariance


def sncse(z, alpha, beta):
    """Wang and Dou 2023, equation 6."""
    near, far = cosines(z[0], z[1]), cosines(z[0], z[2])
    gaps = [far[i][i] - near[i][i] for i in range(len(near))]
    return mean(max(0, d + alpha) + max(0, -d - beta) for d in gaps)


# ---- losses on scored and labelled rows ------------------------------------------------------------------------------

def supcon(z, T, classes, both):
    """Khosla et al. 2020, equation 2, over N rows and their N positives, or over all 2N vectors."""
    n = len(z[0])
    hard = z[2] if len(z) > 2 else []
    vectors, labels = (z[0] + z[1], classes * 2) if both else (z[1] + hard, classes + [None] * len(hard))
    s = cosines(z[0] + z[1] if both else z[0], vectors)
    def row(i):
        others = [j for j in range(len(vectors)) if not both or j != i]
        total = sum(exp(s[i][j] / T) for j in others)
        return mean(log(total) - s[i][j] / T for j in others if labels[j] == classes[i % n])
    return mean(row(i) for i in range(len(s)))


def weighted(z, T, weights):
    losses = [cross_entropy(p, o, T) for p, o in rows(z, T)]
    return sum(w * v for w, v in zip(weights, losses)) / sum(weights)


def ranking(s, scores, scale):
    n = len(s)
    return log(1 + sum(exp(scale * (s[j] - s[i])) for i in range(n) for j in range(n) if scores[i] > scores[j]))


def cosent(z, scores, scale):
    """Su 2022."""
    return ranking([row[i] for i, row in enumerate(cosines(z[0], z[1]))], scores, scale)


def angle(z, scores, scale):
    """Li and Li 2024, the released code, written with complex numbers."""
    def similarity(x, y):
        half = (len(x) + 1) // 2
        x, y = [v + [0] * (2 * half - len(v)) for v in (x, y)]
        x, y = [[complex(v[k], v[k + half]) for k in range(half)] for v in (x, y)]
        lengths = [math.sqrt(sum(abs(c) ** 2 for c in v)) for v in (x, y)]
        quotients = [a * b.conjugate() / lengths[1] ** 2 / (lengths[0] / lengths[1]) for a, b in zip(x, y)]
        return abs(sum(q.real + q.imag for q in quotients))
    return ranking([similarity(x, y) for x, y in zip(z[0], z[1])], scores, scale)


def cosine(z, scores, highest):
    """Reimers and Gurevych 2019."""
    return mean((row[i] - scores[i] / highest) ** 2 for i, row in enumerate(cosines(z[0], z[1])))


# ---- samplers, scored by infonce ------------------------------------------------------------------------------------

def symmetric(z, T):
    return (infonce(z[:2], T) + infonce([z[1], z[0]], T)) / 2


def two_sided(z, T):
    """Chen et al. 2020, equation 1: NT-Xent over all 2N vectors."""
    n = len(z[0])
    both = z[0] + z[1]
    s = cosines(both, both)
    return mean(
        cross_entropy(s[i][(i + n) % (2 * n)], [s[i][j] for j in range(2 * n) if j not in (i, (i + n) % (2 * n))], T)
        for i in range(2 * n))


def hardest(z, T, k):
    return mean(cross_entropy(p, sorted(o)[-k:], T) for p, o in rows(z, T))


def false_negatives(z, T, threshold, margin):
    return mean(cross_entropy(p, [s for s in o if s <= min(threshold, p - margin)], T) for p, o in rows(z, T))


def same_text(z, T, texts):
    s = cosines(z[0], z[1])
    n = len(s)
    return mean(cross_entropy(s[i][i], [s[i][j] for j in range(n) if texts[j] != texts[i]], T) for i in range(n))


def word_overlap(z, T, threshold):
    """Jaccard 1912; Unicode words, lower-cased."""
    sets = [[set("".join(c if c.isalnum() else " " for c in text.lower()).split()) for text in column]
            for column in zip(*ROW_TEXTS)]
    def alike(i, j):
        return len(sets[0][i] & sets[1][j]) > threshold * len(sets[0][i] | sets[1][j])
    s = cosines(z[0], z[1])
    n = len(s)
    left = sum(alike(i, j) for i in range(n) for j in range(n) if i != j)
    assert 0 < left < n, "a case that tells nothing"
    return mean(cross_entropy(s[i][i], [s[i][j] for j in range(n) if j != i and not alike(i, j)], T)
                for i in range(n))


def nearest(s, i, k):
    """The k columns of row i that are nearest to it, falling, without its own."""
    return sorted((j for j in range(len(s)) if j != i), key=lambda j: -s[i][j])[:k]


def combine(a, x, b, y):
    return [a * p + b * q for p, q in zip(x, y)]


def arc(lam, a, b):
    """Shoemake 1985: the point at the share lam of the arc from b to a."""
    a, b = unit(a), unit(b)
    w = math.acos(dot(a, b))
    return combine(math.sin(lam * w) / math.sin(w), a, math.sin((1 - lam) * w) / math.sin(w), b)


def mixcse(z, T, lam, mix, hard):
    """Zhang et al. 2022, the released code, with another way to mix and the hardest negative for a neighbour. What is
    detached is made of numbers that no difference moves."""
    fixed = embeddings(len(z[0]), len(z[0][0]))
    n = len(z[0])
    f = cosines(fixed[0], fixed[1])
    first = [nearest(f, j, 1)[0] if hard else (j + 1) % n for j in range(n)]
    turned = [list(column) for column in zip(*f)]
    second = [nearest(turned, i, 1)[0] if hard else (i + 1) % n for i in range(n)]
    s = cosines(z[0], z[1])
    m = cosines(z[0], [mix(lam, fixed[1][j], fixed[1][first[j]]) for j in range(n)])
    a = cosines([mix(lam, fixed[0][i], fixed[0][second[i]]) for i in range(n)], z[1])
    return mean(
        cross_entropy(
            s[i][i], [s[i][j] for j in range(n) if j != i] + [0 if first[j] == i else m[i][j] for j in range(n)]
            + [0 if second[i] == j else a[i][j] for j in range(n)], T)
        for i in range(n))


def line(lam, a, b):
    return combine(lam, a, 1 - lam, b)


def hncse_pm(z, T, gap):
    """Liu et al. 2024, method 1 of the released code with the shares of its second case in both."""
    s = cosines(z[0], z[1])
    mixed, count = [], 0
    for i in range(len(s)):
        h = nearest(s, i, 1)[0]
        own, other = s[i][i], s[i][h]
        is_mixed = own > 0 and other > 0 and own - other <= gap * own
        count += is_mixed
        mixed.append(combine(own / (own + other), z[1][i], other / (own + other), z[1][h]) if is_mixed else z[1][i])
    assert 0 < count < len(s), "a case that tells nothing"
    return infonce([z[0], mixed], T)


def hncse_hnm(z, T, share, count):
    """Liu et al. 2024, method 2 of the released code, of two nearest negatives: all pairs are the same one."""
    s = cosines(z[0], z[1])
    def row(i):
        j, k = nearest(s, i, 2)
        v = cosines([z[0][i]], [line(share, z[1][j], z[1][k])])[0][0]
        return cross_entropy(s[i][i], [s[i][j] for j in range(len(s)) if j != i] + count * [v], T)
    return mean(row(i) for i in range(len(s)))


# ---- virtual augmentation: moves and neighbours are made of numbers that no difference moves --------------------------

def added(a, b):
    return [x + y for x, y in zip(a, b)]


def vascl_moves(e, k, tau, radius, steps):
    """Zhang et al. 2022, equation 5: ascent on the loss of the moved anchor among its neighbours; slopes by differences
    of it, along each number."""
    s = [[dot(a, b) for b in e] for a in e]
    def rise(i, d):
        f = unit(added(e[i], d))
        own = dot(e[i], f) / tau
        return log(exp(own) + sum(exp(dot(f, e[j]) / tau) for j in nearest(s, i, k))) - own
    def slope(i, d, m, h=1e-5):
        up, down = d[:], d[:]
        up[m] += h
        down[m] -= h
        return (rise(i, up) - rise(i, down)) / (2 * h)
    moves = [[0.0] * len(a) for a in e]
    for _ in range(steps):
        moves = [[radius * x for x in unit([slope(i, d, m) for m in range(len(d))])] for i, d in enumerate(moves)]
    return [nearest(s, i, k) for i in range(len(e))], moves


def vascl(z, k, tau, radius, steps):
    """Zhang et al. 2022, equation 4 in both directions, as the released code: every e_i and its moved f_i, told from the
    neighbours' e and f."""
    fixed = [unit(a) for a in embeddings(len(z[0]), len(z[0][0]))[0]]
    near, moves = vascl_moves(fixed, k, tau, radius, steps)
    e = [unit(a) for a in z[0]]
    f = [unit(added(a, d)) for a, d in zip(e, moves)]
    def row(a, i):
        own = dot(e[i], f[i]) / tau
        return log(exp(own) + sum(exp(dot(a[i], b[j]) / tau) for j in near[i] for b in (e, f))) - own
    return mean(row(a, i) for a in (e, f) for i in range(len(e)))


# ---- with further encodings: numbers that no difference moves ------------------------------------------------------

def encodings(n, d, shift):
    """Of each view, like embeddings that another encoder made."""
    return [[[math.sin((1.3 + shift) * i * i + (0.8 + 0.1 * shift) * k + view) + 0.2 * math.cos(i * k + shift)
              for k in range(d)] for i in range(n)] for view in range(3)]


GUIDES = [[[unit(a) for a in view] for view in encodings(6, 4, 0.4)],
          [[unit(a) for a in view] for view in encodings(6, 7, 2.2)]]
PLAIN = encodings(6, 5, 1.1)
AVERAGE = encodings(6, 5, 3.7)


def guide_list(i, alpha=None):
    """The similarities of anchor i with all positives, by guide 1 or by both."""
    first = [dot(GUIDES[0][0][i], b) for b in GUIDES[0][1]]
    if alpha is None:
        return first
    return [alpha * s + (1 - alpha) * dot(GUIDES[1][0][i], b) for s, b in zip(first, GUIDES[1][1])]


def softmax(s, T):
    total = sum(exp(v / T) for v in s)
    return [exp(v / T) / total for v in s]


def listnet(z, T, guide_T, alpha=None):
    """Liu et al. 2023, equation 8: the cross-entropy of the two distributions of the first place."""
    s = cosines(z[0], z[1])
    return mean(-sum(q * log(p) for p, q in zip(softmax(s[i], T), softmax(guide_list(i, alpha), guide_T)))
                for i in range(len(s)))


def listmle(z, T, alpha=None):
    """Liu et al. 2023, equation 9: the likelihood of the guide's order, one place after the other."""
    s = cosines(z[0], z[1])
    def row(i):
        guide = guide_list(i, alpha)
        order = sorted(range(len(s)), key=lambda j: -guide[j])
        return -sum(log(exp(s[i][j] / T) / sum(exp(s[i][l] / T) for l in order[k:])) for k, j in enumerate(order))
    return mean(row(i) for i in range(len(s)))


def consistency(z, T):
    """Liu et al. 2023, equation 5."""
    forth, back = cosines(z[0], z[1]), cosines(z[1], z[0])
    def row(i):
        p, q = softmax(forth[i], T), softmax(back[i], T)
        m = [(a + b) / 2 for a, b in zip(p, q)]
        return sum(a * log(a / c) + b * log(b / c) for a, b, c in zip(p, q, m)) / 2
    return mean(row(i) for i in range(len(forth)))


def distill(z, T, guide_T):
    s = cosines(z[0], z[1])
    return mean(sum(q * log(q / p) for p, q in zip(softmax(s[i], T), softmax(guide_list(i), guide_T)))
                for i in range(len(s)))


def margin_mse(z):
    s = cosines(z[0], z[1])
    g = [guide_list(i) for i in range(len(s))]
    return mean(((s[i][i] - s[i][j]) - (g[i][i] - g[i][j])) ** 2
                for i in range(len(s)) for j in range(len(s)) if j != i)


def gist(z, T, margin=0, relative=False, sides=True):
    """Solatorio 2024, equations 1 and 2."""
    n = len(z[0])
    pairs = [(0, 1)] + ([(0, 2)] if len(z) > 2 else []) + ([(0, 0), (1, 1)] if sides else [])
    s = {pair: cosines(z[pair[0]], z[pair[1]]) for pair in pairs}
    g = {(a, b): [[dot(x, y) for y in GUIDES[0][b]] for x in GUIDES[0][a]] for a, b in pairs}
    count = 0
    def row(i):
        nonlocal count
        positive = g[0, 1][i][i]
        bound = positive * (1 - margin) if relative else positive - margin
        others = [s[a, b][i][j] for a, b in pairs for j in range(n)
                  if not (j == i and (a, b) != (0, 2)) and g[a, b][i][j] <= bound]
        count += len(others)
        return cross_entropy(s[0, 1][i][i], others, T) if others else 0
    loss = mean(row(i) for i in range(n))
    assert 0 < count < n * (n - 1) * len(pairs), "a filter that tells nothing"
    return loss


def momentum(z, T):
    """He et al. 2020, algorithm 1, without a queue: keys are the average's."""
    s = cosines(z[0], AVERAGE[1])
    return mean(cross_entropy(s[i][i], [v for j, v in enumerate(s[i]) if j != i], T) for i in range(len(s)))


def off_dropout(z, T):
    """Xu et al. 2023, section 3."""
    s, off = cosines(z[0], z[1]), cosines(z[0], PLAIN[1])
    return mean(cross_entropy(s[i][i], [v for j, v in enumerate(off[i]) if j != i], T) for i in range(len(s)))


# ---- cases ----------------------------------------------------------------------------------------------------------

TEXTS = [0, 1, 0, 2, 1, 3]
ROW_TEXTS = [["The fox jumps.", "a fox jumps"], ["A FOX, jumps!", "it sleeps"], ["two dogs", "the fox jumps high"],
             ["sleep; it", "of \u00d6l"], ["\u00f6l of", "two  dogs bark"], ["", "-"]]
SCORES = [4.5, 0, 3.25, 3.25, 1, 5]
CLASSES = [7, 2, 7, 7, 2, 0]


def cases():
    two, three = 2, 3
    T = 0.2
    for views in (two, three):
        yield f"dcl of {views}", views, [], ["dcl"], T, lambda z: dcl(z, T)
        for tau in (0.1, 0.02):
            yield (f"debiased {tau} of {views}", views, [], [f"debiased:tau={tau}"], T,
                   lambda z, tau=tau: debiased(z, T, tau))
        for tau, beta in ((0.1, 1), (0.01, 0.5), (0, 2)):
            yield (f"hcl {tau} {beta} of {views}", views, [], [f"hcl:tau={tau},beta={beta}"], T,
                   lambda z, tau=tau, beta=beta: hcl(z, T, tau, beta))
        for degrees in (10, 40):
            yield (f"arccse {degrees} of {views}", views, [], [f"arccse:margin={degrees}"], T,
                   lambda z, degrees=degrees: arccse(z, T, degrees))
        yield f"am of {views}", views, [], ["am:margin=0.2"], T, lambda z: am(z, T, 0.2)
        for gamma in (0, 0.5, 2):
            yield (f"focal {gamma} of {views}", views, [], [f"focal:gamma={gamma}"], T,
                   lambda z, gamma=gamma: focal(z, T, gamma))
        yield f"sigmoid of {views}", views, [], ["sigmoid:scale=7,bias=-3"], None, lambda z: sigmoid(z, 7, -3)
        for negatives in ("hardest", "all"):
            yield (f"triplet {negatives} of {views}", views, [], [f"triplet:margin=0.4,negatives={negatives}"], None,
                   lambda z, negatives=negatives: triplet(z, 0.4, negatives))
        yield (f"uniformity of {views}", views, [], ["uniformity:gamma=0.7,t=1.5"], None,
               lambda z: uniformity(z, 0.7, 1.5))
        yield f"barlow of {views}", views, [], ["barlow:lambda=0.05"], None, lambda z: barlow(z, 0.05)
        for T_dim in (0.3, 10):
            yield (f"dimension {T_dim} of {views}", views, [], [f"dimension:sharpness={T_dim}"], None,
                   lambda z, T_dim=T_dim: dimension(z, T_dim))
        yield f"vicreg of {views}", views, [], ["vicreg:lambda=3,mu=2,nu=0.5"], None, lambda z: vicreg(z, 3, 2, 0.5)
    yield "sncse", three, [], ["sncse:alpha=0.1,beta=0.15"], None, lambda z: sncse(z, 0.1, 0.15)
    yield ("sncse and infonce", three, ["soft-negatives"], ["infonce", "0.5*sncse:alpha=0.1,beta=0.15"], T,
           lambda z: infonce(z[:2], T) + 0.5 * sncse(z, 0.1, 0.15))
    for views in (two, three):
        yield f"supcon of {views}", views, [], ["supcon"], T, lambda z: supcon(z, T, CLASSES, False)
        yield f"weighted of {views}", views, [], ["weighted"], T, lambda z: weighted(z, T, SCORES)
    yield "supcon of all", two, ["two-sided"], ["supcon"], T, lambda z: supcon(z, T, CLASSES, True)
    for scale in (3, 20):
        yield (f"cosent {scale}", two, [], [f"cosent:scale={scale}"], None,
               lambda z, scale=scale: cosent(z, SCORES, scale))
        yield f"angle {scale}", two, [], [f"angle:scale={scale}"], None, lambda z, scale=scale: angle(z, SCORES, scale)
    yield "cosine", two, [], ["cosine:highest=5"], None, lambda z: cosine(z, SCORES, 5)
    yield "symmetric", two, ["symmetric"], ["infonce"], T, lambda z: symmetric(z, T)
    yield "two-sided", two, ["two-sided"], ["infonce"], T, lambda z: two_sided(z, T)
    yield "hardest", two, ["hardest:k=2"], ["infonce"], T, lambda z: hardest(z, T, 2)
    yield ("false-negatives, absolute", two, ["false-negatives:threshold=0.3"], ["infonce"], T,
           lambda z: false_negatives(z, T, 0.3, -2))
    yield ("false-negatives, relative", two, ["false-negatives:threshold=1,margin=0.4"], ["infonce"], T,
           lambda z: false_negatives(z, T, 1, 0.4))
    yield "same-text", two, ["same-text"], ["infonce"], T, lambda z: same_text(z, T, TEXTS)
    for name, mix, hard in (("arc", arc, False), ("hardest", line, True), ("arc to the hardest", arc, True)):
        settings = (["along=arc"] if mix is arc else []) + (["neighbour=hardest"] if hard else [])
        yield (f"mixcse, {name}", two, [f"mixcse:lambda=0.3,{','.join(settings)}"], ["infonce"], T,
               lambda z, mix=mix, hard=hard: mixcse(z, T, 0.3, mix, hard))
    for gap in (0.1, 0.2):
        yield (f"hncse-pm {gap}", two, [f"hncse-pm:gap={gap}"], ["infonce"], T, lambda z, gap=gap: hncse_pm(z, T, gap))
    yield ("hncse-hnm", two, ["hncse-hnm:hardest=2,count=3,share=0.4"], ["infonce"], T,
           lambda z: hncse_hnm(z, T, 0.4, 3))
    for alpha in (None, 0.3):
        both = "" if alpha is None else f",guides=2,alpha={alpha}"
        yield (f"listnet {alpha}", two, [], [f"listnet:temperature=0.3,guide_temperature=0.2{both}"], None,
               lambda z, alpha=alpha: listnet(z, 0.3, 0.2, alpha))
        yield (f"listmle {alpha}", two, [], [f"listmle:temperature=0.3{both}"], None,
               lambda z, alpha=alpha: listmle(z, 0.3, alpha))
    yield "consistency", two, [], ["consistency:temperature=0.3"], None, lambda z: consistency(z, 0.3)
    yield ("distill", two, [], ["distill:temperature=0.3,guide_temperature=0.2"], None,
           lambda z: distill(z, 0.3, 0.2))
    yield "margin-mse", two, [], ["margin-mse"], None, lambda z: margin_mse(z)
    for views in (two, three):
        yield f"gist of {views}", views, ["gist"], ["infonce"], T, lambda z: gist(z, T)
        yield (f"gist of {views}, relative", views, ["gist:margin=0.2,relative=true,sides=false"], ["infonce"], T,
               lambda z: gist(z, T, 0.2, True, False))
    yield ("word-overlap", two, ["word-overlap:threshold=0.4"], ["infonce"], T, lambda z: word_overlap(z, T, 0.4))
    for k, tau, radius, steps in ((2, 0.3, 1, 1), (5, 0.2, 0.4, 3), (3, 0.5, 0.7, 0)):
        yield (f"vascl {k} {steps}", two, [], [f"vascl:k={k},tau={tau},radius={radius},steps={steps},start=0"], None,
               lambda z, k=k, tau=tau, radius=radius, steps=steps: vascl(z, k, tau, radius, steps))
    yield "momentum", two, ["momentum"], ["infonce"], T, lambda z: momentum(z, T)
    yield "off-dropout", two, ["off-dropout"], ["infonce"], T, lambda z: off_dropout(z, T)


def gradients(loss, z):
    def slope(view, i, k, h):
        old = z[view][i][k]
        z[view][i][k] = old + h
        above = loss(z)
        z[view][i][k] = old - h
        below = loss(z)
        z[view][i][k] = old
        return (above - below) / (2 * h)
    return [[[(4 * slope(v, i, k, 1e-4) - slope(v, i, k, 2e-4)) / 3 for k in range(len(z[v][i]))]
             for i in range(len(z[v]))] for v in range(len(z))]


def document():
    z = embeddings(6, 5)
    result = {"z": z, "texts": TEXTS, "rowTexts": ROW_TEXTS, "scores": SCORES, "classes": CLASSES, "guides": GUIDES, "plain": PLAIN,
              "average": AVERAGE, "cases": []}
    for name, views, samplers, losses, T, loss in cases():
        own = [[row[:] for row in view] for view in z[:views]]
        result["cases"].append(
            {"name": name, "views": views, "samplers": samplers, "losses": losses, "temperature": T,
             "loss": loss(own), "gradients": gradients(loss, own)})
    return result


def numbers(value):
    if isinstance(value, dict):
        return [n for key in sorted(value) for n in numbers(value[key])]
    if isinstance(value, list):
        return [n for item in value for n in numbers(item)]
    return [value] if isinstance(value, (int, float)) and not isinstance(value, bool) else []


def main():
    made = document()
    if "--check" not in sys.argv:
        # Twelve digits: more than differences are good for.
        text = json.dumps(json.loads(json.dumps(made), parse_float=lambda t: float(f"{float(t):.12g}")))
        print(text)
        return
    there = json.loads(pathlib.Path(__file__).with_name("strategies_golden.json").read_text())
    assert [c["name"] for c in there["cases"]] == [c["name"] for c in made["cases"]], "other cases"
    assert [c["losses"] for c in there["cases"]] == [c["losses"] for c in made["cases"]], "other losses"
    for a, b in zip(numbers(there), numbers(made), strict=True):
        assert abs(a - b) <= 1e-9 * max(1, abs(b)), f"{a} in the file, {b} by its statement"


main()
