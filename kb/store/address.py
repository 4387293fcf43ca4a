"""Where a knowledge base lies: a folder, or a prefix of an object store, perhaps with a DynamoDB table for commits."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs

from kb.errors import UsageError
from kb.reading.file_name import require_text

COMMITS_BY_DYNAMODB = "s3+ddb://"
"""How an address begins whose commits go through a DynamoDB table, for stores without conditional writes."""

_TABLE = "ddbTableName"
_TABLE_NAME = re.compile(r"[A-Za-z0-9_.-]{3,255}")


@dataclass(frozen=True)
class Address:
    """An address taken apart: what stands before a `?`, and what follows it and holds for every table."""

    base: str
    query: str = ""

    @classmethod
    def parse(cls, uri: str | Path) -> Address:
        """Take `uri` apart; UsageError if it names no place, or DynamoDB for its commits and no table of it."""
        text = str(uri)
        require_text(text)
        if any(ord(sign) < 32 for sign in text):
            raise UsageError("a path with a line break or another control character is no place for a knowledge base")
        if not text.partition("://")[2 if "://" in text else 0].strip("/"):
            raise UsageError(f"'{text}' is no place for a knowledge base: name a folder, or a bucket and a path in it")
        if "://" not in text:
            return cls(text.rstrip("/"))
        base, mark, query = text.partition("?")
        address = cls(base.rstrip("/"), mark + query)
        if base.startswith(COMMITS_BY_DYNAMODB) and not _TABLE_NAME.fullmatch(address.commit_table or ""):
            raise UsageError(f"{text} names no table of DynamoDB: {COMMITS_BY_DYNAMODB}bucket/path?{_TABLE}=NAME")
        return address

    @property
    def folder(self) -> Path | None:
        """The local folder, or None for an object store."""
        return None if "://" in self.base else Path(self.base)

    @property
    def commit_table(self) -> str | None:
        """The DynamoDB table that commits go through, if they do."""
        if not self.base.startswith(COMMITS_BY_DYNAMODB):
            return None
        return next(iter(parse_qs(self.query.removeprefix("?")).get(_TABLE, [])), None)

    def of(self, name: str) -> str:
        """The address of what is called `name` in it."""
        return f"{self.base}/{name}{self.query}"

    def __str__(self) -> str:
        return f"{self.base}{self.query}"
