"""Which images a condition holds for: SQL over the view `images`, as a user writes it."""

from __future__ import annotations

from typing import Any

from kb.errors import UsageError
from kb.sql.session import AuditSession


def images_where(session: AuditSession, where: str) -> list[dict[str, Any]]:
    """The images that a condition holds for: rows of `image_id` and `study_id`.

    Args:
        session: over the knowledge base.
        where: SQL over the view `images`: "sex = 'F' AND age > 60".

    Raises:
        UsageError: it is no condition over the images.
    """
    try:
        # The line break keeps a comment in the condition from taking the bracket with it.
        return session.query(f"SELECT image_id, study_id FROM images WHERE ({where}\n)").rows()
    except UsageError as error:
        raise UsageError(
            f"where {where}: {error}; the columns are those of the images: view, sex, age, width, source, "
            "attributes['name'], ..."
        ) from error
