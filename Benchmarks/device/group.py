"""Encoders of several processes that add up their gradients on their devices: cse_encoder_group_1 of an encoder plugin.

    group.py LIBRARY DEVICE [--layers N] [--hidden N] [--vocabulary N]

One process in a group of its own; two processes whose gradients become those of one that has all texts, and that learn
alike; a member that never comes. On one GPU both processes share it: NCCL takes them for two machines, and their sum
goes through the loopback interface, so that its time says nothing. On processors: refused. Exits with 1 where a check
fails.
"""

import multiprocessing
import os
import time

import numpy

import encoder_abi as abi

failures = []
STEPS = 5


def expect(name, ok, found=""):
    print(f"  {'ok  ' if ok else 'FAIL'} {name}{': ' if found else ''}{found}", flush=True)
    if not ok:
        failures.append(name)


def opened(asked, seat=(0, 0)):
    """An encoder with seeded weights."""
    shape = dict(vocabulary=asked.vocabulary, hidden=asked.hidden, layers=asked.layers, heads=asked.hidden // 64,
                 intermediate=4 * asked.hidden, positions=512, types=2, epsilon=1e-12)
    encoder = abi.Encoder(asked.library, asked.device, abi.F32, shape, seat=seat)
    draw = numpy.random.default_rng(1)
    encoder.put({
        name: (draw.standard_normal(shape) * 0.02 + (1 if name.endswith("LayerNorm.weight") else 0)).astype(
            numpy.float32) for name, shape in zip(encoder.names, encoder.shapes)})
    return encoder


def batch(asked, step):
    """Texts of a step, and the gradients of their first tokens."""
    draw = numpy.random.default_rng(100 + step)
    texts = [draw.integers(5, asked.vocabulary, size=n).tolist() for n in (9, 32, 4, 17, 12, 8, 33, 3)]
    return texts, draw.standard_normal((len(texts), asked.hidden)).astype(numpy.float32)


def learn(asked, encoder, rank=0, size=1, together=False):
    """Some steps on this member's texts, with the dropout masks of the whole batch."""
    norms = []
    for step in range(STEPS):
        texts, upstream = batch(asked, step)
        first = numpy.concatenate([[0], numpy.cumsum([len(t) for t in texts])])[:-1]
        own = slice(len(texts) * rank // size, len(texts) * (rank + 1) // size)
        encoder.encode(texts[own], [asked.layers], abi.FIRST, dropout=(0.1, 0.1), batch=step, keep=True,
                       first_rows=first[own])
        encoder.backward([numpy.ascontiguousarray(upstream[own])])
        if together:
            encoder.sum_gradients()
        norms.append(encoder.gradient_norm())
        encoder.step(1e-3, decay=0.01)
    return norms


def member(asked, rank, name, results):
    """One of two processes."""
    os.environ.update(NCCL_HOSTID=f"member{rank}", NCCL_SOCKET_IFNAME="lo", NCCL_IB_DISABLE="1")
    encoder = opened(asked, seat=(rank, 2) if asked.apart else (0, 0))
    began = time.time()
    connection = encoder.join(name, rank, 2, 60)
    joined = time.time() - began
    norms = learn(asked, encoder, rank, 2, together=True)
    began = time.time()
    encoder.sum_gradients()
    results.put((rank, connection, joined, time.time() - began, norms, encoder.get(), encoder.device_id))
    encoder.close()


def lonely(asked, results):
    """A member whose other never comes."""
    encoder = opened(asked)
    began = time.time()
    try:
        encoder.join(encoder.make_id(), 0, 2, 5)
        results.put("joined")
    except abi.Failure as failure:
        learn(asked, encoder)
        results.put((time.time() - began, str(failure)))


def apart(a, b):
    """Relative distance of two dictionaries of arrays."""
    return max(float(numpy.linalg.norm(a[n] - b[n]) / max(numpy.linalg.norm(b[n]), 1e-30))
               for n in a if "key.bias" not in n and numpy.any(b[n]))


def main():
    parser = abi.arguments()
    parser.add_argument("--vocabulary", type=int, default=3000)
    parser.add_argument("--apart", action="store_true", help="there are two devices: each process takes its own")
    asked = parser.parse_args()
    alone = opened(asked)
    print(f"{alone.device_name} {alone.device_id}, {alone.torch}")
    if asked.device == "cpu":
        try:
            alone.make_id()
            expect("processors are refused", False)
        except abi.Failure as failure:
            expect("processors are refused", "CUDA" in str(failure), str(failure))
        raise SystemExit(1 if failures else 0)
    connection = alone.join(alone.make_id(), 0, 1, 60)
    texts, upstream = batch(asked, 0)
    alone.encode(texts, [asked.layers], abi.FIRST, keep=True)
    alone.backward([upstream])
    before = alone.get(abi.GRADIENT)
    alone.sum_gradients()
    began = time.time()
    for _ in range(10):
        alone.sum_gradients()
    took = (time.time() - began) / 10
    after = alone.get(abi.GRADIENT)
    count = sum(v.size for v in before.values())
    expect(f"one process, {connection}: its gradients stay as they are",
           all(numpy.array_equal(before[n], after[n]) for n in before), f"{count} numbers, {1e3 * took:.2f} ms a sum")
    alone.clear()
    norms = learn(asked, alone)
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    name = alone.make_id()
    children = [context.Process(target=member, args=(asked, rank, name, results)) for rank in range(2)]
    for child in children:
        child.start()
    found = {}
    for _ in children:
        try:
            rank, *rest = results.get(timeout=150)
            found[rank] = rest
        except Exception as error:
            expect("two processes", False, f"no answer: {error}")
            break
    for child in children:
        child.join(20)
        child.terminate()
    if len(found) == 2:
        (connection, joined, took, first, weights, device), (_, _, _, second, others, other_device) = found[0], found[1]
        expect(f"two processes, {connection}: both have the same bits after {STEPS} steps",
               first == second and all(numpy.array_equal(weights[n], others[n]) for n in weights),
               f"joined in {joined:.1f} s, a sum takes {1e3 * took:.0f} ms, devices {device} and {other_device}")
        distances = [abs(a - b) / b for a, b in zip(first, norms)]
        # AdamW makes steps of what is rounding alone: later ones part.
        expect("their gradients are those of one process with all texts",
               distances[0] < 1e-5 and max(distances) < 1e-4,
               f"norms {distances[0]:.1e} apart, after {STEPS - 1} steps {max(distances):.1e}")
        distance = apart(weights, alone.get())
        expect("and so are their weights", distance < 1e-3, f"{distance:.1e} apart")
    child = context.Process(target=lonely, args=(asked, results))
    child.start()
    said = results.get(timeout=90)
    child.join(20)
    child.terminate()
    expect("a member that never comes: the other gives up in time, and computes on",
           said != "joined" and said[0] < 60, f"{said[0]:.1f} s, {said[1]}" if said != "joined" else said)
    raise SystemExit(1 if failures else 0)


if __name__ == "__main__":
    main()
