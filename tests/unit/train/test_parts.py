"""What the loop is put together from: seeds, device, images, meter, evaluation."""

import importlib
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from core.data import Dataset
from core.errors import Unavailable
from core.recipe import AnyNormalization
from core.recipe.normalization import DatasetNormalization
from core.spec import choices_of
from core.train import (
    Interrupted,
    available_devices,
    build_model,
    derive_seed,
    evaluate,
    generator_for,
    load_images,
    predict_logits,
    resolve_compute,
    resolve_device,
    statistics_for,
    to_device,
    to_float,
)
from core.train import device as device_module
from core.train.batches import training_chunks
from core.train.images import Normalizer, channels_for, fits, gather
from core.train.step import Meter
from tests.unit import tiny
from tests.unit.train import setups

CPU = torch.device("cpu")
evaluate_module = importlib.import_module("core.train.evaluate")  # the function has its name


# Seeds


def test_seeds_are_the_same_everywhere_and_for_ever() -> None:
    """Runs of today must be repeatable by later versions: these numbers may not change."""
    assert derive_seed(0, "weights") == 664910812957149500
    assert derive_seed(3, "order", 2) == 5395776396005811069


def test_streams_epochs_and_seeds_are_independent() -> None:
    keys = [(s, n, e) for s in (0, 1, 11) for n in ("order", "augment", "dropout") for e in (0, 1, 11)]
    assert len({derive_seed(*key) for key in keys}) == len(keys)
    assert all(0 <= derive_seed(*key) < 2**63 for key in keys)


def test_a_generator_of_its_own() -> None:
    before = torch.random.get_rng_state()
    a, b = (torch.rand(4, generator=generator_for(1, "order", 2)) for _ in range(2))
    assert torch.equal(a, b)
    assert torch.equal(before, torch.random.get_rng_state())


# Device


def test_the_processor_is_always_there() -> None:
    assert available_devices()[-1] == "cpu"
    assert resolve_device("cpu") == "cpu"
    assert resolve_device("auto") == available_devices()[0]


@pytest.mark.parametrize("name", ["cuda:99", "tpu", "cuda:x", "CPU"])
def test_a_device_that_is_not_there_is_named_with_those_that_are(name: str) -> None:
    with pytest.raises(Unavailable) as caught:
        resolve_device(name)
    assert str(caught.value).startswith(f"device = {name!r}: ")
    assert "choose 'auto' or" in str(caught.value)
    assert "cpu" in str(caught.value)


def test_cuda_stands_for_the_first_gpu_and_auto_prefers_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert available_devices()[:2] == ["cuda:0", "cuda:1"]
    assert resolve_device("cuda") == resolve_device("auto") == "cuda:0"
    assert resolve_device("cuda:1") == "cuda:1"


def test_fp32_is_fp32() -> None:
    compute = resolve_compute("cpu", "fp32")
    assert (compute.device, compute.dtype, compute.autocast) == (CPU, torch.float32, False)
    assert "fp32" in compute.reason
    assert compute.name.startswith("CPU, ")


@pytest.mark.parametrize(
    ("flags", "dtype"),
    [
        ({"avx2", "avx512_bf16"}, torch.bfloat16),
        ({"amx_bf16"}, torch.bfloat16),
        ({"avx2", "avx512f"}, torch.float32),
        (set(), torch.float32),
    ],
    ids=["avx512_bf16", "amx", "neither", "unknown"],
)
def test_auto_takes_bf16_only_where_the_processor_has_it(
    monkeypatch: pytest.MonkeyPatch, flags: set[str], dtype: torch.dtype
) -> None:
    monkeypatch.setattr(device_module, "_cpu_flags", lambda: frozenset(flags))
    compute = resolve_compute("cpu", "auto")
    assert compute.dtype == dtype
    assert compute.reason.startswith("bf16" if dtype == torch.bfloat16 else "fp32")


# Images


def test_bytes_become_floats_from_0_to_1() -> None:
    images = torch.tensor([0, 51, 255], dtype=torch.uint8).reshape(1, 1, 1, 3)
    found = to_float(images)
    assert found.shape == (1, 3, 1, 1)
    assert found.flatten().tolist() == pytest.approx([0.0, 0.2, 1.0])


def test_the_images_of_a_bank_are_the_data_sets(dataset: Dataset) -> None:
    bank = load_images(dataset, "as stored", CPU)
    assert np.array_equal(bank.images.numpy(), dataset.images)
    assert np.array_equal(bank.labels.numpy(), dataset.labels)
    assert np.array_equal(bank.train.numpy(), dataset.indices("train"))
    assert np.array_equal(bank.val.numpy(), dataset.indices("val"))
    assert bank.channels == 3
    assert bank.classes == dataset.info.classes


def test_the_clean_subset_is_fixed_and_as_large_as_val(dataset: Dataset) -> None:
    first, second = (load_images(dataset, "as stored", CPU) for _ in range(2))
    assert torch.equal(first.clean_train, second.clean_train)
    assert len(first.clean_train) == len(first.val)
    assert set(first.clean_train.tolist()) <= set(first.train.tolist())
    assert len(set(first.clean_train.tolist())) == len(first.clean_train)
    assert not torch.equal(first.clean_train, first.train[: len(first.val)]), "not just the first ones"


@pytest.mark.parametrize(("color", "stored", "seen"), [("rgb", 1, 3), ("rgb", 3, 3), ("as stored", 1, 1)])
def test_greyscale_is_repeated_only_where_asked(color: str, stored: int, seen: int) -> None:
    images = np.arange(2 * 4 * 4 * stored, dtype=np.uint8).reshape(2, 4, 4, stored)
    found = to_device(images, color, CPU)
    assert channels_for(color, stored) == found.shape[3] == seen
    for channel in range(seen):
        assert np.array_equal(found[..., channel].numpy(), images[..., channel % stored])


@pytest.mark.parametrize("spec", choices_of(AnyNormalization), ids=lambda spec: spec.__name__)
def test_statistics_follow_the_recipe(dataset: Dataset, spec: type) -> None:
    recipe = tiny.recipe().model_copy(update={"normalization": spec()})
    own = (dataset.info.mean, dataset.info.std)
    assert statistics_for(recipe, dataset) == spec().statistics(3, own)


def test_statistics_of_a_grey_set_seen_in_colour(dataset: Dataset) -> None:
    grey = type("Grey", (), {})()
    grey.info = dataset.info.model_copy(update={"channels": 1, "mean": (0.2,), "std": (0.3,)})
    recipe = tiny.recipe(data={"name": "x", "color": "rgb"})
    recipe = recipe.model_copy(update={"normalization": DatasetNormalization()})
    assert statistics_for(recipe, grey) == ((0.2,) * 3, (0.3,) * 3)


def test_the_data_sets_own_normalization_centres_its_training_images(dataset: Dataset) -> None:
    bank = load_images(dataset, "as stored", CPU)
    normalized = Normalizer(statistics_for(tiny.recipe(), dataset), CPU)(to_float(bank.images[bank.train]))
    assert normalized.mean(dim=(0, 2, 3)).abs().max() < 1e-3
    assert (normalized.std(dim=(0, 2, 3)) - 1).abs().max() < 1e-2


def test_training_chunks_are_an_epochs_permutation_with_its_labels(dataset: Dataset) -> None:
    bank = load_images(dataset, "as stored", CPU)
    recipe = tiny.recipe(batch_size=16)
    normalizer = Normalizer(((0.0,) * 3, (1.0,) * 3), CPU)
    chunks = list(training_chunks(recipe, bank, normalizer, 3))
    order = bank.train[torch.randperm(len(bank.train), generator=generator_for(recipe.seed, "order", 3))]
    assert torch.equal(torch.cat([chunk.labels for chunk in chunks]), bank.labels[order])
    assert torch.equal(torch.cat([chunk.images for chunk in chunks]), to_float(bank.images[order]))
    assert [len(chunk) % 16 for chunk in chunks[:-1]] == [0] * (len(chunks) - 1)
    assert chunks[0].images.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(("size", "resident"), [(400, True), (500, True), (501, False)])
def test_images_lie_on_a_gpu_where_they_take_up_to_half_of_its_free_memory(
    monkeypatch: pytest.MonkeyPatch, size: int, resident: bool
) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (1000, 8000))
    assert fits(size, torch.device("cuda:0")) == resident
    assert fits(size, CPU)


def test_images_that_lie_elsewhere_are_brought_over(dataset: Dataset) -> None:
    bank = load_images(dataset, "rgb", CPU)
    assert not bank.streamed
    assert replace(bank, labels=bank.labels.to("meta")).streamed
    chosen = torch.tensor([5, 0, 5])
    assert torch.equal(gather(bank.images, chosen, CPU), bank.images[chosen])
    assert gather(bank.images, chosen, torch.device("meta")).shape == (3, *bank.images.shape[1:])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
def test_streamed_images_are_those_that_lie_on_the_gpu(dataset: Dataset) -> None:
    gpu = torch.device("cuda:0")
    here, there = (load_images(dataset, "as stored", gpu, resident=resident) for resident in (True, False))
    assert (here.streamed, there.streamed) == (False, True)
    chosen = torch.tensor([5, 0, 5])
    assert torch.equal(gather(here.images, chosen, gpu), gather(there.images, chosen, gpu))


# Meter


def test_a_meter_weighs_batches_by_their_images() -> None:
    meter = Meter(CPU)
    for loss, hits, images in ((1.0, 3, 4), (4.0, 1, 2)):
        meter.add(torch.tensor(loss), torch.tensor(hits), images)
        meter.count(images)
    assert meter.read() == (pytest.approx(2.0), pytest.approx(4 / 6))
    meter.add(torch.tensor(torch.nan), torch.tensor(0), 2)
    meter.count(2)
    loss, accuracy = meter.read()
    assert loss != loss
    assert accuracy == pytest.approx(0.5)
    meter.reset()
    assert meter.read() == (0.0, 0.0)


def test_a_meter_that_saw_nothing_reads_as_zero() -> None:
    assert Meter(CPU).read() == (0.0, 0.0)


# Evaluation


def test_an_evaluation_equals_torchs_cross_entropy_in_evaluation_mode(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(evaluate_module.EVALUATION_BATCH, "cpu", 7)  # several batches, the last one ragged
    task = setups.task(dataset, tiny.recipe(**setups.RANDOMNESS))
    bank = task.bank
    model = build_model(task.recipe, bank, task.compute)
    normalizer = Normalizer(task.statistics, CPU)
    model.train()
    before = torch.random.get_rng_state()
    found = evaluate(model, bank.images, bank.labels, bank.val, normalizer, task.compute)
    assert torch.equal(before, torch.random.get_rng_state())
    assert not model.training
    with torch.no_grad():
        logits = model(normalizer(to_float(bank.images[bank.val])))
    truth = bank.labels[bank.val]
    probabilities = logits.softmax(1)
    assert found.loss == pytest.approx(float(F.cross_entropy(logits, truth)), rel=1e-5)
    assert torch.equal(found.predicted.long(), logits.argmax(1))
    assert torch.equal(found.correct, logits.argmax(1) == truth)
    assert found.accuracy == pytest.approx(float((logits.argmax(1) == truth).float().mean()))
    assert torch.allclose(found.probability, probabilities.max(1).values, rtol=1e-4)
    assert torch.allclose(found.true_probability, probabilities.gather(1, truth[:, None])[:, 0], rtol=1e-4)


def test_label_smoothing_is_no_part_of_an_evaluation(dataset: Dataset) -> None:
    plain = setups.ended(setups.run(setups.task(dataset, tiny.recipe(epochs=1, optimizer=_still()))))
    smooth_recipe = tiny.recipe(epochs=1, optimizer=_still(), loss={"label_smoothing": 0.5})
    smooth = setups.ended(setups.run(setups.task(dataset, smooth_recipe)))
    assert plain[0].val_loss == pytest.approx(smooth[0].val_loss, rel=1e-4)
    assert plain[0].train_loss != pytest.approx(smooth[0].train_loss, rel=1e-4)


def _still() -> dict[str, object]:
    """An optimizer that hardly moves the weights."""
    return {"kind": "sgd", "lr": 1e-9, "momentum": 0.0}


def test_an_evaluation_can_be_stopped_between_batches(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(evaluate_module.EVALUATION_BATCH, "cpu", 5)
    bank = load_images(dataset, "as stored", CPU)
    batches = 0

    class Counts(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            nonlocal batches
            batches += 1
            return torch.zeros(len(images), 4)

    normalizer = Normalizer(((0.5,) * 3, (0.5,) * 3), CPU)
    told: list[tuple[int, int]] = []

    def stop_at_ten(done: int, total: int) -> None:
        told.append((done, total))
        if done == 10:
            raise Interrupted

    with pytest.raises(Interrupted):
        predict_logits(Counts(), bank.images, bank.val, normalizer, setups.fp32(), on_chunk=stop_at_ten)
    assert batches == 2
    assert told == [(5, len(bank.val)), (10, len(bank.val))]


def test_logits_are_fp32_also_where_the_network_computes_in_bf16(dataset: Dataset) -> None:
    task = setups.task(dataset, tiny.recipe())
    compute = replace(task.compute, dtype=torch.bfloat16)
    model = build_model(task.recipe, task.bank, compute)
    normalizer = Normalizer(task.statistics, CPU)
    found = predict_logits(model, task.bank.images, task.bank.val, normalizer, compute)
    assert found.dtype == torch.float32
    expected = predict_logits(model, task.bank.images, task.bank.val, normalizer, task.compute)
    assert not torch.equal(found, expected)
    assert torch.allclose(found, expected, atol=0.05)
