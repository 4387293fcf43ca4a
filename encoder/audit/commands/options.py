"""The options that the commands of an audit share, each defined once."""

from __future__ import annotations

from typing import Annotated

import typer

Run = Annotated[str, typer.Option("--run", metavar="NAME", help="The run; `audit sql 'FROM runs'` lists them.")]
Label = Annotated[str, typer.Option("--label", metavar="LABEL", help="The label that it predicts.")]
Source = Annotated[
    str | None, typer.Option("--source", metavar="NAME", help="The labels to go by, where several sources speak.")
]
Where = Annotated[
    str | None,
    typer.Option(
        "--where", metavar="SQL", help="Only rows of the view outcomes for which this holds: \"view = 'PA'\"."
    ),
]
Against = Annotated[
    str | None,
    typer.Option(
        "--against", metavar="SITE|RUN|KB", help="Compare with a site, another run, or another knowledge base."
    ),
]
