"""MixCSE's negatives (Zhang et al., AAAI 2022) as the library's sampler `mixcse` has them."""

import numpy as np
from mixcse.plugin import Block, Cells, param, sampler


@sampler(Block("mixed"), Block("mixed-anchor", rows="new", columns="z2"), edits=True)
def mixcse(z1, z2, *, lambda_=param(0.2, "[0, 1]", help="share of the row's own vector in its mixture")):
    """negatives mixed from each positive and the next row's vector"""
    rows = np.arange(len(z1))
    gain = np.ones((len(rows), len(rows)), np.float32)
    gain[np.roll(rows, -1), rows] = 0  # the cell whose mixture holds the row's own positive

    def mixed(z):
        return np.float32(lambda_) * z + np.float32(1 - lambda_) * np.roll(z, -1, axis=0)

    return Cells(mixed(z2), gain=gain), Cells(mixed(z1), gain=gain.T)
