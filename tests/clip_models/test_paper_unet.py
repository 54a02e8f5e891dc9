"""The published U-Nets: their size, their layers, their arithmetic."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from cardium.clip_models import CLIP_MODELS, frame_unet, temporal_unet
from cardium.clip_models._paper_unet import Convolution, at_quarters, replicate
from cardium.errors import InvalidArgumentError, UnknownNameError

PARAMETERS = {
    ("temporal_unet", "tissue_velocity"): 15_363_930,
    ("frame_unet", "tissue_velocity"): 5_206_746,
    ("temporal_unet", "blood_flow"): 15_095_812,
    ("frame_unet", "blood_flow"): 5_212_804,
    ("temporal_unet", "lv_segmentation"): 15_450_994,
    ("frame_unet", "lv_segmentation"): 5_239_090,
}
TASKS = {"tissue_velocity": 1, "blood_flow": 3, "lv_segmentation": 32}
SMALL = "4,6,8"


def batch_of(task: str, *, frames: int, rows: int, columns: int) -> dict[str, Tensor]:
    chance = torch.Generator().manual_seed(0)
    batch = {
        "input": torch.rand(2, 1, frames, rows, columns, generator=chance),
        "scale": torch.tensor([0.02, 0.03]),
        "limit": torch.tensor([0.5, 0.6]),
    }
    halves = (2, 2 * (frames - 1), rows, columns)
    match task:
        case "tissue_velocity":
            batch["target"] = torch.zeros(2, 1, frames - 1, rows, columns)
        case "blood_flow":
            batch["target"] = torch.zeros(2, 3, *halves[1:])
            batch |= {"box": torch.ones(2, rows, columns)}
            batch |= dict.fromkeys(("valid", "weight"), torch.ones(halves))
        case _:
            batch["target"] = torch.ones(2, 2, frames, rows, columns)
            batch["valid"] = torch.ones(2, frames)
    return batch


def textbook(weights: dict[str, Tensor], clip: Tensor, stages: int) -> Tensor:
    """The same network, written down again with torch's plain functions."""

    def convolve(x: Tensor, name: str, step: int = 1, groups: int = 1) -> Tensor:
        kernel = weights[f"{name}.weight"]
        time, rows, columns = (extent // 2 for extent in kernel.shape[2:])
        around = (columns, columns, rows, rows, time, time)
        wide = F.pad(x, around, mode="replicate") if rows else x
        bias, stride = weights[f"{name}.bias"], (1, step, step)
        return F.conv3d(wide, kernel, bias, stride, groups=groups)

    def activate(x: Tensor, name: str) -> Tensor:
        return F.prelu(F.instance_norm(x, eps=1e-5), weights[f"{name}.weight"])

    def residual(x: Tensor, name: str, step: int) -> Tensor:
        out = convolve(x, f"{name}.convolve", step)
        if f"{name}.activate.weight" in weights:
            out = activate(out, f"{name}.activate")
        if f"{name}.shortcut.weight" in weights:
            x = convolve(x, f"{name}.shortcut", step)
        return out + x

    passed = [clip]
    for stage in range(stages):
        step = 2 if stage < stages - 1 else 1
        passed.append(residual(passed[-1], f"unet.down.{stage}", step))
    x = passed.pop()
    for stage in reversed(range(stages - 1)):
        name = f"unet.up.{stage}"
        kernel = weights[f"{name}.enlarge.weight"]
        x = F.conv_transpose3d(
            torch.cat([passed.pop(), x], 1),
            kernel,
            weights[f"{name}.enlarge.bias"],
            stride=(1, 2, 2),
            padding=(kernel.shape[2] // 2, 1, 1),
            output_padding=(0, 1, 1),
        )
        x = activate(x, f"{name}.activate")
        if f"{name}.refine.weight" in weights:
            x = convolve(x, f"{name}.refine", groups=x.shape[1])
        x = residual(x, f"{name}.unit", 1)
    return x


@pytest.mark.parametrize(("model", "task"), PARAMETERS)
def test_the_number_of_weights_is_the_papers(model: str, task: str) -> None:
    recipe = CLIP_MODELS.find(model)
    network = recipe.build(task, "beamspace", **recipe.settings)
    count = sum(p.numel() for p in network.parameters())
    assert count == PARAMETERS[model, task]


@pytest.mark.parametrize(
    ("task", "flat"),
    [("tissue_velocity", 1), ("blood_flow", 3), ("lv_segmentation", 0)],
)
def test_kernels_and_widths_are_the_papers(task: str, flat: int) -> None:
    widths = [32, 64, 128, 256, 320, 320]
    for model in (temporal_unet, frame_unet):
        with torch.device("meta"):
            layers = model.build(task, "cartesian").unet
        temporal = model is temporal_unet
        spans = [3 if temporal and k >= flat else 1 for k in range(6)]
        for k, stage in enumerate(layers.down):
            into = [1, *widths][k]
            assert stage.convolve.weight.shape == (widths[k], into, spans[k], 3, 3)
            assert stage.convolve.stride == ((1, 2, 2) if k < 5 else (1, 1, 1))
            if k < 5:
                assert stage.shortcut.weight.shape == (widths[k], into, 1, 1, 1)
            else:
                assert isinstance(stage.shortcut, torch.nn.Identity)
        joined = [64, 128, 256, 512, 640]
        out = [TASKS[task], *widths]
        for k, stage in enumerate(layers.up):
            span = 3 if temporal else 1
            assert stage.enlarge.weight.shape == (joined[k], out[k], span, 3, 3)
            assert stage.unit.convolve.weight.shape[2:] == (spans[k], 3, 3)
            assert isinstance(stage.unit.activate, torch.nn.Identity) == (k == 0)
            assert stage.activate.weight.shape == (1,)
            if task == "tissue_velocity":
                assert isinstance(stage.refine, torch.nn.Identity)
            else:
                assert stage.refine.weight.shape == (out[k], 1, 1, 3, 3)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("model", [temporal_unet, frame_unet])
def test_the_network_is_the_textbooks_forwards_and_backwards(task, model) -> None:
    torch.manual_seed(1)
    network = model.build(task, "beamspace", widths=SMALL).double()
    with torch.no_grad():
        for name, value in network.named_parameters():
            if "activate" in name or "refine" in name:
                value += 0.3 * torch.randn_like(value)
    clip = torch.rand(2, 1, 5, 12, 16, dtype=torch.float64)
    weights = dict(network.named_parameters())
    mine, plain = network.unet(clip), textbook(weights, clip, stages=3)
    torch.testing.assert_close(mine, plain, rtol=1e-9, atol=1e-10)
    pull = torch.randn_like(plain)
    used = [v for k, v in weights.items() if k.startswith("unet")]
    for one, other in zip(
        torch.autograd.grad(mine, used, pull),
        torch.autograd.grad(plain, used, pull),
        strict=True,
    ):
        torch.testing.assert_close(one, other, rtol=1e-7, atol=1e-9)


def test_the_refinement_changes_nothing_at_first() -> None:
    network = temporal_unet.build("blood_flow", "beamspace", widths=SMALL)
    image = torch.rand(1, 4, 3, 6, 7)
    torch.testing.assert_close(network.unet.up[1].refine(image), image)


@pytest.mark.parametrize("task", TASKS)
def test_a_size_that_cannot_be_halved_is_padded_below_and_right(task: str) -> None:
    network = temporal_unet.build(task, "beamspace", widths=SMALL)
    clip = torch.rand(1, 1, 3, 10, 15)
    wide = F.pad(clip, (0, 1, 0, 2, 0, 0), mode="replicate")
    torch.testing.assert_close(network.unet(clip), network.unet(wide)[..., :10, :15])


def test_tissue_velocity_is_rows_a_frame_in_metres_a_second() -> None:
    network = temporal_unet.build("tissue_velocity", "cartesian", widths=SMALL)
    batch = batch_of("tissue_velocity", frames=5, rows=8, columns=12)
    raw, answer = network.unet(batch["input"]), network(batch)
    assert answer.shape == (2, 1, 4, 8, 12)
    torch.testing.assert_close(answer[0], 0.02 * raw[0, :, :4])
    torch.testing.assert_close(answer[1], 0.03 * raw[1, :, :4])


def test_flow_lies_at_the_quarters_and_its_velocity_in_units_of_the_limit() -> None:
    network = temporal_unet.build("blood_flow", "beamspace", widths=SMALL)
    batch = batch_of("blood_flow", frames=5, rows=8, columns=12)
    raw, answer = network.unet(batch["input"]), network(batch)
    between = F.interpolate(raw, size=(10, 8, 12), mode="trilinear")[:, :, 1:-1]
    torch.testing.assert_close(answer[:, 1:], between[:, 1:])
    torch.testing.assert_close(answer[0, 0], 0.5 * between[0, 0])
    torch.testing.assert_close(answer[1, 0], 0.6 * between[1, 0])


def test_quarters_of_a_ramp_are_exact() -> None:
    ramp = torch.arange(4.0).reshape(1, 1, 4, 1, 1)
    assert at_quarters(ramp).flatten().tolist() == [0.25, 0.75, 1.25, 1.75, 2.25, 2.75]


def test_segmentation_answers_probabilities() -> None:
    network = temporal_unet.build("lv_segmentation", "beamspace", widths=SMALL)
    batch = batch_of("lv_segmentation", frames=4, rows=8, columns=12)
    logits = network.classify(network.unet(batch["input"]))
    answer = network(batch)
    assert answer.shape == (2, 3, 4, 8, 12)
    torch.testing.assert_close(answer.sum(1), torch.ones(2, 4, 8, 12))
    torch.testing.assert_close(answer.log().diff(dim=1), logits.diff(dim=1))


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("model", [temporal_unet, frame_unet])
def test_every_weight_learns(task: str, model) -> None:
    torch.manual_seed(2)
    network = model.build(task, "beamspace", widths=SMALL)
    network.loss(batch_of(task, frames=4, rows=8, columns=12)).backward()
    assert all(p.grad is not None for p in network.parameters())
    moved = [name for name, p in network.named_parameters() if p.grad.abs().max() > 0]
    assert {n for n in dict(network.named_parameters()) if "weight" in n} <= set(moved)


def test_only_the_segmentation_in_beamspace_weighs_rows() -> None:
    torch.manual_seed(3)
    losses = {}
    for domain in ("beamspace", "cartesian"):
        for task in TASKS:
            torch.manual_seed(3)
            network = temporal_unet.build(task, domain, widths=SMALL)
            batch = batch_of(task, frames=4, rows=8, columns=12)
            losses[task, domain] = float(network.loss(batch).detach())
    for task in TASKS:
        same = losses[task, "beamspace"] == losses[task, "cartesian"]
        assert same == (task != "lv_segmentation")


def test_only_the_temporal_network_lets_a_frame_see_its_neighbours() -> None:
    clip = torch.rand(1, 1, 6, 8, 12, dtype=torch.float64)
    seen = {}
    for model in (temporal_unet, frame_unet):
        network = model.build("tissue_velocity", "beamspace", widths=SMALL).double()
        # Frozen statistics, which alone join the frames of the other network.
        for layer in network.unet.modules():
            if type(layer).__name__ == "_Activation":
                layer.forward = torch.tanh
        asked = clip.clone().requires_grad_()
        network.unet(asked)[0, 0, 3].square().sum().backward()
        seen[model] = (asked.grad[0, 0].abs().amax((1, 2)) > 0).tolist()
    assert seen[frame_unet] == [False, False, False, True, False, False]
    assert all(seen[temporal_unet][1:])


def test_half_precision_changes_an_answer_by_rounding_only() -> None:
    torch.manual_seed(4)
    network = temporal_unet.build("blood_flow", "beamspace", widths="8,8,8")
    batch = batch_of("blood_flow", frames=9, rows=16, columns=96)
    exact = network(batch)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = network(batch)
        network.loss(batch).backward()
    assert rounded.dtype == torch.float32
    assert (rounded - exact).abs().mean() < 0.03 * exact.abs().mean()


@pytest.mark.parametrize(
    ("shape", "step", "rounded"),
    [
        ((1, 2, 9, 8, 96), 1, False),
        ((1, 2, 12, 8, 96), 1, True),
        ((1, 2, 2, 8, 64), 1, True),
        ((1, 2, 1, 8, 8), 1, False),
        ((1, 2, 9, 2, 2), 2, False),
        ((1, 2, 9, 2, 4), 2, True),
    ],
)
def test_where_the_library_fails_in_16_bit_it_is_not_asked(shape, step, rounded):
    layer = Convolution(2, 3, (1, 3, 3), step=step)
    image = torch.rand(shape)
    with torch.autocast("cpu", torch.bfloat16):
        out = layer(image)
    assert out.dtype == (torch.bfloat16 if rounded else torch.float32)
    torch.testing.assert_close(out.float(), layer(image), rtol=0, atol=0.02)


def test_a_border_goes_on_as_it_ends_in_the_type_that_it_has() -> None:
    row = torch.tensor([1.0, 2.0, 3.0]).reshape(1, 1, 1, 1, 3)
    assert replicate(row, (1, 2, 0, 0, 0, 0)).flatten().tolist() == [1, 1, 2, 3, 3, 3]
    with torch.autocast("cpu", torch.bfloat16):
        assert replicate(row.bfloat16(), (1,) * 6).dtype == torch.bfloat16
    assert replicate(row, (0,) * 6) is row


def test_what_cannot_be_built_is_refused() -> None:
    for widths in ("32", "32,x", "", "32,0", "8,-8"):
        with pytest.raises(InvalidArgumentError, match="two or more positive"):
            temporal_unet.build("blood_flow", "beamspace", widths=widths)
    with pytest.raises(UnknownNameError):
        frame_unet.build("ecg_superclass", "beamspace")
