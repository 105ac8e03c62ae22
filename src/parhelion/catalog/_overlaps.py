"""Groups of cut-outs that show the same pixels, or the same piece of sky."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree


def overlap_groups(
    fields: Sequence[str],
    boxes: NDArray[np.int64],
    skies: Sequence[NDArray[np.float64] | None],
    identities: Sequence[str],
) -> list[int]:
    """Return for each cut-out the index of the first one in its group.

    Two cut-outs belong together when their boxes share a pixel of one field, when they are of
    two fields and their circles on the sky meet, or when their pixels are the same; and so on,
    in chains.

    Parameters
    ----------
    fields : sequence of str
        Field of each cut-out.
    boxes : ndarray
        ``(N, 4)`` int64: x0, y0, x1, y1, half open.
    skies : sequence of ndarray or None
        ``(2, 3)`` float64 each: unit vectors to a box's center and to one of its corners;
        None where a field has no WCS.
    identities : sequence of str
        Hash of the pixels of each cut-out.
    """
    count = len(boxes)
    names = np.array(fields)
    sky = _on_the_sky(skies)
    links = [_same(identities), sky[names[sky[:, 0]] != names[sky[:, 1]]]]
    for name in dict.fromkeys(fields):
        members = np.flatnonzero(names == name)
        links.append(members[_sharing_pixels(boxes[members])])
    pairs = np.concatenate(links)
    graph = coo_array((np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), (count, count))
    _, component = connected_components(graph, directed=False)
    first: dict[int, int] = {}
    return [first.setdefault(int(label), index) for index, label in enumerate(component)]


def _sharing_pixels(boxes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return pairs of rows whose boxes overlap, ``(M, 2)``."""
    sides = boxes[:, 2] - boxes[:, 0]
    centers = (boxes[:, :2] + boxes[:, 2:]) / 2
    pairs = cKDTree(centers).query_pairs(float(sides.max()), p=np.inf, output_type="ndarray")
    left, right = pairs[:, 0], pairs[:, 1]
    apart = np.abs(centers[left] - centers[right]).max(axis=1)
    shared: NDArray[np.int64] = pairs[2 * apart < sides[left] + sides[right]].astype(np.int64)
    return shared


def _on_the_sky(skies: Sequence[NDArray[np.float64] | None]) -> NDArray[np.int64]:
    """Return pairs of cut-outs whose circumscribed circles meet, ``(M, 2)``."""
    placed = np.array([index for index, sky in enumerate(skies) if sky is not None], np.int64)
    if len(placed) < 2:
        return np.empty((0, 2), np.int64)
    places = np.array([sky for sky in skies if sky is not None])
    centers = places[:, 0]
    radii = np.linalg.norm(places[:, 1] - centers, axis=1)
    pairs = cKDTree(centers).query_pairs(2 * float(radii.max()), output_type="ndarray")
    left, right = pairs[:, 0], pairs[:, 1]
    apart = np.linalg.norm(centers[left] - centers[right], axis=1)
    meeting: NDArray[np.int64] = placed[pairs[apart < radii[left] + radii[right]]]
    return meeting


def _same(identities: Sequence[str]) -> NDArray[np.int64]:
    first: dict[str, int] = {}
    pairs = [(first.setdefault(name, index), index) for index, name in enumerate(identities)]
    return np.array(pairs, np.int64)
