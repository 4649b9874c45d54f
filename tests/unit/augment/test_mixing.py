"""core/augment/mixing.py: MixUp and CutMix."""

import json
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter, ValidationError
from scipy import stats
from torch import Tensor

from core.augment import AnyMixing, CutMix, MixDraw, Mixing, MixUp, MixUpOrCutMix, NoMixing
from core.augment import mixing as mixing_module
from core.augment.mixing import cut_box, draw_beta
from core.spec import choices_of, kind_of, settings_of
from core.vision import torchvision  # noqa: F401  (must come before its parts)

from . import references
from .cases import generator, some_images

from torchvision.transforms import v2  # isort: skip

DRAWS = 20_000
LEVEL = 1e-3
CLASSES = 7
ADAPTER: TypeAdapter[Mixing] = TypeAdapter(AnyMixing)

CASES = {
    "none": NoMixing(),
    "mixup": MixUp(alpha=0.4),
    "cutmix": CutMix(),
    "mixup_or_cutmix": MixUpOrCutMix(mixup_alpha=0.2, cutmix_alpha=2.0),
}
every_case = pytest.mark.parametrize("mixing", CASES.values(), ids=CASES.keys())
every_mixed = pytest.mark.parametrize("mixing", list(CASES.values())[1:], ids=list(CASES)[1:])
shapes = pytest.mark.parametrize(
    ("count", "channels", "size"), [(8, 3, (32, 32)), (5, 1, (28, 28)), (6, 3, (20, 41)), (1, 3, (32, 32))]
)


def _batch(count: int = 12, channels: int = 3, size: tuple[int, int] = (32, 32)) -> tuple[Tensor, Tensor]:
    """Normalized images and labels."""
    images = some_images(count, channels, *size).sub(0.5).div(0.25)
    labels = torch.randint(CLASSES, (count,), generator=generator(3))
    return images.contiguous(memory_format=torch.channels_last), labels


def _draws(mixing: Mixing, count: int, size: tuple[int, int] = (32, 32)) -> Iterator[MixDraw]:
    random = generator(5)
    for _ in range(count):
        yield mixing.draw(64, *size, random)


def test_every_registered_choice_has_a_case() -> None:
    assert set(CASES) == {kind_of(choice) for choice in choices_of(AnyMixing)}


# the same as torchvision


@shapes
@pytest.mark.parametrize("share", [0.0, 0.123, 0.5, 0.987, 1.0])
def test_mixup_is_torchvisions(share: float, count: int, channels: int, size: tuple[int, int]) -> None:
    images, labels = _batch(count, channels, size)
    mixed, targets = MixUp().apply(images, labels, CLASSES, MixDraw(share))
    expected = references.mixed(images, labels, CLASSES, MixDraw(share))
    assert torch.equal(mixed, expected[0])
    assert torch.equal(targets, expected[1])


@shapes
def test_cutmix_is_torchvisions(count: int, channels: int, size: tuple[int, int]) -> None:
    images, labels = _batch(count, channels, size)
    for draw in _draws(CutMix(), 20, size):
        mixed, targets = CutMix().apply(images, labels, CLASSES, draw)
        expected = references.mixed(images, labels, CLASSES, draw)
        assert torch.equal(mixed, expected[0])
        assert torch.equal(targets, expected[1])


@pytest.mark.parametrize("size", [(32, 32), (28, 28), (20, 41)], ids=str)
def test_the_box_and_its_share_are_torchvisions(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    # torchvision draws inside; its draws are replaced by ours
    height, width = size
    transform, image = v2.CutMix(num_classes=CLASSES), torch.zeros(2, 3, height, width)
    random = generator(8)
    for share in (0.0, 0.05, 0.3, 0.5, 0.9, 0.999, 1.0):
        x, y = (int(torch.randint(side, (), generator=random)) for side in (width, height))
        asked = iter((x, y))  # torchvision asks for x, then for y
        with monkeypatch.context() as patch:
            patch.setattr(transform._dist, "sample", lambda _, share=share: torch.tensor([share]).double())
            patch.setattr(torch, "randint", lambda *_, asked=asked, **__: torch.tensor([next(asked)]))
            expected = transform.make_params([image])
        assert cut_box(share, x, y, height, width) == expected["box"]


@pytest.mark.parametrize("size", [(32, 32), (20, 41)], ids=str)
def test_cutmix_draws_as_torchvision_does(size: tuple[int, int]) -> None:
    transform, image = v2.CutMix(alpha=1.5, num_classes=CLASSES), torch.zeros(2, 3, *size)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        theirs = [transform.make_params([image]) for _ in range(DRAWS // 4)]
    ours = list(_draws(CutMix(alpha=1.5), DRAWS // 4, size))
    columns = [np.array([(*draw.box, draw.share) for draw in ours]).T]
    columns.append(np.array([(*each["box"], each["lam_adjusted"]) for each in theirs]).T)
    for one, other in zip(*columns, strict=True):
        assert stats.ks_2samp(one, other).pvalue > LEVEL


# what is drawn


@pytest.mark.parametrize("alpha", [0.1, 0.4, 1.0, 8.0])
def test_the_share_follows_beta(alpha: float) -> None:
    random = generator(4)
    shares = [draw_beta(alpha, random) for _ in range(DRAWS)]
    assert stats.kstest(shares, stats.beta(alpha, alpha).cdf).pvalue > LEVEL


def test_mixup_draws_its_share_from_beta() -> None:
    shares = [draw.share for draw in _draws(MixUp(alpha=0.4), DRAWS // 4)]
    assert stats.kstest(shares, stats.beta(0.4, 0.4).cdf).pvalue > LEVEL


@pytest.mark.parametrize("alpha", [1e-6, 1e-3, 1000.0])
def test_extreme_alphas_give_shares_too(alpha: float) -> None:
    random = generator(4)
    shares = np.array([draw_beta(alpha, random) for _ in range(2000)])
    assert np.isfinite(shares).all()
    assert shares.min() >= 0
    assert shares.max() <= 1
    if alpha < 1:  # all or nothing, one as often as the other
        assert stats.binomtest(int((shares > 0.5).sum()), 2000).pvalue > LEVEL
        assert np.minimum(shares, 1 - shares).mean() < 0.01
    else:
        assert np.abs(shares - 0.5).max() < 0.1


def test_centers_of_boxes_are_uniform_over_all_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    # 6 by 4 pixels at most: half of them and more always lie inside, which shows the centre
    monkeypatch.setattr(mixing_module, "draw_beta", lambda *_: 0.96)
    boxes = [draw.box for draw in _draws(CutMix(), DRAWS, (20, 32))]
    across = [right - 3 if right < 32 else left + 3 for left, _, right, _ in boxes]
    down = [bottom - 2 if bottom < 20 else top + 2 for _, top, _, bottom in boxes]
    places = np.bincount(np.array(down) * 32 + np.array(across), minlength=20 * 32)
    assert len(places) == 20 * 32
    assert stats.chisquare(places).pvalue > LEVEL


def test_one_of_the_two_is_drawn_with_equal_chance_and_its_own_alpha() -> None:
    draws = list(_draws(MixUpOrCutMix(mixup_alpha=0.4, cutmix_alpha=1.0), DRAWS // 2))
    blended = [draw.share for draw in draws if draw.box is None]
    assert stats.binomtest(len(blended), len(draws)).pvalue > LEVEL
    assert stats.kstest(blended, stats.beta(0.4, 0.4).cdf).pvalue > LEVEL
    boxes = [draw.box for draw in draws if draw.box is not None]
    alone = [draw.box for draw in _draws(CutMix(), DRAWS // 4)]
    for one, other in zip(zip(*boxes, strict=True), zip(*alone, strict=True), strict=True):
        assert stats.ks_2samp(one, other).pvalue > LEVEL


@every_mixed
def test_draws_come_from_the_generator_alone(mixing: Mixing) -> None:
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    first, again, other = (
        [mixing.draw(64, 32, 32, random) for _ in range(5)]
        for random in (generator(3), generator(3), generator(4))
    )
    assert first == again
    assert first != other
    assert len(set(first)) == 5
    assert torch.equal(before[0], torch.get_rng_state())
    assert np.array_equal(before[1], np.random.get_state()[1])


def test_another_global_seed_draws_the_same() -> None:
    draws = []
    for seed in (1, 2):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            draws.append(MixUpOrCutMix().draw(64, 32, 32, generator(3)))
    assert draws[0] == draws[1]


@every_case
def test_a_draw_is_plain_numbers(mixing: Mixing) -> None:
    for draw in _draws(mixing, 20):
        assert type(draw.share) is float
        assert 0 <= draw.share <= 1
        assert all(type(side) is int for side in draw.box or ())


# what is done with it


@every_case
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_the_input_is_left_alone_and_size_type_and_format_stay(
    mixing: Mixing, memory_format: torch.memory_format
) -> None:
    images, labels = _batch()
    images = images.contiguous(memory_format=memory_format)
    before = images.clone(), labels.clone()
    for draw in _draws(mixing, 6):
        mixed, _ = mixing.apply(images, labels, CLASSES, draw)
        assert torch.equal(images, before[0])
        assert torch.equal(labels, before[1])
        assert mixed.shape == images.shape
        assert mixed.dtype == images.dtype
        assert mixed.is_contiguous(memory_format=memory_format)


def test_none_gives_images_and_integer_labels_back() -> None:
    images, labels = _batch()
    state = generator()
    before = state.get_state()
    mixed, targets = NoMixing().apply(images, labels, CLASSES, NoMixing().draw(12, 32, 32, state))
    assert mixed is images
    assert targets is labels
    assert torch.equal(before, state.get_state())


@every_mixed
def test_targets_are_probabilities_of_both_labels(mixing: Mixing) -> None:
    images, labels = _batch()
    for draw in _draws(mixing, 20):
        _, targets = mixing.apply(images, labels, CLASSES, draw)
        assert targets.shape == (12, CLASSES)
        assert targets.dtype == torch.float32
        torch.testing.assert_close(targets.sum(1), torch.ones(12), rtol=0, atol=1e-6)
        for i in range(12):
            own, partner = labels[i], labels[i - 1]
            expected = draw.share if own != partner else 1.0
            assert targets[i, own].item() == pytest.approx(expected, abs=1e-6)


def test_labels_of_cutmix_are_blended_by_the_pixels_that_stay() -> None:
    images = torch.arange(6.0).view(6, 1, 1, 1).expand(6, 1, 24, 40).contiguous()
    labels = torch.arange(6)
    for draw in _draws(CutMix(), 50, (24, 40)):
        mixed, targets = CutMix().apply(images, labels, 6, draw)
        stays = (mixed == images).float().mean(dim=(1, 2, 3))
        torch.testing.assert_close(stays, targets.diagonal(), rtol=0, atol=1e-6)


def test_cross_entropy_takes_the_targets() -> None:
    images, labels = _batch()
    logits = torch.randn(12, CLASSES, generator=generator())
    _, targets = MixUp().apply(images, labels, CLASSES, MixDraw(0.3))
    criterion = torch.nn.CrossEntropyLoss()
    expected = 0.3 * criterion(logits, labels) + 0.7 * criterion(logits, labels.roll(1))
    torch.testing.assert_close(criterion(logits, targets), expected)


def test_a_label_that_is_none_is_refused() -> None:
    images, _ = _batch(2)
    with pytest.raises(RuntimeError):
        MixUp().apply(images, torch.tensor([0, -1]), CLASSES, MixDraw(0.3))


@every_case
def test_nothing_is_read_back_from_the_device(mixing: Mixing) -> None:
    # a meta tensor has no values: reading one raises
    images, labels = (each.to("meta") for each in _batch())
    for draw in _draws(mixing, 6):
        mixed, targets = mixing.apply(images, labels, CLASSES, draw)
        assert mixed.device.type == targets.device.type == "meta"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@every_mixed
def test_a_gpu_gives_the_same_without_a_host_sync(mixing: Mixing) -> None:
    images, labels = _batch()
    on_gpu = images.cuda(), labels.cuda()
    for draw in _draws(mixing, 6):
        expected = mixing.apply(images, labels, CLASSES, draw)
        mixing.apply(*on_gpu, CLASSES, draw)  # the first call may load kernels, which waits
        torch.cuda.set_sync_debug_mode("error")
        try:
            changed = mixing.apply(*on_gpu, CLASSES, draw)
        finally:
            torch.cuda.set_sync_debug_mode("default")
        for ours, theirs in zip(changed, expected, strict=True):
            torch.testing.assert_close(ours.cpu(), theirs, rtol=0, atol=1e-5)


# the form and the recipe file


@pytest.mark.parametrize("choice", choices_of(AnyMixing), ids=lambda choice: choice.__name__)
def test_every_choice_can_be_shown_in_a_form(choice: type[Mixing]) -> None:
    assert choice.label
    assert "Source: " in (choice.__doc__ or "")
    assert all(each.help and each.label and not each.required for each in settings_of(choice))
    assert ADAPTER.validate_json(choice().model_dump_json()) == choice()


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("none", {"alpha": 1.0}),
        ("mixup", {"alpha": 0}),
        ("mixup", {"alpha": -1.0}),
        ("cutmix", {"alpha": None}),
        ("mixup_or_cutmix", {"alpha": 1.0}),
        ("mixup_or_cutmix", {"cutmix_alpha": 0.0}),
        ("cut_mix", {}),
    ],
)
def test_impossible_values_are_refused(kind: str, settings: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ADAPTER.validate_json(json.dumps({"kind": kind, **settings}))


@pytest.mark.parametrize(
    ("mixing", "text"),
    [
        (NoMixing(), "No mixing"),
        (MixUp(alpha=0.2), "MixUp, alpha 0.2"),
        (CutMix(), "CutMix, alpha 1"),
        (MixUpOrCutMix(mixup_alpha=0.2), "MixUp (alpha 0.2) or CutMix (alpha 1), per batch"),
    ],
)
def test_a_summary_is_short_and_plain(mixing: Mixing, text: str) -> None:
    assert mixing.summary() == text
