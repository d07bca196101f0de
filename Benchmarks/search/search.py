#!/usr/bin/env python3
"""Exact search against FAISS's flat index and NumPy, alternately on the same vectors, one thread and all.

    make search-bench                             (or: search.py --index FOLDER --model DIR)

--index: made by `mixcse index build`. Queries are the vectors of rows, moved a little. Medians over --rounds of
milliseconds a query, one at a time and 256 at once; recall is the share of the 10 best by products in float64 that come
out. Needs faiss-cpu, numpy and the package mixcse beside this interpreter.
"""
import argparse
import os
import platform
import statistics
import time

import faiss
import mixcse
import numpy as np

K = 10


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--index", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--rounds", type=int, default=7)
    o = parser.parse_args()
    vectors = np.load(os.path.join(o.index, "vectors.npy"))
    generator = np.random.default_rng(1)
    chosen = vectors[generator.choice(len(vectors), 256)]
    queries = chosen + 0.02 * generator.standard_normal(chosen.shape).astype(np.float32)
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    exact = queries.astype(np.float64) @ vectors.T.astype(np.float64)
    best = np.sort(exact, axis=1)[:, -K]
    print(f"{len(vectors)} x {vectors.shape[1]}, k {K}, {platform.processor() or platform.machine()}, "
          f"{os.cpu_count()} cores, faiss {faiss.__version__}")
    flat = faiss.IndexFlatIP(vectors.shape[1])
    flat.add(vectors)
    for threads in sorted({1, os.cpu_count()}):
        faiss.omp_set_num_threads(threads)
        index = mixcse.Index.open(o.index, o.model, threads=threads)
        searches = {
            "mixcse": lambda q, index=index: index.search_vectors(q, top_k=K)[0],
            "faiss": lambda q: flat.search(q, K)[1],
        }
        if threads == os.cpu_count():
            searches["numpy"] = lambda q: np.argpartition(q @ vectors.T, -K, axis=1)[:, -K:]
        for name, part in (("one at a time", 1), ("256 at once", 256)):
            results = {who: [] for who in searches}
            for _ in range(o.rounds):
                for who, search in searches.items():
                    count = 16 if part == 1 else 256
                    start = time.perf_counter()
                    rows = [search(queries[i : i + part]) for i in range(0, count, part)]
                    results[who].append(1e3 * (time.perf_counter() - start) / count)
                    recall = np.mean([
                        np.mean(exact[q][found] >= best[q] - 1e-6) for q, found in enumerate(np.concatenate(rows))])
                    assert recall == 1, (who, recall)
            ours = statistics.median(results["mixcse"])
            cells = [f"{who} {statistics.median(times):.2f} ms ({statistics.median(times) / ours:.2f}x)"
                     for who, times in results.items()]
            print(f"{threads} threads, {name}: " + ", ".join(cells) + ", recall 1.0000")


main()
