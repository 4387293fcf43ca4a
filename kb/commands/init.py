"""`clear-kb init`: an empty knowledge base."""

from __future__ import annotations

from rich.markup import escape

from kb.commands.output import say
from kb.commands.shared import Writing, writes
from kb.knowledge_base import KnowledgeBase


@writes(output=False)
def init_command(writing: Writing) -> None:
    """Create an empty knowledge base; `ingest reports` creates one too."""
    uri, options = writing.uri, writing.storage_options
    if writing.dry_run:
        exists = KnowledgeBase.exists(uri, options)
        say(f"{uri} is a knowledge base already" if exists else f"would create a knowledge base at {uri}")
        return
    created = KnowledgeBase.create(uri, options, by=writing.by, why=writing.why)
    say(f"created {escape(uri)} at commit {created.commit.commit_id}")
