#!/usr/bin/env python3
"""Approximate searches against exact ones and FAISS's HNSW, alternately on the same vectors.

    make graph-bench                                  (or: graph.py --mixcse M --index FOLDER --model DIR)
    graph.py ... --synthetic 1000000                  rows made here in place of the index's own
    graph.py ... --alone                              without FAISS's graph, which takes longest to make

--index: made by `mixcse index build`. Queries are the vectors of rows, moved a little. Both graphs have M 16 and
efConstruction 200; FAISS's holds float32 numbers (IndexHNSWFlat), ours bytes. Printed are seconds and memory of making
each, then medians over --rounds of milliseconds a query, and recall: the share of the 10 best by the exact search that
come out. Synthetic rows lie about rows/200 centers in 48 dimensions, mapped to the index's width with a little noise:
as far as neighbours go, embeddings have few dimensions. Needs faiss-cpu, numpy and the package mixcse beside this
interpreter.
"""
import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import tempfile
import time

import faiss
import mixcse
import numpy as np

K, LINKS, BUILD_WIDTH = 10, 16, 200
FILES = ("vectors.npy", "codes.npy", "bounds.npy", "texts.txt")


def linked(index, folder):
    """The files of an index in a folder of its own, which gets the graph."""
    for name in (*FILES, "index.json"):
        os.symlink(os.path.abspath(os.path.join(index, name)), os.path.join(folder, name))


def synthetic(index, folder, rows):
    """An index of clustered rows, by the model of another: the files that `mixcse index build` would leave."""
    with open(os.path.join(index, "index.json"), encoding="utf-8") as file:
        record = json.load(file)
    width, latent, block = record["width"], 48, 50_000
    generator = np.random.default_rng(7)
    centers = generator.standard_normal((max(rows // 200, 1), latent)).astype(np.float32)
    spread = generator.standard_normal((latent, width)).astype(np.float32) / np.sqrt(latent)

    def create(name, kind, columns):
        return np.lib.format.open_memmap(
            os.path.join(folder, name), mode="w+", dtype=kind, shape=(rows, columns))

    vectors, codes, bounds = create("vectors.npy", "<f4", width), create("codes.npy", "|i1", width), \
        create("bounds.npy", "<f4", 2)
    for start in range(0, rows, block):
        count = min(block, rows - start)
        points = centers[generator.integers(len(centers), size=count)]
        points = points + 0.5 * generator.standard_normal((count, latent)).astype(np.float32)
        made = points @ spread + 0.1 * generator.standard_normal((count, width)).astype(np.float32)
        made /= np.linalg.norm(made, axis=1, keepdims=True)
        step = np.abs(made).max(axis=1, keepdims=True) / np.float32(127)
        rounded = np.clip(np.rint(made / step), -127, 127)
        rest = np.linalg.norm(made.astype(np.float64) - step.astype(np.float64) * rounded, axis=1)
        vectors[start:start + count], codes[start:start + count] = made, rounded
        bounds[start:start + count, 0] = step[:, 0]
        bounds[start:start + count, 1] = np.nextafter(rest.astype(np.float32), np.float32(np.inf))
    del vectors, codes, bounds
    texts = "".join(f"{row}\n" for row in range(rows))
    with open(os.path.join(folder, "texts.txt"), "w", encoding="utf-8") as file:
        file.write(texts)
    record.update(rows=rows, textBytes=len(texts))
    with open(os.path.join(folder, "index.json"), "w", encoding="utf-8") as file:
        json.dump(record, file)


def resident():
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mixcse", required=True)
    parser.add_argument("--index", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--synthetic", type=int, default=0)
    parser.add_argument("--alone", action="store_true")
    parser.add_argument("--widths", type=lambda text: [int(one) for one in text.split(",")], default=[16, 32, 64, 128])
    parser.add_argument("--rounds", type=int, default=5)
    o = parser.parse_args()
    threads = os.cpu_count()
    with tempfile.TemporaryDirectory(prefix="graph-bench-") as folder:
        if o.synthetic:
            synthetic(o.index, folder, o.synthetic)
        else:
            linked(o.index, folder)
        start = time.perf_counter()
        child = subprocess.Popen([o.mixcse, "index", "graph", folder], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        assert status == 0, status
        size = os.path.getsize(os.path.join(folder, "graph.bin"))
        vectors = np.load(os.path.join(folder, "vectors.npy"))
        print(f"{len(vectors)} x {vectors.shape[1]}, k {K}, {platform.processor() or platform.machine()}, {threads} "
              f"cores, faiss {faiss.__version__}")
        print(f"mixcse graph: {time.perf_counter() - start:.0f} s with {threads} threads, "
              f"{usage.ru_maxrss / 1024:.0f} MiB at most, {size / 2**20:.0f} MiB on the disk", flush=True)
        measure(o, folder, vectors, None if o.alone else faiss_graph(vectors, threads))


def faiss_graph(vectors, threads):
    before, start = resident(), time.perf_counter()
    graph = faiss.IndexHNSWFlat(vectors.shape[1], LINKS, faiss.METRIC_INNER_PRODUCT)
    graph.hnsw.efConstruction = BUILD_WIDTH
    graph.add(vectors)
    print(f"faiss graph: {time.perf_counter() - start:.0f} s with {threads} threads, "
          f"{(resident() - before) / 2**20:.0f} MiB", flush=True)
    return graph


def measure(o, folder, vectors, graph):
    generator = np.random.default_rng(1)
    chosen = vectors[generator.choice(len(vectors), 512)]
    queries = chosen + 0.02 * generator.standard_normal(chosen.shape).astype(np.float32)
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    del vectors
    for threads in sorted({1, os.cpu_count()}):
        faiss.omp_set_num_threads(threads)
        index = mixcse.Index.open(folder, o.model, threads=threads)
        before = resident()
        index.search_vectors(queries[:1], top_k=K, approximate=True)
        print(f"{threads} threads; opened, the graph takes {(resident() - before) / 2**20:.0f} MiB")
        exact, scores = index.search_vectors(queries, top_k=K)
        for name, part in (("one at a time", 1), ("256 at once", 256)):
            count = 512 if part > 1 else 256

            def timed(search):
                start = time.perf_counter()
                rows = np.concatenate([search(queries[i:i + part]) for i in range(0, count, part)])
                milliseconds = 1e3 * (time.perf_counter() - start) / count
                found = np.mean([np.isin(exact[q], rows[q]).mean() for q in range(count)])
                return milliseconds, found

            searches = {"exact": lambda q, index=index: index.search_vectors(q, top_k=K)[0]}
            for width in o.widths:
                searches[f"width {width}"] = lambda q, index=index, width=width: index.search_vectors(
                    q, top_k=K, approximate=True, hnsw_width=width)[0]
                if graph is not None:
                    searches[f"faiss {width}"] = lambda q, width=width: graph.search(
                        q, K, params=faiss.SearchParametersHNSW(efSearch=width))[1]
            results = {who: [] for who in searches}
            for _ in range(o.rounds):
                for who, search in searches.items():
                    results[who].append(timed(search))
            print(f"{threads} threads, {name}:")
            for who, found in results.items():
                print(f"  {who}: {statistics.median(one[0] for one in found):.3f} ms, recall {found[0][1]:.4f}")


main()
