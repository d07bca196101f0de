"""How the pairs of the seven STS sets hang together through shared sentences: sizes of the components, as numbers only.

make_clusters.py SENTEVAL/data/downstream: writes clusters.json.
"""
import collections
import glob
import json
import os
import sys

base = sys.argv[1]


def words(text):
    return " ".join(text.split())


def lines(path):
    return open(path, encoding="utf-8").read().split("\n")


sets = {}
for year in ("STS12", "STS13", "STS14", "STS15", "STS16"):
    sets[year] = []
    for path in sorted(glob.glob(f"{base}/STS/{year}-en-test/STS.input.*.txt")):
        for pair, gold in zip(lines(path), lines(path.replace("STS.input", "STS.gs"))):
            if gold.strip():
                sets[year].append(tuple(map(words, pair.split("\t")[:2])))
sets["STS-B"] = [tuple(map(words, line.split("\t")[5:7])) for line in lines(f"{base}/STS/STSBenchmark/sts-test.csv")
                 if line]
sets["SICK-R"] = [tuple(map(words, line.split("\t")[1:3])) for line in lines(f"{base}/SICK/SICK_test_annotated.txt")[1:]
                  if line]


def components(pairs):
    """The component of each pair, by breadth-first search."""
    of_text = collections.defaultdict(list)
    for index, pair in enumerate(pairs):
        for text in pair:
            of_text[text].append(index)
    found = [-1] * len(pairs)
    for start in range(len(pairs)):
        if found[start] < 0:
            found[start], queue = start, [start]
            while queue:
                for text in pairs[queue.pop()]:
                    for index in of_text[text]:
                        if found[index] < 0:
                            found[index] = start
                            queue.append(index)
    return found


def histogram(values):
    """Rows: how many components, then their sizes."""
    return [[count, *(size if isinstance(size, tuple) else (size,))] for size, count in sorted(values.items())]


out = {name: histogram(collections.Counter(collections.Counter(components(sets[name])).values()))
       for name in ("STS12", "SICK-R")}
together = collections.defaultdict(lambda: [0] * len(sets))
owners = [place for place, name in enumerate(sets) for _ in sets[name]]
for owner, component in zip(owners, components([pair for name in sets for pair in sets[name]])):
    together[component][owner] += 1
out["together"] = histogram(collections.Counter(map(tuple, together.values())))

folder = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(folder, "clusters.json"), "w") as file:
    json.dump(out, file)
    file.write("\n")
