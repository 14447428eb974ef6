"""The planes between classes from points on them: all classes' weights at once, up to a factor."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.data import Floats, Ints

MIN_SPREAD = 3.0  # the second smallest singular value, as a multiple of the smallest


def solve_planes(points: Floats, pairs: Ints, classes: int) -> Floats | None:
    """Solve `points @ (theta_a - theta_b) = 0` for every point on the boundary of a and b.

    The first class seen is the reference; classes not seen are left out by the caller. All
    boundaries share one factor, which labels cannot show; its sign is left to the caller too.

    Parameters
    ----------
    points
        Features of points on boundaries `(n, d + 1)`, the last constant, scaled to the same size.
    pairs
        The classes on either side `(n, 2)`, counted from 0 to classes - 1.
    classes
        Number of classes.

    Returns
    -------
    `(classes, d + 1)`, or None where the points do not determine it.
    """
    size = points.shape[1]
    if len(points) < (classes - 1) * size:
        return None
    left = np.zeros((len(points), classes, size))
    index = np.arange(len(points))
    left[index, pairs[:, 0]] += points
    left[index, pairs[:, 1]] -= points
    flat = left[:, 1:].reshape(len(points), -1)
    _, sizes, normals = np.linalg.svd(flat, full_matrices=False)
    if len(sizes) < 2 or sizes[-2] <= MIN_SPREAD * sizes[-1]:
        return None
    theta = np.zeros((classes, size))
    theta[1:] = normals[-1].reshape(classes - 1, size)
    return theta
