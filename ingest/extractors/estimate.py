"""What asking a language model would come to, told before anything is asked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from kb.store.commits import Commit


@dataclass(slots=True, kw_only=True)
class Estimate:
    """Requests and tokens of what is still to be asked, without what has to be asked again.

    Of the `input_tokens`, `shared_tokens` are the constant part, which every request begins with. `staged` reports were
    mined by an interrupted run and are not asked about again. `seconds` is None where no commit (`rate_of`) tells how
    long the model takes.
    """

    model: str = ""
    reports: int = 0
    staged: int = 0
    requests: int = 0
    input_tokens: int = 0
    shared_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = None
    seconds: float | None = None
    rate_of: str | None = None

    @classmethod
    def together(cls, one: Estimate | None, other: Estimate | None) -> Estimate | None:
        """What two extractors come to; the cost is known where both are."""
        if one is None or other is None:
            return one or other
        return cls(
            model=f"{one.model} and {other.model}",
            reports=max(one.reports, other.reports),
            requests=one.requests + other.requests,
            input_tokens=one.input_tokens + other.input_tokens,
            shared_tokens=one.shared_tokens + other.shared_tokens,
            output_tokens=one.output_tokens + other.output_tokens,
            cost=None if one.cost is None or other.cost is None else one.cost + other.cost,
        )

    def to_dict(self) -> dict[str, Any]:
        """The estimate as plain data, for JSON."""
        return asdict(self)


def time_by_rate(estimate: Estimate, commits: Iterable[Commit]) -> None:
    """Put into an estimate how long asking takes, at the rate of the newest commit that tells one of the same model."""
    for commit in commits:
        told = commit.summary
        if told.get("model") == estimate.model and told.get("asked") and "mining_seconds" in told:
            estimate.seconds = round(estimate.reports * told["mining_seconds"] / told["asked"], 1)
            estimate.rate_of = commit.commit_id
            return
