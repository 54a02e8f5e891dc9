"""Commands that run a benchmark: a matrix of tasks, models, domains and folds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Annotated

import typer

from cardium.cli.options import Json, Root
from cardium.cli.output import format_rows, print_json, print_rows, progress

if TYPE_CHECKING:
    from cardium.bench.cells import Cell, LeftOut
    from cardium.bench.jobs import State
    from cardium.bench.report import BenchReport

app = typer.Typer(
    help="Run a benchmark: tasks by models, domains, folds and seeds, from one file.",
    no_args_is_help=True,
)

SpecName = Annotated[
    str, typer.Argument(help="A name that `cardium bench list` prints, or a TOML file.")
]
Out = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="Folder of the results. Default: bench/NAME."),
]


def _only(what: str) -> typer.models.OptionInfo:
    """Describe an option that keeps some cells."""
    option: typer.models.OptionInfo = typer.Option(
        help=f"Only cells of this {what}. May be repeated."
    )
    return option


@app.command("list")
def list_benchmarks(as_json: Json = False) -> None:
    """List the benchmarks that come with the package."""
    from cardium.bench import list_specs, load_spec

    rows = []
    for name in list_specs():
        spec = load_spec(name)
        rows.append(
            {
                "name": name,
                "title": spec.benchmark.title,
                "data": spec.data.dataset,
                "tasks": spec.matrix.tasks,
                "models": spec.matrix.models,
            }
        )
    print_rows(rows, as_json=as_json)


@app.command()
def run(
    spec: SpecName,
    root: Root = None,
    out: Out = None,
    task: Annotated[list[str] | None, _only("task")] = None,
    model: Annotated[list[str] | None, _only("model")] = None,
    domain: Annotated[list[str] | None, _only("domain")] = None,
    fold: Annotated[list[int] | None, _only("fold")] = None,
    seed: Annotated[list[int] | None, _only("seed")] = None,
    engine: Annotated[str, typer.Option(help="local or dask.")] = "local",
    scheduler: Annotated[
        str | None, typer.Option(help="Address or file of a Dask scheduler.")
    ] = None,
    resource: Annotated[
        str | None,
        typer.Option(
            help="What a cell takes of a Dask worker. Default: 'cell', where announced."
        ),
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Cells at once.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=0, help="Processes that read, a cell.")
    ] = None,
    cell: Annotated[
        str | None,
        typer.Option(
            metavar="KEY",
            help="Compute this cell, here; what torchrun starts: torchrun "
            "--nproc-per-node 2 -m cardium bench run SPEC --cell KEY.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List the cells and how far they are.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Compute every cell of a benchmark that is not done yet.

    Stopped at any time, the same command goes on where it was. A cell's folder is named
    by what decides its result: what did not change is not computed again.
    """
    from cardium.bench import open_bench, run_bench, run_one
    from cardium.bench.jobs import rank
    from cardium.bench.run import choose_cells

    filters: dict[str, Sequence[str | int]] = {
        "task": task or [],
        "model": model or [],
        "domain": domain or [],
        "fold": fold or [],
        "seed": seed or [],
    }
    bench = open_bench(spec, root=root, out=out, jobs=jobs, workers=workers)
    if dry_run:
        states = bench.states(choose_cells(bench, filters))
        _print_states(states, bench.plan.left_out, as_json=as_json)
        return
    try:
        if cell is not None:
            states = [run_one(bench, cell)]
        else:
            states = run_bench(
                bench,
                filters=filters,
                engine=engine,
                scheduler=scheduler,
                resource=resource,
                bar=progress,
            )
    except (KeyboardInterrupt, SystemExit):
        typer.echo("Interrupted. The same command goes on from here.", err=True)
        raise
    if rank():
        # one of several processes that trained together; the first goes on alone
        raise typer.Exit
    _print_states(states, bench.plan.left_out, as_json=as_json)
    if not as_json:
        words = f"cardium bench report {spec}" + (f" -o {out}" if out else "")
        typer.echo(f"Results: {bench.out}\nNext: {words}")
    if any(state.state != "done" for _, state in states):
        raise typer.Exit(1)


@app.command()
def report(
    spec: SpecName,
    out: Out = None,
    style: Annotated[
        str, typer.Option("--format", help="text, markdown, latex or csv.")
    ] = "text",
    published: Annotated[bool, typer.Option(help="As the paper's code scores.")] = True,
    corrected: Annotated[bool, typer.Option(help="As the tasks score.")] = True,
    as_json: Json = False,
) -> None:
    """Print the tables of a benchmark: of what is done, and what is missing and why."""
    from cardium.bench import report_bench

    found = report_bench(spec, out=out, published=published, corrected=corrected)
    if as_json:
        print_json({"title": found.title, "notes": found.notes, "rows": found.numbers})
    elif style == "csv":
        typer.echo(format_rows(found.numbers, "csv"), nl=False)
    else:
        typer.echo(_format(found, style), nl=False)
    if found.failed:
        raise typer.Exit(1)


def _format(found: BenchReport, style: str) -> str:
    """Write the tables of a report."""
    from cardium.bench._layout import lay_out

    head, mark = {"markdown": ("# ", "## "), "latex": ("% ", "% ")}.get(style, ("", ""))
    every = "% " if style == "latex" else ""
    notes = [_wrap(every + one, style) for one in found.notes]
    parts = ["\n".join([head + found.title, *notes])]
    for table in found.tables:
        body = lay_out(table) if style == "text" else format_rows(table.rows, style)
        note = [_wrap(every + table.note, style)] if table.note else []
        lines = [mark + table.title, *note]
        gap = "\n\n" if style == "markdown" else "\n"
        parts.append(gap.join([*lines, body]).rstrip())
    return "\n\n".join(parts) + "\n"


def _wrap(note: str, style: str) -> str:
    """Break a note over lines, where it is read as it stands."""
    return "\n".join(wrap(note, 100)) if style == "text" else note


def _print_states(
    states: list[tuple[Cell, State]],
    left_out: tuple[LeftOut, ...],
    *,
    as_json: bool,
) -> None:
    """Print how far cells are, and what the matrix lacks."""
    rows = [
        {
            "key": cell.key,
            "task": cell.task,
            "model": cell.model,
            "domain": cell.domain,
            "fold": cell.fold,
            "seed": cell.seed,
            "state": state.state,
            "reason": state.reason,
        }
        for cell, state in states
    ]
    if as_json:
        print_json(rows)
        return
    print_rows(rows)
    from cardium.bench.cells import gather_left_out

    for one in gather_left_out(left_out):
        typer.echo(
            f"Left out: {one.model}, {one.task} ({one.domain}): {one.reason}", err=True
        )
