"""What randomness each step sees: a function of seed and position, never of history.

So a run that resumes at any image sees exactly what an undisturbed run would have seen, and
no generator state has to be saved.
"""

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray


def data_order(size: int, start: int, count: int, seed: int) -> NDArray[np.int64]:
    """Return `count` indices of an endless order, from position `start` on.

    Each epoch (`size` positions) is a permutation of its own, drawn from `seed` and the epoch.

    Parameters
    ----------
    size : int
        Number of images in the data set.
    start : int
        Position in the endless order, in images.
    count : int
        Number of indices wanted.
    seed : int
        Seed of the order.

    Returns
    -------
    indices : ndarray
        ``(count,)`` int64 in [0, size).
    """
    positions = np.arange(start, start + count)
    epochs, offsets = positions // size, positions % size
    indices = np.empty(count, np.int64)
    for epoch in np.unique(epochs):
        here = epochs == epoch
        indices[here] = _permutation(size, seed, int(epoch))[offsets[here]]
    return indices


@lru_cache(maxsize=256)
def _permutation(size: int, seed: int, epoch: int) -> NDArray[np.int64]:
    permutation = np.random.default_rng([seed, epoch]).permutation(size)
    permutation.flags.writeable = False  # it is shared
    return permutation


def step_generator(seed: int, images: int, rank: int = 0) -> torch.Generator:
    """Return the CPU generator of one training step, named by the images seen before it."""
    state = np.random.SeedSequence([seed, images, rank]).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state) & 0x7FFF_FFFF_FFFF_FFFF)


def class_order(
    targets: NDArray[np.int64], classes: int, start: int, count: int, seed: int
) -> NDArray[np.int64]:
    """Return samples such that the classes take turns, each in its own endless order.

    Parameters
    ----------
    targets : ndarray
        ``(N,)`` int64: class number of each sample.
    classes : int
        Number of classes; each has samples. Position p shows class p mod `classes`.
    start, count, seed
        See `data_order`.
    """
    chosen = np.empty(count, np.int64)
    positions = np.arange(start, start + count)
    for kind in range(classes):
        here = positions % classes == kind
        if here.any():
            own = np.flatnonzero(targets == kind)
            place = int(positions[here][0] // classes)
            chosen[here] = own[data_order(len(own), place, int(here.sum()), seed * classes + kind)]
    return chosen
