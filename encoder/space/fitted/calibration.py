"""Calibration: what an image holds, y, read off a foreign vector g without minding what goes with what.

The regression of y on g would be the shortest way, and a wrong one here: where a tube goes with the disease, the best
guess of the tube leans on the disease, and a model that reads the disease alone seems to lean on the tube. So g is
regressed on y, g = A y + noise of covariance S, and this is solved for y by generalised least squares (calibration:
Eisenhart, 1939; directions of concepts by what they do to a vector: Haufe et al., 2014, Pahde et al., 2022):

    y = (A' S^-1 A + P^-1)^-1 A' S^-1 (g - mean g) + mean y

P, what is expected of y before g is seen, is a covariance in which findings do not go together.
"""

from __future__ import annotations

import numpy as np

from encoder.space.fitted.sums import Centred

SHRINKS = (1e-3, 1e-2, 1e-1, 1.0)
"""What is added to the spread of the noise in every direction that are tried, as shares of its mean."""

FAINT = 1e-4
"""Directions of y of less than this share of the mean spread are not told apart from noise."""


class Calibration:
    """The noise of g beside what y explains, on some images.

    Args:
        sums: of the images, about their means.
        shrink: what is added to the noise in every direction, as a share of its mean.
    """

    def __init__(self, sums: Centred, shrink: float):
        self.sums = sums
        t = len(sums.mean_y)
        ridge = FAINT * max(float(np.trace(sums.yy)) / t, 1e-12) * np.eye(t)
        self._slopes = np.linalg.solve(sums.yy + ridge, sums.gy.T).T
        explained = self._slopes @ sums.gy.T
        noise = sums.gg - explained - explained.T + self._slopes @ sums.yy @ self._slopes.T
        noise = (noise + noise.T) / 2 / sums.n
        mean = max(float(np.trace(noise)) / len(noise), 1e-9 * float(np.trace(sums.gg)) / sums.n / len(noise), 1e-30)
        self._noise = noise + shrink * mean * np.eye(len(noise))

    def every(self, expected: np.ndarray) -> np.ndarray:
        """The map from g to all of y at once, (t, d).

        Args:
            expected: P, (t, t).
        """
        from scipy.linalg import cho_factor, cho_solve

        along = self._slopes @ expected
        found: np.ndarray = cho_solve(cho_factor(along @ self._slopes.T + self._noise), along).T
        return found

    def one_by_one(self, beside: np.ndarray) -> np.ndarray:
        """The map from g to each of y, (t, d), some others held as they are; P is the spread of each by itself.

        Args:
            beside: which are held while one is told, (t, t), bool; those that it stands over or under are not.
        """
        from scipy.linalg import cho_factor, cho_solve

        t = len(self.sums.mean_y)
        whitened = cho_solve(cho_factor(self._noise), self.sums.gy)
        products, yy = self.sums.gy.T @ whitened, self.sums.yy
        spread = np.maximum(np.diag(yy) / self.sums.n, 1e-12)
        found = np.empty((t, len(self.sums.mean_g)))
        for one in range(t):
            chosen = np.array([one, *(other for other in np.flatnonzero(beside[one]) if other != one)])
            ridge = FAINT * float(np.trace(yy[np.ix_(chosen, chosen)])) / len(chosen) * np.eye(len(chosen))
            solved = np.linalg.inv(yy[np.ix_(chosen, chosen)] + ridge)
            information = solved @ products[np.ix_(chosen, chosen)] @ solved + np.diag(1 / spread[chosen])
            found[one] = np.linalg.solve(information, solved @ whitened[:, chosen].T)[0]
        return found
