"""The command that draws what in an ECG speaks for an answer of a network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import numpy as np
import typer

from cardium.cli.options import Json, Root, check_device
from cardium.cli.output import print_json
from cardium.core import FloatArray
from cardium.errors import InvalidArgumentError

if TYPE_CHECKING:
    from cardium.fit.attribution import Method
    from cardium.fit.run import FittedModel


def explain(
    run: Annotated[Path, typer.Argument(help="A run folder of a network of ECGs.")],
    recording: Annotated[str, typer.Argument(help="A recording's id; `cardium show`.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The .png, .svg or .pdf to write.")
    ],
    class_name: Annotated[
        str | None,
        typer.Option("--class", help="A class. Default: the one that is answered."),
    ] = None,
    method: Annotated[
        str, typer.Option(help="integrated_gradients or grad_cam.")
    ] = "integrated_gradients",
    event: Annotated[
        int | None,
        typer.Option(min=0, help="Of beats or segments: which, from 0. Default: 0."),
    ] = None,
    data: Annotated[
        str | None, typer.Option(help="A dataset. Default: the one it was fitted to.")
    ] = None,
    root: Root = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    as_json: Json = False,
) -> None:
    """Draw on the ECG what moved a network's answer, for a class.

    It is about the network and not about the heart: an answer can be wrong.
    """
    from cardium.datasets import open_dataset
    from cardium.fit import load_run
    from cardium.fit.attribution import attribute
    from cardium.plot.attribution import draw_attribution
    from cardium.plot.paper import write_paper

    check_device(device)
    model = load_run(run, device=device)
    opened = open_dataset(data or str(model.config["data"]["name"]), root)
    if event is not None and model.task.output.kind != "event_class":
        raise InvalidArgumentError(
            f"Task '{model.task.name}' answers about recordings: --event {event} "
            "names none of them."
        )
    event = event or 0
    sample = model.task.inputs(opened[recording])
    answer = model.task.answer(sample, model.predict(sample))
    values = _row(model, answer.values[model.task.output.name], event)
    classes = model.task.output.classes
    name = class_name or classes[int(np.argmax(values))]
    relevance = attribute(
        model, sample, name, method=cast("Method", method), event=event
    )
    value = float(values[classes.index(name)])
    where = {"recording": recording, "class": name, "answer": value, "method": method}
    start = None
    if sample.events is not None:
        where["event"] = event
        start = max(0.0, float(sample.events[event]) - _BEFORE)
    title = f"{recording}: {name} {value:.2f} by {model.facts['name']}"
    figure = draw_attribution(sample.stream, relevance, title=title, start=start)
    write_paper(figure, output)
    if as_json:
        print_json({**where, "picture": output})
    else:
        typer.echo(f"{title}\n{output}")


_BEFORE = 5.0


def _row(model: FittedModel, values: FloatArray, event: int) -> FloatArray:
    """Return the answer about a recording, or about one of its events."""
    if model.task.output.kind != "event_class":
        return values
    if event >= len(values):
        raise InvalidArgumentError(
            f"There are events 0..{len(values) - 1}, got {event}."
        )
    return np.asarray(values[event])
