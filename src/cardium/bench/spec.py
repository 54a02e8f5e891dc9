"""The file that says what a benchmark is: tasks, models, folds, and on what machine."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from cardium.core import ClipRecipe, Setting, Training
from cardium.errors import (
    DataCorruptError,
    DataMissingError,
    InvalidArgumentError,
    UnknownNameError,
)

DOMAINS = ("beamspace", "cartesian")
PRECISIONS = ("bf16-mixed", "32-true")
_TRAINING = (*(one.name for one in fields(Training)), "precision")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Benchmark:
    """What it is called.

    Parameters
    ----------
    name : str
        Fit for a folder.
    title : str
        One line.
    """

    name: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Data:
    """What is learnt from and scored.

    Parameters
    ----------
    dataset : str
        A dataset's name.
    root : str
        Its folder; empty: where the dataset lies by default.
    limit : int
        At most so many recordings to learn from, and to score, in a cell; 0: all.
    fraction : float
        Share of the patients of each fold.
    prepared : bool
        Learn from clips that are prepared once, in ``packs`` beside the cells. Their
        numbers are rounded to 16 bits, so it is part of what a cell is.
    """

    dataset: str
    root: str = ""
    limit: int = 0
    fraction: float = 1.0
    prepared: bool = False

    def __post_init__(self) -> None:
        if self.limit < 0 or not 0 < self.fraction <= 1:
            raise InvalidArgumentError(
                "[data] limit must not be negative, fraction lie above 0 and reach 1 "
                f"at most, got {self.limit} and {self.fraction}."
            )


@dataclass(frozen=True, slots=True)
class Matrix:
    """What is combined with what.

    Parameters
    ----------
    tasks, models, domains : list of str
        Names; a model is a recipe or a section ``[models.<name>]``.
    folds : list of int, or "all"
        Which folds are scored, each by models trained on all others.
    seeds : list of int
        Of first weights and order.
    """

    tasks: list[str]
    models: list[str]
    domains: list[str] = field(default_factory=lambda: list(DOMAINS))
    folds: list[int] | Literal["all"] = "all"
    seeds: list[int] = field(default_factory=lambda: [0])


@dataclass(frozen=True, slots=True)
class Variant:
    """A model of the matrix, where it is not a recipe as it stands.

    Parameters
    ----------
    recipe : str
        The recipe's name; empty: the section's.
    settings, training : dict
        What differs from the recipe's; training goes over ``[training]``.
    """

    recipe: str = ""
    settings: dict[str, Setting] = field(default_factory=dict)
    training: dict[str, Setting] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Machine:
    """What cells are computed on; nothing of it decides a number.

    Parameters
    ----------
    accelerator : str
        ``"auto"``, ``"cpu"``, ``"gpu"``.
    devices, nodes : int
        That work on one cell together.
    strategy : str
        How they do, as Lightning names it.
    workers : int
        Processes that read, a cell.
    jobs : int
        Cells at once.
    """

    accelerator: str = "auto"
    devices: int = 1
    nodes: int = 1
    strategy: str = "auto"
    workers: int = 0
    jobs: int = 1

    def __post_init__(self) -> None:
        least = {"devices": 1, "nodes": 1, "workers": 0, "jobs": 1}
        for name, low in least.items():
            if getattr(self, name) < low:
                raise InvalidArgumentError(
                    f"[machine] {name} must be {low} at least, got "
                    f"{getattr(self, name)}."
                )


@dataclass(frozen=True, slots=True)
class Output:
    """What is kept and reported.

    Parameters
    ----------
    keep_predictions : bool
        Whether predictions stay on disk, half precision, a file a recording.
    draws : int
        Bootstrap draws of the patients.
    reference : str
        The model that all others are compared with.
    """

    keep_predictions: bool = False
    draws: int = 1000
    reference: str = "temporal_unet"


@dataclass(frozen=True, slots=True)
class Spec:
    """A benchmark, as its file says.

    Parameters
    ----------
    benchmark : Benchmark
        Its name.
    data : Data
        The recordings.
    matrix : Matrix
        What is combined.
    protocol : mapping of str to mapping
        Options of the protocols by task, ``{"tissue_velocity": {"clip_length": 8}}``.
    training : mapping
        What differs from the training of every recipe; and ``precision``.
    models : mapping of str to Variant
        Models that are not recipes as they stand.
    machine : Machine
        Where it is computed.
    output : Output
        What is kept.
    """

    benchmark: Benchmark
    data: Data
    matrix: Matrix
    protocol: Mapping[str, Mapping[str, Setting]]
    training: Mapping[str, Setting]
    models: Mapping[str, Variant]
    machine: Machine
    output: Output

    @property
    def name(self) -> str:
        """The benchmark's name."""
        return self.benchmark.name

    def variant(self, model: str) -> Variant:
        """Return the section of a model, or an empty one."""
        return self.models.get(model, Variant())

    def recipe(self, model: str) -> ClipRecipe:
        """Return the recipe that a model of the matrix is built from.

        Raises
        ------
        UnknownNameError
            If there is none.
        """
        from cardium.clip_models import CLIP_MODELS

        return CLIP_MODELS.find(self.variant(model).recipe or model)

    def decisive(self) -> dict[str, Any]:
        """Return what decides results: all but the machine and the output."""
        kept = ("benchmark", "data", "matrix", "protocol", "training", "models")
        found: dict[str, Any] = {
            name: msgspec.to_builtins(getattr(self, name)) for name in kept
        }
        del found["data"]["root"], found["benchmark"]["title"]
        return found


def list_specs() -> list[str]:
    """List the benchmarks that come with the package.

    Returns
    -------
    list of str
        Names, sorted.

    Examples
    --------
    >>> list_specs()
    ['echoxflow', 'echoxflow-smoke']
    """
    found = (one.name for one in files("cardium.bench").joinpath("specs").iterdir())
    return sorted(n.removesuffix(".toml") for n in found if n.endswith(".toml"))


def load_spec(spec: str | Path) -> Spec:
    """Read a benchmark by name, or from a file.

    Parameters
    ----------
    spec : str or Path
        One of `list_specs`, or a TOML file.

    Returns
    -------
    Spec
        Every name in it exists.

    Raises
    ------
    UnknownNameError
        If there is no such benchmark; or a section, a key, or what one names, does not
        exist. The nearest name is suggested.
    InvalidArgumentError
        If a value is of the wrong type or out of its range.
    DataMissingError
        If there is no such file.
    DataCorruptError
        If it is not TOML.

    Examples
    --------
    >>> load_spec("echoxflow").matrix.domains
    ['beamspace', 'cartesian']
    """
    text, where = _read(spec)
    try:
        found = parse_spec(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise DataCorruptError(f"'{where}' is not TOML: {error}.") from error
    check_names(found)
    return found


def parse_spec(raw: Mapping[str, Any]) -> Spec:
    """Build a spec of the tables of its file; see `load_spec` for what it raises."""
    known = [one.name for one in fields(Spec)]
    _known("section", raw, known)
    for name in ("benchmark", "data", "matrix"):
        if name not in raw:
            raise InvalidArgumentError(f"A benchmark needs a section [{name}].")
    models = _table(raw, "models")
    return Spec(
        benchmark=_section(raw, "benchmark", Benchmark),
        data=_section(raw, "data", Data),
        matrix=_section(raw, "matrix", Matrix),
        protocol=_convert(
            "protocol", _table(raw, "protocol"), dict[str, dict[str, Setting]]
        ),
        training=_convert("training", _table(raw, "training"), dict[str, Setting]),
        models={name: _section(models, name, Variant, "models.") for name in models},
        machine=_section(raw, "machine", Machine),
        output=_section(raw, "output", Output),
    )


def check_names(spec: Spec) -> None:
    """Refuse a spec that names what does not exist, with `UnknownNameError`."""
    from cardium.datasets import DATASETS
    from cardium.protocols import PROTOCOLS, tasks_of

    matrix = spec.matrix
    tasks = sorted({task for name in PROTOCOLS for task in tasks_of(name)})
    _known("dataset", [spec.data.dataset], DATASETS.names())
    _known("task with a protocol", matrix.tasks, tasks)
    _known("domain", matrix.domains, DOMAINS)
    _known("task with a protocol", spec.protocol, tasks)
    _known("model in the matrix", spec.models, matrix.models)
    for task, options in spec.protocol.items():
        _known(f"option of the protocols of '{task}'", options, _options_of(task))
    _check_training("training", spec.training)
    for model in matrix.models:
        recipe, variant = spec.recipe(model), spec.variant(model)
        kind = f"setting of model '{model}'"
        _known(kind, variant.settings, recipe.settings)
        _check_training(f"models.{model}.training", variant.training)


def training_of(spec: Spec, model: str) -> tuple[Training, str]:
    """Return how a model of the matrix is trained, and in which precision."""
    recipe, own = spec.recipe(model), spec.variant(model).training
    asked = {**spec.training, **own}
    precision = str(asked.pop("precision", PRECISIONS[0]))
    whole = {one.name: getattr(recipe.training, one.name) for one in fields(Training)}
    return _convert("training", whole | asked, Training), precision


def _options_of(task: str) -> list[str]:
    """List the options that one of the protocols of a task has."""
    from cardium.protocols import PROTOCOLS, protocol_options, tasks_of

    names = [name for name in PROTOCOLS if task in tasks_of(name)]
    options = dict.fromkeys(key for n in names for key in protocol_options(task, n))
    return [key for key in options if key != "domain"]


def _check_training(section: str, asked: Mapping[str, Setting]) -> None:
    """Refuse a key that no training has, and values that are none."""
    _known(f"key in [{section}]", asked, _TRAINING)
    precision = str(asked.get("precision", PRECISIONS[0]))
    _known("precision", [precision], PRECISIONS)
    values = {key: value for key, value in asked.items() if key != "precision"}
    _convert(section, values, Training)


def _read(spec: str | Path) -> tuple[str, str]:
    """Read the text of a spec, and say where it lies."""
    path = Path(spec)
    if path.suffix == ".toml" or path.is_file():
        if not path.is_file():
            raise DataMissingError(f"There is no benchmark file '{path}'.")
        return path.read_text("utf-8"), str(path)
    name, known = str(spec), list_specs()
    if name not in known:
        raise UnknownNameError("benchmark", name, known)
    packaged = files("cardium.bench").joinpath("specs", f"{name}.toml")
    return packaged.read_text("utf-8"), name


def _section(raw: Mapping[str, Any], name: str, of: type[T], above: str = "") -> T:
    """Read one section as its type."""
    table = _table(raw, name, above)
    keys = [one.name for one in fields(of)]  # type: ignore[arg-type]
    _known(f"key in [{above}{name}]", table, keys)
    return _convert(above + name, table, of)


def _table(raw: Mapping[str, Any], name: str, above: str = "") -> dict[str, Any]:
    """Return a table of a file, empty if it is not there."""
    table = raw.get(name, {})
    if not isinstance(table, dict):
        raise InvalidArgumentError(f"[{above}{name}] must be a section, got {table!r}.")
    return table


def _convert(section: str, value: object, of: type[T]) -> T:
    """Check the types of a section."""
    try:
        return msgspec.convert(value, of)
    except msgspec.ValidationError as error:
        if isinstance(error.__cause__, InvalidArgumentError):
            raise error.__cause__ from None
        raise InvalidArgumentError(f"[{section}] {error}.") from error


def _known(kind: str, names: Iterable[str], known: Iterable[str]) -> None:
    """Refuse a name that is not known."""
    there = list(known)
    for name in names:
        if name not in there:
            raise UnknownNameError(kind, name, there)
