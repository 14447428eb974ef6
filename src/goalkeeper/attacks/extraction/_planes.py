"""The planes between classes from points on them: all classes' weights at once, up to a factor."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.data import Floats, Ints

MIN_SPREAD = (
    3.0  # least singular value of what is no solution, as a multiple of the largest that is
)


def solve_planes(points: Floats, pairs: Ints, classes: int) -> Floats | None:
    """Solve `points @ (theta_a - theta_b) = 0` for every point on the boundary of a and b.

    The first class is the reference. Labels show all boundaries up to one factor, or, where
    classes touch in a chain only (0 and 1, 1 and 2, never 0 and 2), up to one factor each: the
    solutions are then all combinations of several, of which the caller chooses.

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
    `(solutions, classes, d + 1)`, at most classes - 1 of them, or None where the points do not
    determine any.
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
    count = len(sizes)
    most = min(classes - 1, count - 1)
    if most < 1:
        return None
    floor = max(float(sizes[0]) * 1e-16, 1e-300)
    jumps = [sizes[count - 1 - m] / max(float(sizes[count - m]), floor) for m in range(1, most + 1)]
    found = int(np.argmax(jumps)) + 1
    if jumps[found - 1] <= MIN_SPREAD:
        return None
    theta = np.zeros((found, classes, size))
    theta[:, 1:] = normals[-found:].reshape(found, classes - 1, size)
    return theta
