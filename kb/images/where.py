"""Which images a condition holds for: SQL over the view `images`, as a user writes it."""

from __future__ import annotations

from typing import Any

from kb.errors import UsageError
from kb.sql.condition import rows_asked
from kb.store.state import State


def images_where(state: State, where: str) -> list[dict[str, Any]]:
    """The images that a condition holds for: rows of `image_id` and `study_id`.

    Args:
        state: the knowledge base, at any commit.
        where: SQL over the view `images`: "sex = 'F' AND age > 60".

    Raises:
        UsageError: it is no condition over the images.
    """
    try:
        # The line break keeps a comment in the condition from taking the bracket with it.
        return rows_asked(state, f"SELECT image_id, study_id FROM images WHERE ({where}\n)")
    except UsageError as error:
        raise UsageError(
            f"where {where}: {error}; the columns are those of the images: view, sex, age, width, source, "
            "attributes['name'], ..."
        ) from error
