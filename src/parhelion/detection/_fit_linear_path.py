"""Fitting the linear path: a penalty so heavy that it holds for generators not learned from.

What it learns of some generators holds for others, where a network has learned what these alone
leave behind.
"""

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray

from parhelion.detection._linear_path import LinearPath, dct_grids
from parhelion.detection._peers import logistic
from parhelion.training import to_model

_LEARNED = 12_800  # patches


def fit_linear_path(
    batches: Iterable[tuple[NDArray[np.uint8], NDArray[np.float32]]], images: int
) -> LinearPath:
    """Return the path, fitted to training batches.

    Parameters
    ----------
    batches : iterable of (ndarray, ndarray)
        ``(B, S, S, 3)`` uint8 and ``(B,)`` float32, 1 where made; see `training_batches`.
    images : int
        How many to learn from, to the end of a batch; 12,800 are enough.
    """
    features, targets, count = [], [], 0
    for pixels, truth in batches:
        features.append(dct_grids(to_model(pixels)).numpy())
        targets.append(truth)
        count += len(truth)
        if count >= min(images, _LEARNED):
            break
    # As heavy as this, the mean over images weighs as much as the squares of all coefficients:
    # less makes it better at the generators it learned from, and worse at all others.
    is_made = np.concatenate(targets).astype(bool)
    scaler, model = logistic(np.concatenate(features), is_made, 1 / count)
    path = LinearPath()
    weight = model.coef_[0] / scaler.scale_
    path.weight += torch.from_numpy(weight)
    path.bias += float(model.intercept_[0] - weight @ scaler.mean_)
    return path
