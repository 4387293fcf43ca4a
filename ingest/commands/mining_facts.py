"""What mining came to, as lines of a summary: two opinions, what a language model took, and what it would take."""

from __future__ import annotations

from collections.abc import Mapping

from ingest.extractors.estimate import Estimate
from ingest.extractors.usage import Usage

NO_PRICE = "--llm-price IN,OUT shows it"


def opinions_in_words(opinions: Mapping[str, int], uri: str) -> str:
    """What two extractors agree on and what waits for a decision."""
    counts = ", ".join(f"{count:,} {kind}" for kind, count in opinions.items())
    waiting = sum(count for kind, count in opinions.items() if kind not in ("agreed", "decided before"))
    return f"{counts}: clear-kb observations review --kb {uri}" if waiting else counts


def usage_facts(usage: Usage) -> list[tuple[str, str]]:
    """What asking a language model took."""
    trouble = (
        ("tried again", usage.retries),
        ("loops", usage.loops),
        ("cut off", usage.truncated),
        ("not of the schema", usage.invalid),
        ("reports asked about alone after all", usage.split),
        ("reports given up", usage.failed),
    )
    entries = [f"{usage.requests:,}", *(f"{count:,} {what}" for what, count in trouble if count)]
    cached = f" ({usage.cached_tokens:,} of them cached)" if usage.cached_tokens else ""
    tokens = f"{usage.input_tokens:,} in{cached}, {usage.output_tokens:,} out"
    if usage.untold:
        tokens += f"; {usage.untold:,} answers did not tell"
    cost = NO_PRICE if usage.cost is None else f"{usage.cost:,.4f}"
    facts = [("endpoint", f"{usage.model}, dialect {usage.dialect}")] if usage.dialect else []
    return [*facts, ("requests", ", ".join(entries)), ("tokens", tokens), ("cost", cost)]


def estimate_facts(estimate: Estimate) -> list[tuple[str, str]]:
    """What asking a language model would take, and how that was told."""
    staged = f"; {estimate.staged:,} were mined by an interrupted run" if estimate.staged else ""
    shared = f", {estimate.shared_tokens:,} of them the same in every request" if estimate.requests > 1 else ""
    tokens = f"about {estimate.input_tokens:,} in{shared}; about {estimate.output_tokens:,} out"
    cost = NO_PRICE if estimate.cost is None else f"about {estimate.cost:,.4f}"
    return [
        ("to ask", f"{estimate.reports:,} reports of {estimate.model}, in {estimate.requests:,} requests{staged}"),
        ("tokens", tokens),
        ("cost", cost),
        ("time", _time(estimate)),
        ("estimated", "by the letters of the prompts, and answers as the rules would give them; repeats come on top"),
        ("commit", "none: a dry run, nobody was asked"),
    ]


def _time(estimate: Estimate) -> str:
    if estimate.seconds is None:
        return f"not known: no commit here tells the rate of {estimate.model}"
    minutes, seconds = divmod(round(estimate.seconds), 60)
    hours, minutes = divmod(minutes, 60)
    told = f"{hours} h {minutes} min" if hours else f"{minutes} min" if minutes else f"{seconds} s"
    return f"about {told}, at the rate of commit {estimate.rate_of}"
