"""Each vector's nearest others, over hundreds of thousands of them, on a CPU: coarse clusters, a few of them searched.

Small sets are compared all with all. Large ones are parted by k-means (an inverted file, as in Jegou et al., 2011), and
every vector is compared with those of the clusters nearest to it. What that misses is measured, not assumed: see
`sampled_recall`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kb.vectors.nearest import Neighbours, exact_nearest, recall

if TYPE_CHECKING:
    import torch

ALL_WITH_ALL = 8_000
"""Sets up to this size are compared all with all."""

CLUSTER = 400
"""Vectors to a cluster, about."""

PROBES = 32
"""Clusters that each vector is compared with."""

ROUNDS = 6
TRAINED_ON = 64
"""Vectors to a cluster that k-means is trained on, at most."""

QUERIES = 4_096


def nearest_others(vectors: np.ndarray, k: int, seed: int = 0) -> Neighbours:
    """The `k` nearest others of every vector, by cosine; -1 and -inf where there are fewer.

    Args:
        vectors: unit vectors, (n, dimension), float32.
        k: how many.
        seed: of the k-means; the same seed gives the same answer.
    """
    import torch

    data = torch.from_numpy(vectors)
    clusters = max(1, round(len(data) / CLUSTER))
    if len(data) <= ALL_WITH_ALL:
        centres, probes = torch.nn.functional.normalize(data.mean(0, keepdim=True), dim=1), 1
    else:
        centres, probes = _centres(data, clusters, seed), min(PROBES, clusters)
    nearest_clusters = torch.cat([(part @ centres.T).topk(probes, dim=1).indices for part in data.split(QUERIES)])
    rows = torch.full((len(data), k), -1, dtype=torch.long)
    cosines = torch.full((len(data), k), -torch.inf)
    members = _members(nearest_clusters[:, 0], len(centres))
    for probe in range(probes):
        for cluster, asking in enumerate(_members(nearest_clusters[:, probe], len(centres))):
            for part in asking.split(QUERIES):
                _merge(data, part, members[cluster], rows, cosines)
    return Neighbours(rows.numpy(), cosines.numpy())


def sampled_recall(vectors: np.ndarray, found: Neighbours, queries: int = 500, *, seed: int = 0) -> float:
    """The share of the true nearest others that were found, over a sample compared with all."""
    k = found.rows.shape[1]
    sample = np.random.default_rng(seed).choice(len(vectors), min(queries, len(vectors)), replace=False)
    true = exact_nearest(vectors[sample], [vectors], k + 1).rows
    others = [[row for row in rows if row != own][:k] for own, rows in zip(sample.tolist(), true.tolist(), strict=True)]
    return recall(found.rows[sample].tolist(), others)


def _merge(
    data: torch.Tensor, asking: torch.Tensor, members: torch.Tensor, rows: torch.Tensor, cosines: torch.Tensor
) -> None:
    """Compare the vectors `asking` with `members`, and keep the best of what they have and what they find."""
    import torch

    if not len(asking) or not len(members):
        return
    k = rows.shape[1]
    found = data[asking] @ data[members].T
    found[asking[:, None] == members[None, :]] = -torch.inf
    best, at = found.topk(min(k, found.shape[1]), dim=1)
    together = torch.cat([cosines[asking], best], 1)
    numbered = torch.cat([rows[asking], members[at].masked_fill(best == -torch.inf, -1)], 1)
    cosines[asking], order = together.topk(k, dim=1)
    rows[asking] = numbered.gather(1, order)


def _centres(data: torch.Tensor, clusters: int, seed: int) -> torch.Tensor:
    """Spherical k-means on a sample: unit centres, (clusters, dimension)."""
    import torch

    dice = torch.Generator().manual_seed(seed)
    sample = data[torch.randperm(len(data), generator=dice)[: TRAINED_ON * clusters]]
    centres = sample[torch.randperm(len(sample), generator=dice)[:clusters]].clone()
    for _ in range(ROUNDS):
        belongs = torch.cat([(part @ centres.T).argmax(1) for part in sample.split(QUERIES)])
        sums = torch.zeros_like(centres).index_add_(0, belongs, sample)
        moved = sums.norm(dim=1) > 0  # a centre that nobody belongs to stays where it is
        centres[moved] = torch.nn.functional.normalize(sums[moved], dim=1)
    return centres


def _members(belongs: torch.Tensor, clusters: int) -> list[torch.Tensor]:
    import torch

    order = belongs.argsort(stable=True)
    counts = torch.bincount(belongs, minlength=clusters)
    return list(order.split(counts.tolist()))
