from __future__ import annotations

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from cardium.core import Metric
from cardium.errors import InvalidArgumentError
from cardium.evaluate.bootstrap import Estimate
from cardium.evaluate.report import Report, ScoreTable
from cardium.plot import Case, choose_cases, compare_models, name_models, write_report
from cardium.plot.section import Comparison
from plot.conftest import METRICS

FOREIGN = '<script>alert("1")</script>&'
VOID = {"meta", "img", "br", "polyline", "line", "circle"}


class Page(HTMLParser):
    """What is in a page: elements, references, text; it refuses bad nesting."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def worse(report: Report, by: float, **model: object) -> Report:
    """The same report of a model that is worse in both metrics."""
    dice, hausdorff = report.summary["dice"], report.summary["hd_mm"]
    summary = {
        "dice": replace(dice, value=dice.value - by),
        "hd_mm": replace(hausdorff, value=hausdorff.value + by),
    }
    return replace(report, model=model, summary=summary)


def test_one_page_needs_nothing_else(report: Report, tmp_path: Path) -> None:
    picture = b"\x89PNG not really"
    write_report(
        [report],
        tmp_path / "out" / "report.html",
        title="From <a> to b",
        cases=[Case("Best", "all is well", picture)],
    )
    page = Page(tmp_path / "out" / "report.html")
    for _, attributes in page.elements:
        assert attributes.get("href") is None
        source = attributes.get("src")
        assert source is None or source.startswith("data:image/png;base64,")
    assert not re.search(r"url\(|@import|https?:", page.source)
    assert not page.all("script")
    assert page.all("html")[0]["lang"] == "en"
    [image] = page.all("img")
    assert base64.b64decode(str(image["src"]).split(",")[1]) == picture
    assert image["alt"] == "Best. all is well"
    assert "From <a> to b" in page.text
    assert "camus 1" in page.text
    assert "cardium 9.9" in page.text


def test_values_stand_with_their_intervals(report: Report, tmp_path: Path) -> None:
    write_report([report], tmp_path / "a.html")
    text = Page(tmp_path / "a.html").text
    assert "0.84 0.78 to 0.91" in text  # two digits of the interval's width
    assert "4.2 3.5 to 5.0" in text
    assert "300 patients, 600 recordings" in text
    assert "2CH 150 patients, 300 recordings 0.80 0.70 to 0.90" in text
    assert "(best)" not in text


def test_a_group_without_a_value_says_so(report: Report, tmp_path: Path) -> None:
    nan = float("nan")
    sexes = {
        "female": {"dice": Estimate(0.8, 0.7, 0.9, 50, 60)},
        "male": {"dice": Estimate(nan, nan, nan, 4, 5)},
    }
    write_report([replace(report, groups={"sex": sexes})], tmp_path / "a.html")
    text = Page(tmp_path / "a.html").text
    assert "male 4 patients, 5 recordings not defined" in text
    assert "female 50 patients, 60 recordings 0.80" in text


def test_predictions_of_a_file_are_said_to_be_unchecked(
    report: Report, tmp_path: Path
) -> None:
    model = {"name": "lstm", "file": "a.csv", "sha256": "0" * 64}
    write_report([replace(report, model=model)], tmp_path / "a.html")
    assert "leakage cannot be checked" in Page(tmp_path / "a.html").text


def test_other_values_may_rank_the_cases(report: Report) -> None:
    values = np.array([0.1, 0.5, 0.3, np.nan, 0.9])
    chosen = choose_cases(report, count=3, values=values)
    assert chosen == {"best": ["e"], "median": ["b"], "worst": ["a"]}


def test_foreign_text_is_escaped_everywhere(report: Report, tmp_path: Path) -> None:
    report = replace(
        report,
        model={"name": FOREIGN},
        dataset={"name": FOREIGN},
        split={"name": FOREIGN},
        options={FOREIGN: FOREIGN},
        metrics={"dice": Metric(FOREIGN, FOREIGN), "hd_mm": METRICS["hd_mm"]},
        groups={FOREIGN: {FOREIGN: report.summary}},
        skipped=((FOREIGN, FOREIGN),),
        seen={"val": 3},
        training=({"step": 1.0, "train_loss": 1.0}, {"step": 2.0, "train_loss": 0.5}),
        provenance={"scores": {"made": FOREIGN}, FOREIGN: FOREIGN},
    )
    other = replace(report, model={"name": FOREIGN + "2"})
    write_report(
        [report, other],
        tmp_path / "a.html",
        title=FOREIGN,
        cases=[Case(FOREIGN, FOREIGN, b"PNG")],
        comparisons=[Comparison(FOREIGN, FOREIGN, report.summary)],
    )
    page = Page(tmp_path / "a.html")
    assert not page.all("script")
    assert "<script" not in page.source
    assert page.text.count(FOREIGN) > 20
    assert FOREIGN in str(page.all("img")[0]["alt"])


def test_best_is_marked_by_what_is_good(report: Report, tmp_path: Path) -> None:
    reports = [worse(report, 0.1, name="mean"), report]
    write_report(reports, tmp_path / "a.html")
    cells = re.findall(
        r'<td class="number( best)?"><strong>([\d.]+)',
        Page(tmp_path / "a.html").source,
    )
    marked = {value for best, value in cells if best}
    assert marked == {"0.84", "4.2"}  # the higher Dice, the lower distance


def test_differences_are_said_in_words(report: Report, tmp_path: Path) -> None:
    found = {
        "dice": Estimate(0.05, 0.02, 0.08, 10, 10),
        "hd_mm": Estimate(0.5, 0.2, 0.8, 10, 10),
    }
    unsure = {"dice": Estimate(0.01, -0.02, 0.04, 10, 10)}
    write_report(
        [report, worse(report, 0.1, name="mean")],
        tmp_path / "a.html",
        comparisons=[Comparison("unet", "mean", found), Comparison("a", "b", unsure)],
    )
    text = Page(tmp_path / "a.html").text
    assert "+0.050 +0.020 to +0.080 the first is better" in text
    assert "+0.50 +0.20 to +0.80 the second is better" in text
    assert "+0.010 −0.020 to +0.040 no clear difference" in text


def test_models_are_compared_with_the_best(report: Report) -> None:
    lower = replace(
        report,
        model={"name": "mean"},
        scores=replace(
            report.scores,
            columns={"dice": np.asarray(report.scores.columns["dice"]) - 0.2},
        ),
        summary={"dice": Estimate(0.6, 0.5, 0.7, 3, 5)},
    )
    from cardium.tasks import open_task

    task = open_task("lv_segmentation")
    [one] = compare_models([lower, report], task=task)
    assert (one.first, one.second) == ("unet", "mean")
    assert one.differences["dice"].value == pytest.approx(0.2)
    assert compare_models([report], task=task) == []


def test_equal_names_are_told_apart(report: Report) -> None:
    twin = replace(report, model={"name": "unet", "seed": 1})
    other = replace(report, model={"name": "mean", "seed": 1})
    assert name_models([report, twin, other]) == [
        "unet (seed 0)",
        "unet (seed 1)",
        "mean",
    ]
    assert name_models([report, report]) == ["unet #1", "unet #2"]
    assert name_models([replace(report, model={})]) == ["model"]


@pytest.mark.parametrize(
    ("count", "best", "median", "worst"),
    [
        (1, "", "", "c"),
        (2, "", "a", "c"),
        (3, "d", "a", "c"),
        (4, "d", "a", "ce"),
        (9, "d", "a", "ce"),
    ],
)
def test_cases_are_best_median_and_worst(
    report: Report, count: int, best: str, median: str, worst: str
) -> None:
    # By Dice: d 0.95, a 0.9, e 0.8, c 0.7; b has none.
    chosen = choose_cases(report, count=count)
    if count == 9:
        assert sorted(k for part in chosen.values() for k in part) == list("acde")
        return
    shown = {name: "".join(part) for name, part in chosen.items()}
    assert shown["worst"] == worst
    assert shown["best"] == best
    assert len(shown["median"]) == len(median)
    assert set(shown["median"]) <= set("ae")


def test_cases_of_a_loss_are_best_where_it_is_low(report: Report) -> None:
    table = ScoreTable(tuple("abc"), tuple("pqr"), {}, {"loss": np.array([3.0, 1, 2])})
    report = replace(
        report,
        metrics={"auroc": Metric("AUROC"), "loss": Metric("Loss", "", False)},
        primary="auroc",
        scores=table,
    )
    assert choose_cases(report) == {"best": ["b"], "median": ["c"], "worst": ["a"]}
    with pytest.raises(InvalidArgumentError, match="got 0"):
        choose_cases(report, count=0)


def test_weak_numbers_are_announced(report: Report, tmp_path: Path) -> None:
    few = {"dice": Estimate(0.8, float("nan"), float("nan"), 4, 8)}
    weak = replace(report, summary=few, seen={"val": 8})
    write_report([weak], tmp_path / "a.html")
    text = Page(tmp_path / "a.html").text
    assert "8 of the scored recordings were used to choose the checkpoint" in text
    assert "Few patients were scored (4)" in text
    assert "0.800 no interval" in text
    write_report([report], tmp_path / "b.html")
    assert not [
        c for c in Page(tmp_path / "b.html").all("p") if c.get("class") == "notice"
    ]
    seen = replace(report, seen={"train": 5})
    write_report([seen], tmp_path / "c.html")
    assert "say nothing about new patients" in Page(tmp_path / "c.html").text


def test_classes_have_their_own_table(report: Report, tmp_path: Path) -> None:
    metrics = {
        "macro_auroc": Metric("AUROC"),
        "auroc_MI": Metric("AUROC, MI"),
        "log_loss": Metric("Log loss", "nats", False),
    }
    summary = {
        "macro_auroc": Estimate(0.9, 0.85, 0.95, 50, 50),
        "auroc_MI": Estimate(float("nan"), float("nan"), float("nan"), 50, 50),
        "log_loss": Estimate(0.4, 0.3, 0.5, 50, 50),
    }
    one = replace(
        report, metrics=metrics, primary="macro_auroc", summary=summary, groups={}
    )
    write_report([one], tmp_path / "a.html")
    text = Page(tmp_path / "a.html").text
    assert "By class" in text
    assert "AUROC, MI –" in text
    assert "By group" not in text


def test_skipped_recordings_are_counted_and_listed(
    report: Report, tmp_path: Path
) -> None:
    skipped = (*((f"r{k}", "no contour") for k in range(4)), ("s", "corrupt"))
    write_report([replace(report, skipped=skipped)], tmp_path / "a.html")
    text = Page(tmp_path / "a.html").text
    assert "no contour unet 4 r0, r1, r2 …" in text
    assert "All 5 of them" in text
    assert "r3 unet no contour" in text


def test_training_is_drawn_from_the_numbers(report: Report, tmp_path: Path) -> None:
    rows = tuple(
        {"step": float(k), "train_loss": 1.0 / (k + 1), "val_loss": float("nan")}
        for k in range(5)
    )
    write_report([replace(report, training=rows)], tmp_path / "a.html")
    page = Page(tmp_path / "a.html")
    [curve] = page.all("polyline")
    points = np.array([p.split(",") for p in str(curve["points"]).split()], float)
    assert len(points) == 5
    assert (np.diff(points[:, 0]) > 0).all()
    assert (np.diff(points[:, 1]) > 0).all()  # down the page, as the loss falls
    assert "unet, training" in page.text
    assert "unet, validation" not in page.text


def test_reports_that_do_not_compare_are_refused(
    report: Report, tmp_path: Path
) -> None:
    with pytest.raises(InvalidArgumentError, match="got none"):
        write_report([], tmp_path / "a.html")
    for other in (
        replace(report, task="tissue_velocity"),
        replace(report, dataset={"name": "echoxflow"}),
        replace(report, split={"name": "val"}),
    ):
        with pytest.raises(InvalidArgumentError, match="do not compare"):
            write_report([report, other], tmp_path / "a.html")
    assert list(tmp_path.iterdir()) == []


def test_tables_are_marked_up_for_screen_readers(
    report: Report, tmp_path: Path
) -> None:
    write_report([report], tmp_path / "a.html")
    page = Page(tmp_path / "a.html")
    assert all(cell.get("scope") in ("row", "col") for cell in page.all("th"))
    assert len(page.all("caption")) == len(page.all("table"))
    assert all(svg.get("aria-label") for svg in page.all("svg"))


def test_a_case_without_picture_is_its_caption(report: Report, tmp_path: Path) -> None:
    case = Case("unet, worst: r7", "Dice 0.1. Not drawn: 'r7' is gone.", b"")
    write_report([report], tmp_path / "a.html", cases=[case])
    page = Page(tmp_path / "a.html")
    assert "Not drawn: 'r7' is gone." in page.text
    assert not page.all("img")
