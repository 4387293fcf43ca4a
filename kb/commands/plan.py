"""`clear-kb plan`: what a large study takes, before it is begun."""

from __future__ import annotations

from typing import Annotated

import typer

from kb.commands.options import Format, OutputFormat, parse_pairs
from kb.commands.output import print_facts, print_json, print_rows, print_text
from kb.errors import UsageError
from kb.planning.plan import Machines, Plan, Study, plan
from kb.planning.rates import Prices, with_rates


def plan_command(
    reports: Annotated[int, typer.Option("--reports", min=0, help="Reports to mine.")] = 0,
    images: Annotated[int, typer.Option("--images", min=0, help="Images to decode, encode and predict.")] = 0,
    concepts: Annotated[int, typer.Option("--concepts", min=0, help="Concepts of the vocabulary.")] = 0,
    dimension: Annotated[int, typer.Option("--dimension", min=1, help="Numbers of a concept's embedding.")] = 384,
    vector: Annotated[int, typer.Option("--vector", min=1, help="Numbers of an image's vector.")] = 768,
    pixels: Annotated[int, typer.Option("--pixels", min=1, help="Pixels of a side, as images are kept.")] = 448,
    report_bytes: Annotated[int, typer.Option("--report-bytes", min=1, help="Text of a report.")] = 700,
    epochs: Annotated[int, typer.Option("--epochs", min=0, help="Of a training; 0: none.")] = 0,
    float16: Annotated[bool, typer.Option("--float16", help="Concepts' vectors in half the space.")] = False,
    machines: Annotated[int, typer.Option("--machines", min=1, help="At least so many.")] = 1,
    cores: Annotated[int, typer.Option("--cores", min=1, help="Of each machine.")] = 16,
    gpus: Annotated[int, typer.Option("--gpus", min=0, help="Of each machine.")] = 0,
    within: Annotated[float, typer.Option("--within", metavar="HOURS", help="All is to be done in so long.")] = 24.0,
    rate: Annotated[
        list[str] | None,
        typer.Option(
            "--rate",
            metavar="STEP=NUMBER",
            help="Items a second of one core or GPU, as measured on yours; repeatable.",
        ),
    ] = None,
    price: Annotated[
        list[str] | None,
        typer.Option(
            "--price",
            metavar="WHAT=NUMBER",
            help="core_hour, gpu_hour, gb_month or million_requests; repeatable.",
        ),
    ] = None,
    output: OutputFormat = Format.table,
) -> None:
    """Plan a large study: hours, storage and costs, from measured rates; the prices are yours, or examples."""
    found = plan(
        Study(
            reports=reports,
            images=images,
            concepts=concepts,
            dimension=dimension,
            vector=vector,
            pixels=pixels,
            report_bytes=report_bytes,
            epochs=epochs,
            float16=float16,
        ),
        Machines(count=machines, cores=cores, gpus=gpus, within_hours=within),
        rates=with_rates(_numbers(rate, "--rate")),
        prices=_prices(_numbers(price, "--price")),
    )
    if output is Format.json:
        print_json(found.to_dict())
        return
    columns = ["step", "items", "per_second", "by", "busy_hours", "hours", "cost", "basis"]
    print_rows([_short(one, columns) for one in found.to_dict()["steps"]], columns, output)
    if output is Format.csv:
        return
    print_text("")
    columns = ["table", "rows", "gigabytes", "month"]
    print_rows([_short(one, columns) for one in found.to_dict()["tables"]], columns, output)
    print_text("")
    print_facts(_facts(found))


def _facts(found: Plan) -> list[tuple[str, str]]:
    prices = found.prices
    machines = f"{found.machines} machine{'s' if found.machines > 1 else ''}"
    return [
        ("engine", f"{found.engine}, on {machines}"),
        ("store", f"{found.store}, {found.gigabytes:,.0f} GB"),
        ("time", f"{found.hours:,.1f} hours"),
        ("cost", f"{found.work_cost:,.2f} once, {found.month_cost:,.2f} a month"),
        (
            "prices",
            f"{prices.core_hour:g} a core hour, {prices.gpu_hour:g} a GPU hour, {prices.gb_month:g} a GB and month, "
            f"{prices.million_requests:g} a million requests",
        ),
    ]


def _short(row: dict[str, object], columns: list[str]) -> dict[str, object]:
    return {name: _rounded(row[name]) for name in columns}


def _rounded(value: object) -> object:
    return float(f"{value:.3g}") if isinstance(value, float) else value


def _numbers(pairs: list[str] | None, flag: str) -> dict[str, float]:
    try:
        return {name: float(value) for name, value in parse_pairs(pairs, flag).items()}
    except ValueError as error:
        raise UsageError(f"{flag}: {error}") from None


def _prices(told: dict[str, float]) -> Prices:
    known = Prices.__dataclass_fields__
    for name, value in told.items():
        if name not in known:
            raise UsageError(f"--price {name}: choose of {', '.join(known)}")
        if not 0 <= value < float("inf"):
            raise UsageError(f"--price {name}={value}: a price was expected")
    return Prices(**told)
