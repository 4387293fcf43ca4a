"""Tables of scores for the search for segments: drawn with a fault in some rows, or with none."""

from __future__ import annotations

import numpy as np

from encoder.audit.segments.attributes import Attribute, attribute_of, categories
from encoder.audit.segments.search import Judged


def drawn_table(
    seed: int, n: int = 5000, *, owners: int | None = None, fault: str = "none", more: int = 4
) -> tuple[Judged, list[Attribute]]:
    """Rows with sex, age and attributes that go with nothing, a quarter positive, scored well but for a fault.

    Args:
        seed: of all that is drawn.
        n: rows.
        owners: patients; None for one a row.
        fault: "old women" scores women of 70 and over by chance; "old" raises the scores of all of 70 and over.
        more: attributes beside sex and age.
    """
    draw = np.random.default_rng(seed)
    patient = np.arange(n) if owners is None else np.sort(draw.integers(0, owners, n))
    count = int(patient.max()) + 1
    truth = draw.random(n) < 0.25
    age = np.round(draw.uniform(20, 90, count))[patient]
    sex = np.where(draw.random(count) < 0.5, "F", "M")[patient]
    logit = np.where(truth, 1.6, -1.6) + draw.standard_normal(n) + 0.5 * draw.standard_normal(count)[patient]
    if fault == "old women":
        logit = np.where((age >= 70) & (sex == "F"), 1.5 * draw.standard_normal(n), logit)
    if fault == "old":
        logit = logit + 1.5 * (age >= 70)
    found = [categories("sex", list(sex)), attribute_of("age", list(age))]
    for number in range(more):
        if number % 2:
            found.append(attribute_of(f"number {number}", list(draw.standard_normal(n))))
        else:
            found.append(categories(f"ward {number}", [f"w{one}" for one in draw.integers(0, 2 + number, n)]))
    judged = Judged(truth=truth, logit=logit, flagged=logit >= 0, owners=patient)
    return judged, [one for one in found if one is not None]
