"""The predictor: rebuilt from a checkpoint alone, it answers as the network did, with and without TTA."""

import io
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from core.classify import TTA, Predictor, majority
from core.data import Dataset
from core.data.decode import decode_image
from core.errors import Damaged, NotFound
from core.runs import Run
from core.train import Compute, Outcomes, read_checkpoint, write_checkpoint


def some(dataset: Dataset, count: int = 6) -> list[np.ndarray]:
    return list(np.array(dataset.images[:count]))


def encoded(pixels: np.ndarray, exif: Image.Exif | None = None) -> bytes:
    target = io.BytesIO()
    Image.fromarray(pixels).save(target, "PNG", **({"exif": exif} if exif else {}))
    return target.getvalue()


class TestMajority:
    def test_most_votes_win_whatever_the_probability(self) -> None:
        assert majority(np.array([[3, 2, 0]]), np.array([[0.3, 0.6, 0.1]])).tolist() == [0]

    def test_a_tie_goes_to_the_higher_mean_probability_among_the_tied(self) -> None:
        votes = np.array([[2, 2, 1], [1, 2, 2]])
        means = np.array([[0.3, 0.2, 0.5], [0.5, 0.2, 0.3]])
        assert majority(votes, means).tolist() == [0, 2]

    def test_a_single_images_answer_follows_the_same_rule(self) -> None:
        tta = TTA(np.array([1, 1, 0]), np.array([0.2, 0.3, 0.5], dtype=np.float32), ())
        assert tta.predicted == 1


class TestPredict:
    def test_probabilities_add_up_and_the_top_is_sorted(self, predictor: Predictor, dataset: Dataset) -> None:
        for answer in predictor.predict(some(dataset)):
            assert answer.probabilities.sum() == pytest.approx(1.0, abs=1e-5)
            shares = [share for _, share in answer.top(4)]
            assert shares == sorted(shares, reverse=True)
            assert answer.predicted == answer.top(1)[0][0]
            assert answer.tta is None

    def test_no_images_have_no_answers(self, predictor: Predictor) -> None:
        assert predictor.predict([], views=3) == []

    def test_an_images_plain_answer_does_not_depend_on_its_company(
        self, predictor: Predictor, dataset: Dataset
    ) -> None:
        together = predictor.predict(some(dataset))
        alone = [predictor.predict([image])[0] for image in some(dataset)]
        for one, other in zip(together, alone, strict=True):
            np.testing.assert_allclose(one.probabilities, other.probabilities, atol=1e-5)

    def test_a_turned_photo_gets_the_answer_of_the_upright_one(
        self, predictor: Predictor, dataset: Dataset
    ) -> None:
        upright = np.array(dataset.images[0])
        exif = Image.Exif()
        exif[0x0112] = 6  # shown turned by 90 degrees clockwise
        lying = np.ascontiguousarray(np.rot90(upright))
        images = [
            predictor.prepare(decode_image(encoded(upright), "upright.png")),
            predictor.prepare(decode_image(encoded(lying, exif), "lying.png")),
        ]
        np.testing.assert_array_equal(images[0], images[1])
        first, second = predictor.predict(images)
        np.testing.assert_allclose(first.probabilities, second.probabilities, atol=1e-6)

    def test_a_grey_images_channel_is_repeated_for_a_network_of_three(self, predictor: Predictor) -> None:
        grey = np.arange(2 * 28 * 28, dtype=np.uint8).reshape(2, 28, 28, 1)
        seen = predictor.as_seen(grey)
        assert seen.shape == (2, 28, 28, 3)
        np.testing.assert_array_equal(seen[..., 0], seen[..., 2])


class TestRebuilt:
    def test_the_file_alone_gives_the_same_answers(
        self, trained: Run, predictor: Predictor, dataset: Dataset, compute: Compute, tmp_path: Path
    ) -> None:
        copy = tmp_path / "elsewhere" / "weights.safetensors"
        copy.parent.mkdir()
        shutil.copy(trained.checkpoint("best"), copy)
        again = Predictor.load(copy, compute)
        for one, other in zip(
            predictor.predict(some(dataset), views=3), again.predict(some(dataset), views=3), strict=True
        ):
            np.testing.assert_array_equal(one.probabilities, other.probabilities)
            assert one.tta is not None
            assert other.tta is not None
            np.testing.assert_array_equal(one.tta.votes, other.tta.votes)

    def test_best_and_last_of_one_epoch_answer_alike(
        self, trained: Run, dataset: Dataset, compute: Compute
    ) -> None:
        best = Predictor.load(trained.checkpoint("best"), compute)
        last = Predictor.load(trained.state_path, compute)
        one, other = best.predict(some(dataset, 1))[0], last.predict(some(dataset, 1))[0]
        np.testing.assert_array_equal(one.probabilities, other.probabilities)

    def test_the_accuracy_is_the_one_that_training_saw(
        self, predictor: Predictor, dataset: Dataset, trained: Run
    ) -> None:
        outcomes = plain_outcomes(predictor, dataset, "val")
        status = trained.status()
        assert status.best is not None
        assert outcomes.accuracy == pytest.approx(status.best.val_accuracy)

    def test_a_missing_file_is_named(self, compute: Compute, tmp_path: Path) -> None:
        with pytest.raises(NotFound, match=r"epoch-0099\.safetensors"):
            Predictor.load(tmp_path / "run" / "checkpoints" / "epoch-0099.safetensors", compute)

    def test_weights_of_another_architecture_are_damaged(
        self, trained: Run, compute: Compute, tmp_path: Path
    ) -> None:
        card, weights = read_checkpoint(trained.checkpoint("best"))
        odd = tmp_path / "odd.safetensors"
        write_checkpoint(odd, card, {name: weight for name, weight in weights.items() if "bias" not in name})
        with pytest.raises(Damaged, match="does not fit its architecture"):
            Predictor.load(odd, compute)


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

    def test_over_a_split_fixed_minus_broken_is_the_gain(
        self, predictor: Predictor, dataset: Dataset
    ) -> None:
        plain = plain_outcomes(predictor, dataset, "val")
        tta = predictor.evaluate_tta(*arrays(dataset, "val"), plain, views=6)
        truth = dataset.labels[dataset.indices("val")]
        right, was_right = tta.predicted == truth, plain.correct.numpy()
        assert tta.fixed == int((right & ~was_right).sum())
        assert tta.broken == int((was_right & ~right).sum())
        assert tta.accuracy == pytest.approx(plain.accuracy + (tta.fixed - tta.broken) / len(truth))
        assert tta.votes.shape == (len(truth), 6)

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

    def test_progress_is_told_per_view_and_may_cancel(self, predictor: Predictor, dataset: Dataset) -> None:
        plain = plain_outcomes(predictor, dataset, "val")
        told: list[tuple[int, int]] = []

        def progress(stage: str, done: int, total: int) -> None:
            told.append((done, total))
            if done == 2:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            predictor.evaluate_tta(*arrays(dataset, "val"), plain, views=4, progress=progress)
        assert told == [(1, 4), (2, 4)]
