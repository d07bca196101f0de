"""A queue of earlier positives (MoCo, CVPR 2020, without its momentum encoder)."""

from mixcse.plugin import Block, Cells, State, param, report, sampler


@sampler(
    Block("queue", columns="ring"), states={"ring": State("size", "dim"), "pushed": State(1, integer=True)},
    metrics=["used"])
def queue(pushed, *, size=param(64, "[1,]", help="vectors that are kept")):
    """the positives of earlier batches join the negatives"""
    used = min(int(pushed[0]), size)
    report("used", used)
    return Cells(used=used)


@queue.commit
def push(z2, ring, pushed, size):
    for vector in z2:
        ring[pushed[0] % size] = vector
        pushed[0] += 1
