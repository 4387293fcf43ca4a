"""The data that an audit compares with: another site, another run on the same images, another knowledge base."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from encoder.audit.evidence import read_evidence
from encoder.audit.space import AuditSpace
from kb.audit.confounder import Kind
from kb.audit.confounders import Evidence
from kb.audit.limits import UNHURRIED
from kb.audit.rows import AuditRows, read_rows
from kb.audit.session import AuditSession
from kb.errors import UsageError

if TYPE_CHECKING:
    from kb.knowledge_base import KnowledgeBase


@dataclass(frozen=True, eq=False)
class Other:
    """The data that is compared with: its rows, where they are, in words, and what to leave out here."""

    kb: KnowledgeBase
    rows: AuditRows
    told: str
    exclude: str | None = None

    def evidence(self, space: AuditSpace, kinds: Collection[Kind]) -> Evidence:
        """All that is known of its rows."""
        with AuditSession(self.kb, UNHURRIED) as session:
            return read_evidence(self.kb, session, self.rows, space.encoder, kinds)[0]


def find_other(
    kb: KnowledgeBase,
    session: AuditSession,
    run: str,
    label: str,
    name: str | None,
    split: str,
    source: str | None,
    where: str | None,
) -> Other | None:
    """What `--against NAME` means: a knowledge base, a run, or a site; None where nothing is named.

    Raises:
        UsageError: there is nothing of that name, or it has no such rows.
    """
    from kb.knowledge_base import KnowledgeBase

    if name is None:
        return None
    told = {"source": source, "split": split}
    options = kb.storage.options if "://" in name else None
    if KnowledgeBase.exists(name, options):
        there = KnowledgeBase.open(name, storage_options=options)
        with AuditSession(there, UNHURRIED) as session_there:
            rows = read_rows(session_there, run, label, split=split, where=where)
        return Other(there, rows, f"run '{run}' in {name}, {len(rows):,} rows")
    if session.run("SELECT run FROM runs WHERE run = $run", {"run": name}).rows():
        rows = read_rows(session, name, label, where=where, **told)
        return Other(kb, rows, f"run '{name}' on {len(rows):,} rows")
    quoted = "'" + name.replace("'", "''") + "'"
    sites = [row["site"] for row in session.run("SELECT DISTINCT site FROM outcomes WHERE site IS NOT NULL").rows()]
    if name not in sites:
        raise UsageError(
            f"--against {name}: there is no site, run or knowledge base of that name; "
            f"sites: {', '.join(sorted(sites)) or 'none'}"
        )
    rows = read_rows(session, run, label, where=f"site = {quoted}", **told)
    return Other(kb, rows, f"site {name}, {len(rows):,} rows", f"site <> {quoted}")
