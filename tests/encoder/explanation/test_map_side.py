"""On which side of the patient a heat map lies, and for which views that can be told."""

from __future__ import annotations

import numpy as np
import pytest

from encoder.explanation.map_side import side_of_map, sides_of_view

ON_THE_RIGHT_OF_THE_PICTURE = np.repeat([[0.0, 0.0, 0.0, 1.0]], 4, axis=0)


@pytest.mark.parametrize(
    ("view", "sides"),
    [("PA", "known"), ("AP", "known"), ("frontal", "known"), (None, "supposed"), ("lateral", None), ("other", None)],
)
def test_frontal_views_tell_sides_unknown_ones_are_supposed_to(view: str | None, sides: str | None) -> None:
    assert sides_of_view(view) == sides
    found = side_of_map(ON_THE_RIGHT_OF_THE_PICTURE, view)
    assert (found is None) == (sides is None)
    assert found is None or found.side == "left"
