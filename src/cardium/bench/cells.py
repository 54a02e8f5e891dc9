"""Cells: one task, model, domain, fold and seed each, named by what decides them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from cardium.bench.spec import PRECISIONS, Spec, training_of
from cardium.core import (
    Catalog,
    OpenDataset,
    Protocol,
    Setting,
    Task,
    fingerprint,
)
from cardium.core.files import plain
from cardium.errors import InvalidArgumentError, NotProvidedError, UnknownNameError

SCHEMA = 1
"""Raised when the same inputs come to other results than before."""

Filters = Mapping[str, Sequence[str | int]]
"""Which cells are wanted: ``{"task": ["blood_flow"], "fold": [0, 1]}``."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One combination, and all that decides its result.

    Parameters
    ----------
    task, model, domain : str
        What is asked, who answers, what it sees.
    fold, seed : int
        Who is scored; where chance comes from.
    facts : dict
        Dataset and catalogue, options, settings, training: what JSON can hold.

    Examples
    --------
    >>> where = ("blood_flow", "temporal_unet", "cartesian")
    >>> one = Cell(*where, 0, 0, {"seed": 0, "fold": 0})
    >>> one.name
    'blood_flow.temporal_unet.cartesian.fold0.seed0-951d0c6eec18'
    >>> one.key == Cell("", "", "", 0, 0, {"fold": 0, "seed": 0}).key
    True
    """

    task: str
    model: str
    domain: str
    fold: int
    seed: int
    facts: dict[str, Any]

    @property
    def key(self) -> str:
        """Twelve digits that any change of the facts changes."""
        return canonical_hash(self.facts)[:12]

    @property
    def name(self) -> str:
        """The name of its folder."""
        where = f"{self.task}.{self.model}.{self.domain}"
        return f"{where}.fold{self.fold}.seed{self.seed}-{self.key}"

    def is_wanted(self, filters: Filters) -> bool:
        """Say whether filters let it pass; an empty one lets all."""
        return all(
            not values or getattr(self, name) in values
            for name, values in filters.items()
        )


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A combination that cannot be computed.

    Parameters
    ----------
    task, model, domain : str
        The combination.
    reason : str
        Why not.
    """

    task: str
    model: str
    domain: str
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The cells of a benchmark on a dataset.

    Parameters
    ----------
    cells : tuple of Cell
        By task, model, domain, fold and seed, in the order of the spec.
    left_out : tuple of LeftOut
        Combinations that the models cannot do, or the dataset not serve.
    reduced : tuple of str
        What differs from the defaults, which are those of the papers.
    metrics : mapping
        By task and protocol, what its rows hold and the one that ranks models.
    recipes : mapping of str to str
        What each model is built from.
    """

    cells: tuple[Cell, ...]
    left_out: tuple[LeftOut, ...]
    reduced: tuple[str, ...]
    metrics: Mapping[str, Mapping[str, Any]]
    recipes: Mapping[str, str]

    def find(self, key: str) -> Cell:
        """Return the cell of a key, or of the name of a folder.

        Raises
        ------
        UnknownNameError
            If there is none.
        """
        for cell in self.cells:
            if key in (cell.key, cell.name):
                return cell
        raise UnknownNameError("cell", key, [cell.name for cell in self.cells])


def gather_left_out(left_out: Iterable[LeftOut]) -> list[LeftOut]:
    """Gather combinations that were left out for one reason, a line each.

    Parameters
    ----------
    left_out : iterable of LeftOut
        Combinations one by one.

    Returns
    -------
    list of LeftOut
        By model and reason; tasks and domains are joined by commas.

    Examples
    --------
    >>> tasks = ("blood_flow", "lv_volume_3d")
    >>> left = [LeftOut(task, "mean", "beamspace", "It cannot.") for task in tasks]
    >>> gather_left_out(left)[0].task
    'blood_flow, lv_volume_3d'
    """
    found: dict[tuple[str, str], tuple[dict[str, None], dict[str, None]]] = {}
    for one in left_out:
        tasks, domains = found.setdefault((one.model, one.reason), ({}, {}))
        tasks[one.task] = domains[one.domain] = None
    return [
        LeftOut(", ".join(tasks), model, ", ".join(domains), reason)
        for (model, reason), (tasks, domains) in found.items()
    ]


def canonical_hash(value: object) -> str:
    """Hash what JSON can hold; the order of keys does not matter."""
    text = json.dumps(plain(value), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def plan_cells(spec: Spec, data: OpenDataset) -> Plan:
    """List the cells of a benchmark.

    Parameters
    ----------
    spec : Spec
        The benchmark.
    data : OpenDataset
        The dataset that it names.

    Returns
    -------
    Plan
        What can be computed, and what cannot and why. No recording is opened.

    Raises
    ------
    UnknownNameError
        If a fold is not among those of the dataset.
    NotProvidedError
        If the dataset does not come in folds.
    InvalidArgumentError
        If a protocol or a model refuses an option.
    """
    cells: list[Cell] = []
    left_out: list[LeftOut] = []
    metrics: dict[str, dict[str, Any]] = {}
    for task in spec.matrix.tasks:
        seen = {domain: _ask(spec, task, domain) for domain in spec.matrix.domains}
        for asked in seen.values():
            metrics.setdefault(task, {}).update(asked.metrics())
        for model in spec.matrix.models:
            for domain, asked in seen.items():
                reason = _unfit(spec, model, task, domain, asked)
                found = [] if reason else _cells(spec, data, model, task, domain, asked)
                if isinstance(found, str):
                    reason, found = found, []
                if reason:
                    left_out.append(LeftOut(task, model, domain, reason))
                cells += found
    recipes = {model: spec.recipe(model).name for model in spec.matrix.models}
    return Plan(tuple(cells), tuple(left_out), _reduced(spec), metrics, recipes)


def check_filters(spec: Spec, filters: Filters) -> None:
    """Refuse a filter that no cell of the spec can pass.

    Parameters
    ----------
    spec : Spec
        The benchmark.
    filters : mapping of str to sequence
        By ``task``, ``model``, ``domain``, ``fold`` or ``seed``.

    Raises
    ------
    UnknownNameError
        If the matrix does not hold what a filter names.

    Examples
    --------
    >>> from cardium.bench import load_spec
    >>> check_filters(load_spec("echoxflow"), {"model": ["temporal_unet"], "fold": [0]})
    """
    matrix = spec.matrix
    folds = None if matrix.folds == "all" else matrix.folds
    known: dict[str, Sequence[str | int] | None] = {
        "task": matrix.tasks,
        "model": matrix.models,
        "domain": matrix.domains,
        "fold": folds,
        "seed": matrix.seeds,
    }
    for name, values in filters.items():
        there = known[name]
        for value in values:
            if there is not None and value not in there:
                kind = f"{name} in the matrix"
                raise UnknownNameError(kind, str(value), [str(one) for one in there])


@dataclass(frozen=True, slots=True)
class _Asked:
    """The protocols of a task in a domain, with all their options; or why not."""

    protocols: Mapping[str, Protocol]
    options: Mapping[str, Mapping[str, Setting]]
    refused: Mapping[str, str]

    def metrics(self) -> dict[str, Any]:
        """Describe the numbers of each protocol; the corrected ones are the task's."""
        found = {}
        scorers: dict[str, Protocol | Task] = {}
        for name, protocol in self.protocols.items():
            scorers["corrected"] = protocol.task
            if name == "published":
                scorers["published"] = protocol
        for name, of in scorers.items():
            titles = {key: asdict(metric) for key, metric in of.metrics.items()}
            found[name] = {"metrics": titles, "primary": of.primary}
        return found


def _options_of(
    spec: Spec, task: str, protocol: str, domain: str
) -> dict[str, Setting]:
    """Return every option of a protocol: its default, or what the spec says."""
    from cardium.protocols import protocol_options

    defaults = protocol_options(task, protocol)
    asked = {**spec.protocol.get(task, {}), "domain": domain}
    chosen = {**defaults, **{k: v for k, v in asked.items() if k in defaults}}
    return {key: value for key, value in chosen.items() if value is not None}


def _ask(spec: Spec, task: str, domain: str) -> _Asked:
    """Open the protocols of a task."""
    from cardium.protocols import PROTOCOLS, open_protocol, tasks_of

    protocols, options, refused = {}, {}, {}
    for name in PROTOCOLS:
        if task not in tasks_of(name):
            refused[name] = f"The task has no protocol '{name}'."
            continue
        chosen = _options_of(spec, task, name, domain)
        try:
            if "domain" in chosen:
                open_protocol(task, name, domain=domain)
        except InvalidArgumentError as error:
            refused[name] = str(error)  # the domain alone is refused: not the spec's
            continue
        protocols[name] = open_protocol(task, name, **chosen)
        options[name] = chosen
    return _Asked(protocols, options, refused)


def _unfit(spec: Spec, model: str, task: str, domain: str, asked: _Asked) -> str:
    """Say why a model cannot answer a task in a domain; empty if it can."""
    recipe = spec.recipe(model)
    if task not in recipe.tasks:
        return "It does not answer this task."
    if domain not in recipe.domains:
        return "It does not see this domain."
    return asked.refused.get(recipe.protocol, "")


def _cells(
    spec: Spec, data: OpenDataset, model: str, task: str, domain: str, asked: _Asked
) -> list[Cell] | str:
    """List the cells of one combination, or say why the dataset serves none."""
    recipe = spec.recipe(model)
    try:
        usable = asked.protocols[recipe.protocol].task.usable(data.catalog)
    except NotProvidedError as error:
        return str(error)
    facts = {
        "schema": SCHEMA,
        "data": _data_facts(spec, data, usable),
        "task": task,
        "domain": domain,
        "protocols": {name: dict(chosen) for name, chosen in asked.options.items()},
        "model": _model_facts(spec, model),
    }
    return [
        Cell(task, model, domain, fold, seed, {**facts, "fold": fold, "seed": seed})
        for fold in _folds(spec, usable)
        for seed in spec.matrix.seeds
    ]


def _data_facts(spec: Spec, data: OpenDataset, usable: Catalog) -> dict[str, Any]:
    """Say which recordings there are."""
    return {
        "name": data.dataset.name,
        "version": data.dataset.info.version,
        "fingerprint": fingerprint(usable),
        "limit": spec.data.limit,
        "fraction": spec.data.fraction,
        **({"prepared": True} if spec.data.prepared else {}),
    }


def _model_facts(spec: Spec, model: str) -> dict[str, Any]:
    """Say what learns, and how."""
    from cardium.fit.run import choose_settings

    recipe = spec.recipe(model)
    chosen = choose_settings(model, recipe.settings, spec.variant(model).settings)
    facts: dict[str, Any] = {
        "recipe": recipe.name,
        "protocol": recipe.protocol,
        "settings": chosen,
    }
    if recipe.family == "network":
        training, precision = training_of(spec, model)
        facts |= {"training": asdict(training), "precision": precision}
    return facts


def _folds(spec: Spec, usable: Catalog) -> list[int]:
    """List the folds that are scored."""
    found = [re.fullmatch(r"fold(\d+)", name) for name in usable.splits]
    there = sorted(int(one[1]) for one in found if one)
    if len(there) < 2:
        raise NotProvidedError(
            "A benchmark scores each fold of a dataset with models trained on the "
            f"others; there are {len(there)} folds (splits: "
            f"{', '.join(usable.splits) or 'none'})."
        )
    if spec.matrix.folds == "all":
        return there
    for fold in spec.matrix.folds:
        if fold not in there:
            raise UnknownNameError("fold", str(fold), [str(one) for one in there])
    return list(spec.matrix.folds)


def _reduced(spec: Spec) -> tuple[str, ...]:
    """Name what is not as the papers have it."""
    from cardium.protocols import PROTOCOLS, protocol_options, tasks_of

    found = []
    if spec.data.fraction < 1:
        found.append(f"{spec.data.fraction:g} of the patients")
    if spec.data.limit:
        found.append(f"{spec.data.limit} recordings a side")
    if spec.matrix.folds != "all":
        found.append(f"folds {', '.join(map(str, spec.matrix.folds))} alone")
    for task in spec.matrix.tasks:
        asked, defaults = spec.protocol.get(task, {}), dict[str, Setting]()
        for name in reversed(PROTOCOLS):  # the published defaults are the paper's
            if task in tasks_of(name):
                defaults |= protocol_options(task, name)
        found += _differences(task, asked, defaults)
    for model in spec.matrix.models:
        recipe = spec.recipe(model)
        found += _differences(model, spec.variant(model).settings, recipe.settings)
        if recipe.family == "network":
            training, precision = training_of(spec, model)
            usual = {**asdict(recipe.training), "precision": PRECISIONS[0]}
            chosen = {**asdict(training), "precision": precision}
            found += _differences(model, chosen, usual)
    return tuple(found)


def _differences(
    of: str, chosen: Mapping[str, Setting], usual: Mapping[str, Setting]
) -> list[str]:
    """Name the values that are not the usual ones."""
    return [
        f"{of} {name} {value} ({usual[name]})"
        for name, value in chosen.items()
        if value != usual[name]
    ]
