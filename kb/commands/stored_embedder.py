"""The embedder of the stored vectors, loaded where it can be: what a changed text is embedded with at once."""

from __future__ import annotations

import logging

from kb.errors import ClearKbError
from kb.store.state import State
from kb.vectors.embedding import Embedder
from kb.vectors.embedding.in_use import read_embedder
from kb.vectors.embedding.load import load_stored_embedder

logger = logging.getLogger("clear_kb.vectors")


def stored_embedder(state: State) -> Embedder | None:
    """The embedder that the vocabulary is embedded with; None where nothing is embedded, or it cannot be loaded."""
    info = read_embedder(state)
    if info is None:
        return None
    try:
        return load_stored_embedder(info)
    except ClearKbError as error:
        logger.warning("the text is not embedded now: %s", error)
        return None
