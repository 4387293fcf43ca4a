"""Files that the audit's pages offer are noted in the log of exports, as those of the command line are."""

from __future__ import annotations

import logging
from typing import Any

from starlette.requests import Request

from kb.errors import ClearKbError
from kb.privacy.exports import note_export
from kb.store.state import State
from workbench.answers import author_of

logger = logging.getLogger("clear_kb.workbench")

WHAT = "workbench download"


def note_download(request: Request, state: State, *, rows: int, name: str, **filters: Any) -> None:
    """Note that a visitor takes a file; where that cannot be, as on a read-only disk, the log of the server says it.

    A server that is read-only notes too: nothing of what it shows is changed by it.
    """
    try:
        note_export(state, what=WHAT, rows=rows, target=f"browser: {name}", filters=filters, by=author_of(request))
    except ClearKbError as error:
        logger.warning("%s", error)
