"""What the machine reaches in float32 matrix products: the better of NumPy and PyTorch on [2048, 2048] squares.

    products.py THREADS

Prints JSON: operations per second x 1e-9, the best of several products each.
"""
import json
import sys
import time

import numpy
import torch


def best(product, a, b):
    seconds = []
    for _ in range(7):
        began = time.perf_counter()
        product(a, b)
        seconds.append(time.perf_counter() - began)
    return 2 * 2048**3 / min(seconds) * 1e-9


def main():
    torch.set_num_threads(int(sys.argv[1]))
    a, b = (numpy.random.default_rng(seed).random((2048, 2048), numpy.float32) for seed in (1, 2))
    rates = {"NumPy": best(numpy.matmul, a, b), "PyTorch": best(torch.mm, torch.from_numpy(a), torch.from_numpy(b))}
    print(json.dumps({"rate": max(rates.values()), "rates": rates}))


if __name__ == "__main__":
    main()
