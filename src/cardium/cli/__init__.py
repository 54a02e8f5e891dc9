"""The command line: each command is one call of a public function.

Exit status: 0 done; 1 findings, or a failure that the message explains; 2 wrong
arguments.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from cardium.cli import (
    bench,
    data,
    demo,
    explain,
    export,
    learn,
    live,
    measure,
    prepare,
    show,
)
from cardium.errors import CardiumError, InvalidArgumentError, UnknownNameError

app = typer.Typer(
    name="cardium",
    help="Read, show, measure and benchmark open cardiac data.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    """Print the version and stop."""
    if wanted:
        from importlib.metadata import version

        typer.echo(f"cardium {version('cardium')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Print the version.",
        ),
    ] = False,
) -> None:
    """Read, show, measure and benchmark open cardiac data."""


_START = "Start here"
_DATA = "Data"
_LEARN = "Fit, predict, score, report"
for _panel, _command in (
    (_START, demo.demo),
    (_START, data.datasets),
    (_START, data.tasks),
    (_START, data.models),
    (_DATA, data.info),
    (_DATA, data.fetch),
    (_DATA, data.verify),
    (_DATA, data.stats),
    (_DATA, show.show),
    (_DATA, measure.measure),
    (_DATA, data.phantom),
    (_DATA, export.export),
    (_DATA, live.live),
    (_LEARN, prepare.prepare),
    (_LEARN, learn.fit),
    (_LEARN, learn.predict),
    (_LEARN, learn.score),
    (_LEARN, learn.report),
    (_LEARN, explain.explain),
):
    app.command(rich_help_panel=_panel)(_command)
app.add_typer(bench.app, name="bench", rich_help_panel=_LEARN)


def main() -> None:
    """Run a command; say what went wrong in one sentence, and exit by its kind."""
    try:
        app()
    except CardiumError as error:
        typer.secho(f"{type(error).__name__}: {error}", err=True, fg="red")
        wrong_words = isinstance(error, (InvalidArgumentError, UnknownNameError))
        sys.exit(2 if wrong_words else 1)
