"""The knowledge base: concepts mined from reports, versioned, embedded, searched, curated.

import kb

base = kb.open("openi.kb", at="v1")
base.search("collapsed lung", k=5)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kb.errors import ClearKbError, UsageError
from kb.lazy import lazy_names

if TYPE_CHECKING:
    from kb.engines.choice import EngineOptions, open_engine
    from kb.knowledge_base import KnowledgeBase, create, open

__all__ = ["ClearKbError", "EngineOptions", "KnowledgeBase", "UsageError", "create", "open", "open_engine"]

__getattr__, __dir__ = lazy_names(
    __name__,
    dict.fromkeys(("KnowledgeBase", "create", "open"), "kb.knowledge_base")
    | dict.fromkeys(("EngineOptions", "open_engine"), "kb.engines.choice"),
)
