import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cardium.models._resize import nearest_indices, resize_weights

lengths = st.integers(2, 40)


@given(lengths, lengths)
def test_a_line_stays_a_line_and_its_ends_stay_where_they_are(
    length: int, more: int
) -> None:
    wanted = length + more
    line = np.linspace(-3, 7, length)
    resized = resize_weights(length, wanted) @ line
    np.testing.assert_allclose(resized, np.linspace(-3, 7, wanted), atol=1e-12)


@given(lengths, lengths)
def test_a_constant_stays_and_the_order_of_samples_does_not_matter(
    length: int, wanted: int
) -> None:
    weights = resize_weights(length, wanted)
    np.testing.assert_allclose(weights.sum(1), 1)
    np.testing.assert_allclose(weights, weights[::-1, ::-1], atol=1e-9)


@pytest.mark.parametrize(("length", "wanted"), [(7, 16), (16, 16), (40, 43)])
def test_growing_is_what_torch_calls_aligned_corners(length: int, wanted: int) -> None:
    values = torch.rand(1, 1, length, dtype=torch.float64)
    want = torch.nn.functional.interpolate(
        values, wanted, mode="linear", align_corners=True
    )
    got = resize_weights(length, wanted) @ values[0, 0].numpy()
    np.testing.assert_allclose(got, want[0, 0].numpy(), atol=1e-12)


def test_shrinking_averages_what_is_finer_than_the_new_step() -> None:
    stripes = np.arange(101) % 2
    resized = resize_weights(101, 11) @ stripes
    np.testing.assert_allclose(resized[1:-1], 0.5, atol=0.01)


@given(lengths, lengths)
def test_the_nearest_sample_is_at_most_half_a_sample_away(
    length: int, wanted: int
) -> None:
    indices = nearest_indices(length, wanted)
    assert indices[0] == 0
    assert indices[-1] == length - 1
    places = np.linspace(0, length - 1, wanted)
    assert (np.abs(indices - places) <= 0.5).all()
