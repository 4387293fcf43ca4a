"""The options that say which extractor mines, and how: shared by the commands that mine."""

from __future__ import annotations

from typing import Annotated

import typer

from kb.errors import UsageError

PANEL = "Mining"

ExtractorName = Annotated[
    str,
    typer.Option("--extractor", metavar="rules|scispacy|llm", help="What mines.", rich_help_panel=PANEL),
]
Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="NAME|PATH|MODEL@URL",
        help="scispacy: a spaCy model's name or folder. llm: MODEL@URL of an OpenAI-compatible endpoint; the report "
        "texts are sent there.",
        rich_help_panel=PANEL,
    ),
]
Endpoint = Annotated[
    str | None,
    typer.Option(
        "--llm-endpoint",
        envvar="CLEAR_KB_ENDPOINT",
        metavar="MODEL@URL",
        help="Used if --model names none; other extractors do not look at it.",
        rich_help_panel="Language model",
    ),
]
Concurrency = Annotated[
    int, typer.Option("--llm-concurrency", min=1, help="Requests under way at once.", rich_help_panel="Language model")
]
Timeout = Annotated[
    float, typer.Option("--llm-timeout", min=0.1, help="Seconds a request may take.", rich_help_panel="Language model")
]
Retries = Annotated[
    int,
    typer.Option("--llm-retries", min=0, help="Tries after 429, 5xx or a time-out.", rich_help_panel="Language model"),
]
MaxTokens = Annotated[
    int, typer.Option("--llm-max-tokens", min=16, help="The longest answer.", rich_help_panel="Language model")
]
Seed = Annotated[int, typer.Option("--llm-seed", help="What it draws with.", rich_help_panel="Language model")]
PromptFile = Annotated[
    str | None,
    typer.Option(
        "--llm-prompt", metavar="FILE", help="Instructions in place of ours.", rich_help_panel="Language model"
    ),
]
Price = Annotated[
    str | None,
    typer.Option(
        "--llm-price",
        metavar="IN,OUT",
        help="Of a million tokens in and out; the cost is shown with it.",
        rich_help_panel="Language model",
    ),
]


def model_of(extractor: str, model: str | None, endpoint: str | None) -> str | None:
    """What an extractor is to load or ask: --model, or for `llm` alone the endpoint that was settled beforehand."""
    return endpoint if extractor == "llm" and model is None else model


def read_price(text: str | None) -> tuple[float, float] | None:
    """The two prices of "0.15,0.60"; UsageError if these are not two numbers."""
    if text is None:
        return None
    try:
        first, second = (float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--llm-price '{text}' is not two numbers: 0.15,0.60 for a million in and out") from None
    return first, second
