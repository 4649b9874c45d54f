"""What every augmentation promises."""

import pytest
import torch
from torch import Tensor

from core.augment import AnyAugmentation, Augmentation
from core.spec import choices_of, kind_of

from .cases import CASES, every_case, generator, make, some_images


def _varied(draws: dict[str, torch.Tensor]) -> set[str]:
    """What is not the same for all images."""
    return {name for name, values in draws.items() if (values != values[:1]).any()}


def _assert_close(augmentation: Augmentation, one: Tensor, other: Tensor, tolerance: float) -> None:
    """Equal but for rounding. Where one operation follows another, a rounded value may fall on the
    other side of a threshold or between two of 256 levels: one value in a thousand may."""
    beyond = ((one - other).abs() > tolerance).float().mean().item()
    assert beyond <= (1e-3 if kind_of(augmentation) == "rand_augment" else 0.0)


def test_every_registered_choice_has_a_case() -> None:
    assert {kind_of(case) for case in CASES.values()} == {kind_of(c) for c in choices_of(AnyAugmentation)}


@every_case
def test_draws_have_one_row_per_image_and_stay_on_the_cpu(augmentation: Augmentation) -> None:
    draws = augmentation.draw(7, 32, 40, generator())
    assert draws["active"].dtype == torch.bool
    for values in draws.values():
        assert values.shape[0] == 7
        assert values.device.type == "cpu"


@every_case
def test_the_same_seed_draws_the_same_and_another_seed_does_not(augmentation: Augmentation) -> None:
    first, again, other = (augmentation.draw(200, 32, 32, generator(seed)) for seed in (3, 3, 4))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert all(not torch.equal(first[name], other[name]) for name in _varied(first))


@every_case
def test_the_global_random_state_is_left_alone(augmentation: Augmentation) -> None:
    before = torch.get_rng_state()
    augmentation.apply(some_images(4), augmentation.draw(4, 32, 32, generator()))
    assert torch.equal(before, torch.get_rng_state())


@every_case
def test_the_generator_moves_on_by_the_count_alone(augmentation: Augmentation) -> None:
    states = []
    for p in (0.0, 1.0):
        random = generator()
        augmentation.model_copy(update={"p": p}).draw(50, 32, 32, random)
        states.append(random.get_state())
    assert torch.equal(*states)


@pytest.mark.parametrize("kind", [kind_of(choice) for choice in choices_of(AnyAugmentation)])
def test_two_images_of_a_batch_get_different_draws(kind: str) -> None:
    draws = make(kind).draw(64, 32, 32, generator())
    assert _varied(draws)
    if len(draws) > 1:
        assert _varied(draws) - {"active"}


@every_case
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_size_type_format_and_range_stay(
    augmentation: Augmentation, channels: int, memory_format: torch.memory_format
) -> None:
    images = some_images(24, channels, 28, 36).contiguous(memory_format=memory_format)
    before = images.clone()
    changed = augmentation.apply(images, augmentation.draw(24, 28, 36, generator()))
    assert torch.equal(images, before), "the input was changed"
    assert changed.shape == images.shape
    assert changed.dtype == images.dtype
    assert changed.is_contiguous(memory_format=memory_format)
    assert changed.isfinite().all()
    assert 0 <= changed.min() <= changed.max() <= 1


@every_case
def test_inactive_images_are_unchanged_to_the_bit(augmentation: Augmentation) -> None:
    images = some_images(40)
    draws = augmentation.model_copy(update={"p": 0.5}).draw(40, 32, 32, generator())
    inactive = ~draws["active"]
    assert 0 < inactive.sum() < 40
    assert torch.equal(augmentation.apply(images, draws)[inactive], images[inactive])


@every_case
def test_with_p_0_nothing_changes_and_with_p_1_every_image_is_active(augmentation: Augmentation) -> None:
    images = some_images(300, height=8, width=16)
    never = augmentation.model_copy(update={"p": 0.0, "padding": 2, "kernel_size": 3})
    assert torch.equal(never.apply(images, never.draw(300, 8, 16, generator())), images)
    always = never.model_copy(update={"p": 1.0})
    assert always.draw(300, 8, 16, generator())["active"].all()


@every_case
def test_an_image_changes_alike_alone_and_in_a_batch(augmentation: Augmentation) -> None:
    images = some_images(12)
    draws = augmentation.draw(12, 32, 32, generator())
    batch = augmentation.apply(images, draws)
    for i in range(12):
        alone = augmentation.apply(images[i : i + 1], {name: v[i : i + 1] for name, v in draws.items()})
        _assert_close(augmentation, alone[0], batch[i], 1e-6)


@every_case
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_other_float_types_are_kept(augmentation: Augmentation, dtype: torch.dtype) -> None:
    images = some_images(12)
    draws = augmentation.draw(12, 32, 32, generator())
    changed = augmentation.apply(images.to(dtype), draws)
    assert changed.dtype == dtype
    if dtype == torch.float64:
        _assert_close(augmentation, changed.float(), augmentation.apply(images, draws), 1e-5)


@every_case
def test_images_that_are_no_dense_block_of_memory_are_taken(augmentation: Augmentation) -> None:
    wide = some_images(12, width=64)
    view, dense = wide[..., ::2], wide[..., ::2].contiguous()
    draws = augmentation.draw(12, 32, 32, generator())
    _assert_close(augmentation, augmentation.apply(view, draws), augmentation.apply(dense, draws), 1e-6)


@every_case
def test_nothing_is_read_back_from_the_device(augmentation: Augmentation) -> None:
    # a meta tensor has no values: reading one, or a shape that depends on one, raises
    images = torch.empty(16, 3, 32, 32, device="meta").contiguous(memory_format=torch.channels_last)
    changed = augmentation.apply(images, augmentation.draw(16, 32, 32, generator()))
    assert changed.shape == images.shape
    assert changed.device.type == "meta"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gives_the_same_images_without_a_host_sync() -> None:
    images = some_images(64)
    on_gpu = images.cuda()
    for name, augmentation in CASES.items():
        draws = augmentation.draw(64, 32, 32, generator())
        expected = augmentation.apply(images, draws)
        augmentation.apply(on_gpu, draws)  # the first call may load kernels, which waits
        torch.cuda.set_sync_debug_mode("error")
        try:
            changed = augmentation.apply(on_gpu, draws)
        finally:
            torch.cuda.set_sync_debug_mode("default")
        differing = ((changed.cpu() - expected).abs().amax(dim=1) > 1 / 255).float().mean()
        assert differing <= (1e-3 if kind_of(augmentation) == "rand_augment" else 1e-4), name
