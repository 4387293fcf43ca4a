"""How far readers agree beyond chance: Cohen's kappa of two, Fleiss' kappa of several, label by label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from encoder.evaluation.evaluation import Agreement
from encoder.evaluation.reader_tables import Reading
from encoder.evaluation.readers import readings_of
from encoder.evaluation.rows import LabelRows
from kb.language.label_names import plain_label
from kb.statistics.kappa import cohens_kappa, fleiss_kappa
from kb.statistics.resampling import spread


def agree_readers(
    rows: Sequence[LabelRows], readings: Sequence[Reading], studies: Mapping[str, str], drawn: np.ndarray
) -> list[Agreement]:
    """The agreement of the readers on each label, over the images and studies that are evaluated.

    What two readers read alone is Cohen's kappa; several, or others for each image, are Fleiss' kappa over what two or
    more of them read. Truth and model have no part in it.

    Args:
        rows: of each run and label: they say which patient a unit is of.
        readings: what the readers said.
        studies: of the images, by "image ID": "study ID".
        drawn: how often each patient is drawn in each resample.
    """
    by_label = readings_of(readings)
    found: dict[str, Agreement] = {}
    for mine in rows:
        name = plain_label(mine.label)
        each = by_label.get(name, {})
        if name in found or len(each) < 2:
            continue
        clusters: dict[str, int] = {}
        for unit, cluster in zip(mine.unit, mine.cluster.tolist(), strict=True):
            clusters.setdefault(unit, cluster)
            if unit in studies:
                clusters.setdefault(studies[unit], cluster)
        one = _of_label(mine, each, clusters, drawn)
        if one is not None:
            found[name] = one
    return list(found.values())


def _of_label(
    rows: LabelRows, each: Mapping[str, Mapping[str, bool]], clusters: Mapping[str, int], drawn: np.ndarray
) -> Agreement | None:
    said: dict[str, list[bool]] = {}
    for reader in sorted(each):
        for unit, value in each[reader].items():
            if unit in clusters:
                said.setdefault(unit, []).append(value)
    twice = {unit: values for unit, values in said.items() if len(values) > 1}
    if not twice:
        return None
    yes, many = np.array([sum(v) for v in twice.values()]), np.array([len(v) for v in twice.values()])
    first = np.array([values[0] for values in twice.values()])
    owners, cluster = np.unique([clusters[unit] for unit in twice], return_inverse=True)
    weights = np.vstack([np.ones(len(owners)), drawn[:, owners].astype(float)])
    if len(each) == 2:
        values = cohens_kappa(first, (yes - first) > 0, cluster, weights)
    else:
        values = fleiss_kappa(yes, many, cluster, weights)
    between = spread(float(values[0]), values[1:]) if len(values) > 1 else None
    return Agreement(
        label=rows.label,
        readers=len(each),
        n=len(twice),
        measure="Cohen's kappa" if len(each) == 2 else "Fleiss' kappa",
        kappa=None if np.isnan(values[0]) else float(values[0]),
        low=None if between is None else between.low,
        high=None if between is None else between.high,
        alike=float((weights[0][cluster] * ((yes == 0) | (yes == many))).mean()),
        split=rows.split,
        group=rows.group,
    )
