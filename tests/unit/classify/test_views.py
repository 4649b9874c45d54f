"""Test-time augmentation: an image's views are its own, whatever is classified beside it."""

from typing import Any

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter

from core.augment import AnyAugmentation
from core.classify import MAX_VIEWS, Prediction, Predictor
from core.classify import predictor as predictor_module
from core.classify.views import draw_views
from core.data import Dataset
from core.runs import Run
from core.train import Compute, Outcomes
from tests.unit.classify.test_predictor import some

KINDS = TypeAdapter(AnyAugmentation).json_schema()["discriminator"]["mapping"]


def plain_outcomes(predictor: Predictor, dataset: Dataset, split: str) -> Outcomes:
    return predictor.evaluate(*arrays(dataset, split))


def arrays(dataset: Dataset, split: str) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    indices = torch.from_numpy(dataset.indices(split))  # type: ignore[arg-type]
    return torch.from_numpy(np.array(dataset.images)), torch.from_numpy(dataset.labels), indices


class TestTTA:
    @pytest.mark.parametrize("views", [1, 5, 32])
    def test_every_view_has_a_vote_and_its_pixels(
        self, predictor: Predictor, dataset: Dataset, views: int
    ) -> None:
        for answer in predictor.predict(some(dataset, 3), views=views):
            tta = answer.tta
            assert tta is not None
            assert len(tta.views) == views == tta.votes.sum()
            assert (
                np.bincount([view.predicted for view in tta.views], minlength=4).tolist()
                == tta.votes.tolist()
            )
            assert all(view.pixels.shape == (28, 28, 3) for view in tta.views)
            assert tta.mean_probabilities.sum() == pytest.approx(1.0, abs=1e-5)

    def test_the_views_are_drawn_from_the_runs_augmentations(
        self, predictor: Predictor, dataset: Dataset
    ) -> None:
        (answer,) = predictor.predict(some(dataset, 1), views=8)
        assert answer.tta is not None
        assert len({view.pixels.tobytes() for view in answer.tta.views}) > 1

    def test_without_augmentations_every_view_is_the_image(
        self, plain_trained: Run, dataset: Dataset, compute: Compute
    ) -> None:
        predictor = Predictor.load(plain_trained.checkpoint("best"), compute)
        (answer,) = predictor.predict(some(dataset, 1), views=3)
        assert answer.tta is not None
        assert answer.tta.predicted == answer.predicted
        for view in answer.tta.views:
            np.testing.assert_array_equal(view.pixels, dataset.images[0])

    def test_the_same_seed_draws_the_same_views(self, predictor: Predictor, dataset: Dataset) -> None:
        first, again, other = (predictor.predict(some(dataset), views=4, seed=s)[0].tta for s in (1, 1, 2))
        assert first is not None
        assert again is not None
        assert other is not None
        pixels = [[view.pixels.tobytes() for view in tta.views] for tta in (first, again, other)]
        assert pixels[0] == pixels[1] != pixels[2]

    def test_without_their_pixels_the_votes_are_the_same(
        self, predictor: Predictor, dataset: Dataset
    ) -> None:
        kept, lean = (
            predictor.predict(some(dataset), views=3, keep_views=keep_views) for keep_views in (True, False)
        )
        for one, other in zip(kept, lean, strict=True):
            assert one.tta is not None
            assert other.tta is not None
            assert other.tta.views == ()
            assert other.tta.count == one.tta.count == 3
            np.testing.assert_array_equal(one.tta.votes, other.tta.votes)

    def test_a_wrong_plain_answer_that_the_views_get_right_counts_as_fixed(
        self, predictor: Predictor, dataset: Dataset
    ) -> None:
        images, labels, indices = arrays(dataset, "val")
        plain = plain_outcomes(predictor, dataset, "val")
        voted = predictor.evaluate_tta(images, labels, indices, plain, views=5).predicted
        truth = labels.clone()
        truth[indices] = torch.from_numpy(voted)
        nothing_right = Outcomes(
            plain.predicted,
            plain.probability,
            plain.true_probability,
            torch.zeros(len(indices), dtype=torch.bool),
            0.0,
        )
        tta = predictor.evaluate_tta(images, truth, indices, nothing_right, views=5)
        assert (tta.fixed, tta.broken, tta.accuracy) == (len(indices), 0, 1.0)

    def test_progress_is_told_inside_a_view_and_may_cancel(
        self, predictor: Predictor, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(predictor_module, "VIEW_BATCH", 10)
        plain = plain_outcomes(predictor, dataset, "val")
        told: list[tuple[int, int]] = []

        def progress(stage: str, done: int, total: int) -> None:
            told.append((done, total))
            if done >= 28:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            predictor.evaluate_tta(*arrays(dataset, "val"), plain, views=2, progress=progress)
        assert told == [(10, 36), (20, 36), (28, 36)]

    def test_no_more_than_a_batch_of_pixels_is_in_memory(
        self, predictor: Predictor, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(predictor_module, "VIEW_BATCH", 7)
        images, _, indices = arrays(dataset, "val")
        parts = list(predictor._views(images, indices, 3, 0))
        assert {len(part.pixels) for part in parts} == {7, 4}
        assert sorted((part.view, part.rows.start, part.rows.stop) for part in parts) == [
            (view, start, min(18, start + 7)) for view in range(3) for start in (0, 7, 14)
        ]


def looked_at_one_by_one(
    predictor: Predictor, image: np.ndarray, views: int
) -> tuple[int, list[int], list[float]]:
    """One image's views as a person would write it: the plain answer, each view's vote, and the mean
    probabilities."""
    card, model = predictor.card, predictor.model
    mean, std = (torch.tensor(values).view(1, -1, 1, 1) for values in (card.mean, card.std))
    pixels = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255

    def probabilities(shown: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            return torch.softmax(model((shown - mean) / std)[0], dim=0)

    drawn = draw_views(image[None], predictor.recipe.augmentations, views, seed=0)
    each = [probabilities(drawn.apply(pixels, view)) for view in range(views)]
    totals = [0.0] * len(card.classes)
    for one in each:
        for label, share in enumerate(one.tolist()):
            totals[label] += share / views
    return int(probabilities(pixels).argmax()), [int(one.argmax()) for one in each], totals


class TestWholeSplit:
    @pytest.mark.parametrize(
        ("views", "split"), [(5, "val"), (10, "val"), (5, "test"), (10, "test"), (5, "train")]
    )
    def test_votes_fixes_and_breaks_are_those_of_a_naive_loop(
        self, wavering: Predictor, dataset: Dataset, views: int, split: str
    ) -> None:
        plain = plain_outcomes(wavering, dataset, split)
        found = wavering.evaluate_tta(*arrays(dataset, split), plain, views=views)
        right = fixed = broken = 0
        for row, index in enumerate(dataset.indices(split)):  # type: ignore[arg-type]
            before, votes, means = looked_at_one_by_one(wavering, np.array(dataset.images[index]), views)
            assert found.votes[row].tolist() == votes
            winner = max(set(votes), key=lambda label: (votes.count(label), means[label]))
            assert found.predicted[row] == winner
            truth = int(dataset.labels[index])
            right += winner == truth
            fixed += winner == truth and before != truth
            broken += winner != truth and before == truth
        assert (found.fixed, found.broken) == (fixed, broken)
        assert found.accuracy == right / len(plain.correct)
        assert any(len(set(row)) > 1 for row in found.votes.tolist()), "views must disagree"
        assert split != "train" or (fixed > 0 and broken > 0), "among 84 images it must do either"

    def test_a_tie_goes_to_the_higher_mean_probability_among_the_tied(
        self, predictor: Predictor, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Four views of three images, put together by hand; classes are 0 to 3."""
        answers = np.array(
            [
                # 0 and 1 have two votes each, 1 is the surer one: 1
                [[0.5, 0.4, 0.1, 0], [0.5, 0.4, 0.1, 0], [0.1, 0.9, 0, 0], [0.1, 0.9, 0, 0]],
                # 1 and 3 have two each; 2 has the highest mean and no vote; 3 is above 1: 3
                [[0, 0.5, 0.49, 0.01], [0, 0.5, 0.49, 0.01], [0, 0, 0.48, 0.52], [0, 0, 0.48, 0.52]],
                # no tie: two votes for 2, whatever 0 is sure of
                [[1, 0, 0, 0], [0, 0.3, 0.4, 0.3], [0, 0.3, 0.4, 0.3], [0, 0.6, 0.4, 0]],
            ],
            dtype=np.float32,
        )
        means = answers.mean(axis=1)
        assert means[1].argmax() == 2

        def by_hand(self: Predictor, images: torch.Tensor, *_: object) -> Any:
            for view in range(4):
                yield predictor_module._ViewPart(
                    view, slice(0, 3), images[:3], answers[:, view], np.zeros((3, 0))
                )

        monkeypatch.setattr(Predictor, "_views", by_hand)
        images, _, _ = arrays(dataset, "val")
        truth = torch.tensor([1, 0, 2])
        outcomes = Outcomes(
            predicted=torch.tensor([0, 0, 2]),
            probability=torch.ones(3),
            true_probability=torch.ones(3),
            correct=torch.tensor([False, True, True]),
            loss=0.0,
        )
        found = predictor.evaluate_tta(images[:3], truth, torch.arange(3), outcomes, views=4)
        assert found.predicted.tolist() == [1, 3, 2]
        assert (found.fixed, found.broken, found.accuracy) == (1, 1, pytest.approx(2 / 3))
        alone = predictor.predict(some(dataset, 3), views=4, keep_views=False)
        assert [answer.tta.predicted for answer in alone if answer.tta] == [1, 3, 2]


def seen(answer: Prediction) -> list[bytes]:
    assert answer.tta is not None
    return [view.pixels.tobytes() for view in answer.tta.views]


class TestOwnDraws:
    def test_alone_in_any_batch_and_in_any_order_an_image_has_the_same_views(
        self, predictor: Predictor, dataset: Dataset
    ) -> None:
        images = some(dataset)
        together = [seen(answer) for answer in predictor.predict(images, views=4)]
        backwards = [seen(answer) for answer in predictor.predict(images[::-1], views=4)]
        alone = [seen(predictor.predict([image], views=4)[0]) for image in images]
        assert together == backwards[::-1] == alone

    def test_more_views_begin_with_the_same_ones(self, predictor: Predictor, dataset: Dataset) -> None:
        few, many = (seen(predictor.predict(some(dataset, 1), views=views)[0]) for views in (3, MAX_VIEWS))
        assert many[:3] == few

    def test_a_split_is_voted_on_by_the_views_that_its_images_have_alone(
        self, wavering: Predictor, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        plain = plain_outcomes(wavering, dataset, "val")
        found = []
        for batch in (5, 256):
            monkeypatch.setattr(predictor_module, "VIEW_BATCH", batch)
            found.append(wavering.evaluate_tta(*arrays(dataset, "val"), plain, views=5))
        np.testing.assert_array_equal(found[0].votes, found[1].votes)
        for row, index in enumerate(dataset.indices("val")):
            (answer,) = wavering.predict([np.array(dataset.images[index])], views=5)
            assert answer.tta is not None
            assert [view.predicted for view in answer.tta.views] == found[0].votes[row].tolist()

    @pytest.mark.parametrize("kind", KINDS)
    def test_every_augmentation_draws_for_each_image_by_itself(self, kind: str) -> None:
        augmentation: Any = TypeAdapter(AnyAugmentation).validate_python({"kind": kind})
        stored = np.random.default_rng(0).integers(0, 256, (3, 12, 12, 3), dtype=np.uint8)
        floats = torch.from_numpy(stored).permute(0, 3, 1, 2) / 255
        together = draw_views(stored, [augmentation], 2, 0)
        for i in range(3):
            alone = draw_views(stored[i : i + 1], [augmentation], 2, 0)
            for view in range(2):
                torch.testing.assert_close(
                    together.apply(floats, view)[i], alone.apply(floats[i : i + 1], view)[0]
                )
