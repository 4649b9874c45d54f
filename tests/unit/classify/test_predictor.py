"""The predictor: rebuilt from a checkpoint alone, it answers as the network did, with and without TTA."""

import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.classify import TTA, Predictor, majority
from core.data import Dataset
from core.data.decode import decode_image
from core.errors import Damaged, NotFound
from core.runs import Run
from core.train import Compute, read_checkpoint, write_checkpoint


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

    def test_the_averaged_weights_answer_where_they_are_asked_for(
        self, ema_trained: Run, trained: Run, dataset: Dataset, compute: Compute
    ) -> None:
        path = ema_trained.checkpoint("best")
        raw, averaged = (
            Predictor.load(path, compute, averaged=averaged).predict(some(dataset, 1))[0].probabilities
            for averaged in (False, True)
        )
        assert not np.allclose(raw, averaged)
        with pytest.raises(NotFound, match=rf"Run {trained.id} kept no average"):
            Predictor.load(trained.checkpoint("best"), compute, averaged=True)

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
