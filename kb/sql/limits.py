"""How much a query may take: time, memory, processors; and the settings that lock everything else away from it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kb.errors import ClearKbError, UsageError

if TYPE_CHECKING:
    import duckdb

LOCKED = (
    # Anything that is not set here would be reachable: each line closes one door, the last one the doors themselves.
    "SET enable_external_access = false",
    "SET autoload_known_extensions = false",
    "SET autoinstall_known_extensions = false",
    "SET allow_community_extensions = false",
    "SET python_enable_replacements = false",
    "SET python_scan_all_frames = false",
    "SET disabled_filesystems = 'LocalFileSystem'",
    "SET lock_configuration = true",
)

LEAST_MEMORY, MOST_MEMORY = 32_000_000, 10**15
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]i?)?B", re.I)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one query may take.

    Attributes:
        timeout_s: seconds, with the reading of its rows.
        memory: of DuckDB, as it writes it: "3GB"; nothing spills to disk.
        threads: processors; default: all.
    """

    timeout_s: float = 60.0
    memory: str = "3GB"
    threads: int | None = None

    def __post_init__(self) -> None:
        if not self.timeout_s > 0 or self.timeout_s == float("inf"):
            raise UsageError(f"timeout {self.timeout_s:g}: seconds above 0 were expected")
        if _SIZE.fullmatch(self.memory.strip()) is None or not LEAST_MEMORY <= self.memory_bytes <= MOST_MEMORY:
            raise UsageError(f"memory {self.memory}: a size such as 3GB was expected, from 32MB to 1000TB")

    @property
    def memory_bytes(self) -> int:
        """The memory as a number."""
        found = _SIZE.fullmatch(self.memory.strip())
        if found is None:
            return 0
        unit = (found[2] or "").upper()
        return int(float(found[1]) * (1024 if "I" in unit else 1000) ** ("KMGT".find(unit[:1]) + 1 if unit else 0))

    def stopped(self, reason: str) -> ClearKbError:
        """The error of a query that was stopped for its time or its memory."""
        if reason == "time":
            text = f"stopped after {self.timeout_s:g} s: ask for less, or allow more time"
            return ClearKbError(text, parameter="timeout_s")
        text = f"stopped: the query needs more than {self.memory}: ask for less, or allow more memory"
        return ClearKbError(text, parameter="memory")


UNHURRIED = Limits(timeout_s=24 * 3600.0, memory="16GB")
"""For work of this project's own, which ends when it ends."""


def limited_connection(limits: Limits) -> duckdb.DuckDBPyConnection:
    """A DuckDB in memory that holds to the limits; it is still open to the world: see `lock`."""
    import duckdb

    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": limits.memory,
        "temp_directory": "",
        "max_temp_directory_size": "0KB",
    }
    if limits.threads is not None:
        settings["threads"] = limits.threads
    connection = duckdb.connect(":memory:", config=settings)
    connection.execute("SET enable_progress_bar = false")
    # `DROP` and `COPY` are refused before DuckDB sees them; an order of rows that is nowhere asked for costs memory.
    connection.execute("SET preserve_insertion_order = true")
    return connection


def lock(connection: duckdb.DuckDBPyConnection) -> None:
    """Close every door: files, network, extensions, Python's variables and the settings; for good."""
    for setting in LOCKED:
        connection.execute(setting)
