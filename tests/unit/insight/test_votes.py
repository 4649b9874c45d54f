"""TTA taken apart, against plain loops over the probabilities themselves."""

from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from core.insight import votes as votes_module
from core.insight.significance import paired, wilson
from core.insight.votes import (
    agreement_rows,
    augmentation_rows,
    broken_images,
    count_rows,
    enough_views,
    fixed_images,
    hits_of,
    view_rows,
)
from tests.unit.insight.votes_by_hand import made_votes, random_votes, winners


@pytest.mark.parametrize("views", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("seed", [0, 1])
def test_any_views_vote_as_the_predictor_lets_them(seed: int, views: int) -> None:
    labels, probabilities = random_votes(seed, views)
    votes = made_votes(labels, probabilities)
    for k in range(1, views + 1):
        for chosen in combinations(range(views), k):
            expected = winners(probabilities[list(chosen)]) == labels
            np.testing.assert_array_equal(hits_of(votes, np.array(chosen)), expected)


def test_a_tie_goes_to_the_higher_mean_probability_of_the_views_that_vote() -> None:
    # The third view votes for neither, but its leaning must not decide a tie of the first two.
    probabilities = np.array([[[0.6, 0.3, 0.1]], [[0.1, 0.8, 0.1]], [[0.44, 0.01, 0.55]]], dtype=np.float32)
    votes = made_votes(np.array([1]), probabilities)
    assert hits_of(votes, np.array([0, 1])).tolist() == [True]
    assert hits_of(votes, np.array([0, 1, 2])).tolist() == [False], "0: 0.38, 1: 0.37"


def test_equal_probabilities_go_to_the_lower_class() -> None:
    probabilities = np.array([[[0.6, 0.4]], [[0.4, 0.6]]], dtype=np.float32)
    both = np.array([0, 1])
    assert hits_of(made_votes(np.array([0]), probabilities), both).tolist() == [True]
    assert hits_of(made_votes(np.array([1]), probabilities), both).tolist() == [False]


def test_a_sure_networks_last_digits_decide_a_tie() -> None:
    sure, surer = np.float32(0.99998), np.float32(0.999985)
    probabilities = np.array([[[sure, 1 - sure]], [[1 - surer, surer]]], dtype=np.float32)
    assert hits_of(made_votes(np.array([1]), probabilities), np.array([0, 1])).tolist() == [True]


@pytest.mark.parametrize("views", [2, 5, 8])
def test_the_accuracy_of_k_views_is_the_mean_over_all_subsets(views: int) -> None:
    labels, probabilities = random_votes(3, views, n=40)
    rows = count_rows(made_votes(labels, probabilities))
    assert [row.views for row in rows] == list(range(1, views + 1))
    everything = (winners(probabilities) == labels).astype(float)
    for row in rows:
        each = np.array(
            [winners(probabilities[list(c)]) == labels for c in combinations(range(views), row.views)]
        )
        share = each.mean(axis=0)
        assert row.accuracy == pytest.approx(share.mean())
        missing = everything - share
        half = 1.959964 * missing.std(ddof=1) / np.sqrt(len(labels))
        assert row.missing == pytest.approx(missing.mean(), abs=1e-12)
        assert (row.missing_low, row.missing_high) == pytest.approx(
            (missing.mean() - half, missing.mean() + half), abs=1e-6
        )
        assert row.low < row.accuracy < row.high
    assert (rows[-1].low, rows[-1].high) == pytest.approx(wilson(int(everything.sum()), len(labels)))
    assert rows[-1].missing == rows[-1].missing_low == rows[-1].missing_high == 0


def test_many_views_are_counted_along_random_orders(monkeypatch: pytest.MonkeyPatch) -> None:
    labels, probabilities = random_votes(4, 8, n=300)
    votes = made_votes(labels, probabilities)
    exact = count_rows(votes)
    monkeypatch.setattr(votes_module, "EXACT_UP_TO", 7)
    drawn = count_rows(votes)
    assert drawn == count_rows(votes), "from a fixed seed"
    assert (drawn[0], drawn[-1]) == (exact[0], exact[-1])
    for one, other in zip(drawn, exact, strict=True):
        assert one.accuracy == pytest.approx(other.accuracy, abs=0.01)
        assert (one.low, one.high) == pytest.approx((other.low, other.high), abs=0.015)


def test_the_interval_covers_the_accuracy_of_fresh_images() -> None:
    """300 splits of 200 images: the mean of each image's share lies in its interval about 95 times in 100."""
    labels, many = random_votes(5, 4, n=20_000)
    true = [row.accuracy for row in count_rows(made_votes(labels, many))]
    rng, inside = np.random.default_rng(6), np.zeros(4)
    for _ in range(300):
        part = rng.choice(20_000, 200)
        for k, row in enumerate(count_rows(made_votes(labels[part], many[:, part]))):
            inside[k] += row.low <= true[k] <= row.high
    assert ((inside / 300 > 0.91) & (inside / 300 < 0.985)).all(), inside / 300


def test_a_view_is_judged_by_the_vote_without_it() -> None:
    labels, probabilities = random_votes(7, 5, n=80)
    votes = made_votes(labels, probabilities)
    for row in view_rows(votes):
        others = [view for view in range(5) if view != row.view - 1]
        without = winners(probabilities[others]) == labels
        chosen = probabilities[row.view - 1].argmax(axis=1)
        found = paired(votes.hits, without)
        assert row.without == pytest.approx(without.mean())
        assert (row.difference, row.low, row.high, row.p) == (
            found.difference,
            found.low,
            found.high,
            found.p,
        )
        assert row.with_majority == pytest.approx((chosen == votes.predicted).mean())
        assert row.right == pytest.approx((chosen == labels).mean())


def test_a_view_that_always_errs_hurts_and_the_others_help() -> None:
    labels = np.tile([0, 1], 100)
    right = np.eye(2, dtype=np.float32)[labels] * 0.6 + 0.2
    # Two views of three are right on every other image; the third never is, and is surer than both.
    half = np.where((np.arange(200) % 4 < 2)[:, None], right, right[:, ::-1])
    wrong = np.eye(2, dtype=np.float32)[1 - labels] * 0.9 + 0.05
    rows = view_rows(made_votes(labels, np.stack([right, half, wrong])))
    assert [row.verdict for row in rows] == ["helps", "helps", "hurts"]
    assert rows[2].difference is not None and rows[2].difference > 0 > (rows[0].difference or 0)


def test_exchangeable_views_are_seldom_said_to_hurt() -> None:
    said = 0
    for seed in range(40):
        labels, probabilities = random_votes(seed, 8, n=250)
        said += any(row.verdict != "open" for row in view_rows(made_votes(labels, probabilities)))
    assert said <= 6, "5 % of 40 is 2"


def test_a_single_view_has_no_vote_without_it() -> None:
    labels, probabilities = random_votes(8, 1)
    (row,) = view_rows(made_votes(labels, probabilities))
    assert (row.without, row.difference, row.p, row.verdict) == (None, None, None, "open")
    assert len(count_rows(made_votes(labels, probabilities))) == 1


def test_an_augmentation_is_judged_on_images_with_views_of_both_kinds() -> None:
    labels = np.zeros(40, dtype=np.int64)
    probabilities = np.zeros((2, 40, 2), dtype=np.float32)
    active = np.zeros((40, 2, 2), dtype=bool)
    active[:30, 0, 0] = True  # images 30 to 39 have no view of the first kind
    active[:, :, 1] = True  # the second augmentation is in every view
    probabilities[0, :, 1] = 0.9  # the first view is always wrong
    probabilities[1, :, 0] = 0.9
    first, second = augmentation_rows(
        made_votes(labels, probabilities, active=active, augmentations=("flip", "crop"))
    )
    assert (first.words, first.images, first.share) == ("flip", 30, 0.375)
    assert (first.right_with, first.right_without, first.difference, first.verdict) == (0, 1, -1, "hurts")
    assert (second.images, second.difference, second.verdict) == (0, None, "open")


@pytest.mark.parametrize("augmentations", [1, 4])
def test_an_augmentations_interval_is_that_of_the_mean_with_two_images_added(augmentations: int) -> None:
    labels, probabilities = random_votes(9, 6, n=200)
    active = np.random.default_rng(1).random((200, 6, augmentations)) < 0.5
    names = tuple(f"number {at}" for at in range(augmentations))
    row = augmentation_rows(made_votes(labels, probabilities, active=active, augmentations=names))[0]
    right = labels[:, None] == probabilities.argmax(axis=2).T
    differences = [
        right[i][active[i, :, 0]].mean() - right[i][~active[i, :, 0]].mean()
        for i in range(200)
        if 0 < active[i, :, 0].sum() < 6
    ]
    added = [*differences, -1, 1]
    quantile = stats.t.ppf(1 - 0.025 / augmentations, len(differences) - 1)
    middle, half = np.mean(added), quantile * stats.sem(added)
    assert (row.difference, row.low, row.high) == pytest.approx(
        (np.mean(differences), middle - half, middle + half), abs=1e-9
    )
    assert (row.images, row.verdict) == (len(differences), "open")


def test_of_augmentations_without_effect_hardly_one_is_said_to_have_one() -> None:
    """Five of them in 8 views of 200 images: any is named in at most 5 % of 300 simulations, but for two
    standard errors of that share."""
    said = 0
    for seed in range(300):
        labels, probabilities = random_votes(seed, 8, n=200)
        active = np.random.default_rng([seed, 1]).random((200, 8, 5)) < 0.5
        votes = made_votes(labels, probabilities, active=active, augmentations=tuple("abcde"))
        said += any(row.verdict != "open" for row in augmentation_rows(votes))
    assert said / 300 <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 300)


@pytest.mark.parametrize(("images", "verdict"), [(2, "open"), (5, "open"), (6, "hurts"), (40, "hurts")])
def test_a_few_images_that_agree_are_no_proof(images: int, verdict: str) -> None:
    """All of 5 fall on one side in one of 16 cases by chance."""
    labels = np.zeros(images, dtype=np.int64)
    probabilities = np.zeros((2, images, 2), dtype=np.float32)
    probabilities[0, :, 1] = probabilities[1, :, 0] = 0.9
    active = np.zeros((images, 2, 1), dtype=bool)
    active[:, 0] = True
    (row,) = augmentation_rows(made_votes(labels, probabilities, active=active, augmentations=("crop",)))
    assert (row.difference, row.verdict) == (-1, verdict)
    assert row.low is not None and row.high is not None and row.low < row.high


def test_fixed_and_broken_are_not_mixed_up() -> None:
    labels = np.array([0, 0, 1, 1])
    probabilities = np.array([[[0.9, 0.1], [0.9, 0.1], [0.9, 0.1], [0.1, 0.9]]], dtype=np.float32)
    votes = made_votes(labels, probabilities, plain=np.array([1, 0, 1, 0]))
    assert (fixed_images(votes).tolist(), broken_images(votes).tolist()) == ([0, 3], [2])


def test_agreement_counts_the_votes_for_the_winner() -> None:
    labels = np.array([0, 0, 1])
    say = {0: [0.9, 0.1], 1: [0.2, 0.8]}
    views = [[0, 0, 0], [0, 1, 0], [0, 0, 0]]
    probabilities = np.array([[say[c] for c in view] for view in views], dtype=np.float32)
    rows = agreement_rows(made_votes(labels, probabilities))
    assert [(row.votes, row.images, row.right) for row in rows] == [(3, 2, 1), (2, 1, 1)]


def test_enough_is_the_least_number_from_which_on_nothing_more_is_seen() -> None:
    labels, probabilities = random_votes(11, 8, n=4000)
    rows = count_rows(made_votes(labels, probabilities))
    enough = enough_views(rows)
    assert all(row.missing_low <= 0 for row in rows[enough.views - 1 :])
    assert enough.views > 1 and rows[enough.views - 2].missing_low > 0
