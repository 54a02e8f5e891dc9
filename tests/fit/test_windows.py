from __future__ import annotations

import pytest
import torch
from torch import nn

from cardium.fit._tensors import InputFormat
from cardium.fit._windows import answer_events, answer_records, window_starts


class FirstSample(nn.Module):
    """Answers with what its window begins with, and how long it is."""

    def forward(self, records: torch.Tensor) -> torch.Tensor:
        length = torch.full((len(records),), float(records.shape[2]))
        return torch.stack([records[:, 0, 0], length], 1)


def form(**options) -> InputFormat:
    options = {"seconds": 10.0, "rate": 10.0, "leads": ("I",)} | options
    return InputFormat(1, **options)


@pytest.mark.parametrize("samples", [25, 26, 100, 101, 113])
def test_windows_cover_a_record_and_overlap_by_half(samples: int) -> None:
    starts = window_starts(samples, 25)
    assert starts[0] == 0
    assert starts[-1] + 25 == samples
    steps = torch.tensor(starts).diff()
    assert (steps[:-1] == 12).all()
    assert (steps <= 12).all()


def test_a_whole_record_is_answered_at_once() -> None:
    records = torch.arange(100.0).expand(3, 1, -1)
    lengths = torch.full((3,), 100)
    raw = answer_records(FirstSample(), records, lengths, form(), "multilabel")
    assert raw.tolist() == [[0, 100]] * 3


def test_windows_are_joined_by_their_probabilities() -> None:
    logits = torch.arange(100.0) / 10
    records = logits.expand(2, 1, -1)
    lengths = torch.full((2,), 100)
    starts = torch.tensor([0, 20, 40, 60]) / 10
    asked = form(crop=4.0)
    raw = answer_records(FirstSample(), records, lengths, asked, "multilabel")
    want = starts.sigmoid().mean()
    torch.testing.assert_close(raw[:, 0].sigmoid(), want.expand(2))
    asked = form(crop=4.0, aggregate="max")
    raw = answer_records(FirstSample(), records, lengths, asked, "multilabel")
    assert raw.tolist() == [[6.0, 40.0]] * 2
    raw = answer_records(FirstSample(), records, lengths, asked, "quantity")
    torch.testing.assert_close(raw[:, 0], starts.mean().expand(2))


def test_padding_is_not_asked() -> None:
    records = torch.full((3, 1, 100), 1e3)
    records[0, 0, :60] = 1
    records[1, 0, :20] = 2
    records[2, 0, :60] = 3
    lengths = torch.tensor([60, 20, 60])
    raw = answer_records(FirstSample(), records, lengths, form(crop=4.0), "quantity")
    assert raw.tolist() == [[1, 40], [2, 40], [3, 40]]


def test_each_event_is_answered_by_what_is_around_it() -> None:
    record = torch.arange(5000.0)[None]
    places = torch.arange(700) * 7
    asked = form(seconds=1.0)
    raw = answer_events(FirstSample(), record, places, asked, "cpu")
    assert raw[:, 0].tolist() == (places - 5).clamp(min=0).tolist()
    assert (raw[:, 1] == 10).all()
