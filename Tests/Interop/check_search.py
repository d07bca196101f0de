"""mixcse.Index against all products in NumPy and against sentence-transformers; its folder in NumPy.

    python Tests/Interop/check_search.py --model MODEL --text FILE"""
import argparse
import os
import subprocess
import tempfile
import time

import mixcse
import numpy as np
from sentence_transformers import SentenceTransformer, util


def approximately(index, place, folder, queries):
    """The graph of an index, where hnswlib's headers are."""
    built = subprocess.run(
        [mixcse.program_path(), "index", "library", "--output", os.path.join(folder, "graphs")], capture_output=True,
        text=True, check=False)
    if built.returncode != 0 and "libhnswlib-dev" in built.stderr and os.environ.get("CI") != "true":
        print("search: graphs left out, hnswlib's headers are not there (make test-deps)")
        return
    assert built.returncode == 0, built.stderr
    os.environ["CSE_GRAPH"] = os.path.join(folder, "graphs", "libMixCSEGraph.so")
    assert index.make_graph() == len(index) and index.make_graph() == 0
    vectors = index.encoder.encode(queries)
    rows, scores = index.search_vectors(vectors, top_k=10)
    found, theirs = index.search_vectors(vectors, top_k=10, approximate=True)
    share = np.mean([np.isin(own, other).mean() for own, other in zip(rows, found)])
    assert share >= 0.95, share
    measured = index.recall(queries)
    assert measured["recall"] >= 0.95 and measured["milliseconds"] > 0, measured
    # Exact scores: those of the same rows.
    stored = np.load(os.path.join(place, "vectors.npy"))
    products = np.einsum("nkw,nw->nk", stored[found].astype(np.float64), index.encode(queries).astype(np.float64))
    assert np.abs(products - theirs).max() < 1e-6 and (theirs <= scores + 1e-6).all()
    assert index.search(queries[0], approximate=True)[0] == index.search(queries[0])[0]
    index.add(["another one that was not there"])
    assert index.search("another one that was not there", approximate=True)[0][0] == "another one that was not there"
    for wrong in ({"hnsw_width": 9}, {"approximate": True, "hnsw_width": 3}):
        try:
            index.search(queries[0], **wrong)
        except mixcse.ArgumentError as refused:
            assert "width" in str(refused), refused
        else:
            raise AssertionError(wrong)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--text", required=True)
    arguments = parser.parse_args()
    with open(arguments.text, encoding="utf-8") as file:
        sentences = file.read().splitlines()
    queries = sentences[::97]

    index = mixcse.Index(arguments.model)
    with tempfile.TemporaryDirectory() as folder:
        place = os.path.join(folder, "sentences.index")
        index.build_index(sentences, place)
        start = time.perf_counter()
        rows, scores = index.search_vectors(index.encoder.encode(queries), top_k=10)
        seconds = time.perf_counter() - start

        # All products, in float64.
        vectors = np.load(os.path.join(place, "vectors.npy"))
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6) and len(index) == len(sentences)
        exact = index.encode(queries).astype(np.float64) @ vectors.T.astype(np.float64)
        best = np.sort(exact, axis=1)[:, ::-1][:, :10]
        assert np.abs(best - scores).max() < 1e-6, np.abs(best - scores).max()
        assert np.abs(np.take_along_axis(exact, rows, 1) - scores).max() < 1e-6

        # The same sentences as sentence-transformers finds.
        model = SentenceTransformer(arguments.model, device="cpu")
        theirs = util.semantic_search(model.encode(queries), model.encode(sentences), top_k=10)
        worst = max(abs(hit["score"] - score) for hits, own in zip(theirs, scores) for hit, score in zip(hits, own))
        assert worst < 1e-4, worst

        # The reference's names, the folder opened again, growth, and the command on the same folder.
        answer = index.search(queries[0])
        assert answer[0][0] == queries[0] and abs(answer[0][1] - 1) < 1e-6
        assert all(score >= 0.6 for _, score in answer) and len(index.search(queries, top_k=3)) == len(queries)
        assert len(index.search(queries[0], threshold=None, top_k=7)) == 7
        assert abs(index.similarity("A man sings.", "A man sings.") - 1) < 1e-6
        assert index.similarity(queries[:3], sentences[:5]).shape == (3, 5)
        again = mixcse.Index.open(place, arguments.model)
        assert again.search(queries[1]) == index.search(queries[1])
        index.add(["a sentence that was not there"])
        assert len(index) == len(sentences) + 1
        assert index.search("a sentence that was not there")[0][0] == "a sentence that was not there"
        found = subprocess.run(
            [mixcse.program_path(), "search", place, queries[0], "-k", "1"], check=True, capture_output=True, text=True)
        assert queries[0] in found.stdout.splitlines()[1]
        approximately(index, place, folder, queries)
        try:
            mixcse.Index(arguments.model).search("nothing is built")
        except mixcse.ArgumentError as refused:
            assert "build_index" in str(refused)
        else:
            raise AssertionError("searched in nothing")
    print(f"search: {len(queries)} queries among {len(sentences)} sentences, k 10: all products in float64 give the "
          f"same; sentence-transformers' scores to {worst:.1e}; {1e3 * seconds / len(queries):.2f} ms a query with its "
          "embedding")


main()
