"""What is said of a comparison, in sentences. Plain text: names stand in them as a person typed them."""

from core.insight.seeds import SEEDS_NEEDED, Joined
from core.insight.significance import Paired, Smallest

Names = tuple[str, str]
"""What stands for the two sides: before, after."""


def signed(*fractions: float) -> list[str]:
    """Differences as '+0.4' points, all with as many decimals as it takes to see which are not 0."""
    for decimals in (1, 2, 3):
        if all(f == 0 or round(abs(f) * 100, decimals) > 0 for f in fractions):
            break
    return [f"{f * 100 + 0.0:+.{decimals}f}" if f else f"{0:.{decimals}f}" for f in fractions]


def p_words(p: float) -> str:
    """'p = 0.002'; never rounded over the 0.05 that a verdict turns on."""
    if p < 0.001:
        return "p < 0.001"
    if p > 0.995:
        return "p = 1"
    decimals = 2 if p >= 0.1 else 3
    while round(p, decimals) == 0.05 and p != 0.05 and decimals < 6:
        decimals += 1
    return f"p = {p:.{decimals}f}"


def figures(found: Paired | Joined) -> str:
    """'+1.1 points, 95 % +0.4 to +1.8, p = 0.002'."""
    difference, low, high = signed(found.difference, found.low, found.high)
    return f"{difference} points, 95 % {low} to {high}, {p_words(found.p)}"


def networks_sentence(found: Paired | Joined, names: Names, seeds: tuple[int, int], *, same: bool) -> str:
    """What two networks, or too few of them to speak for their settings, show on the images.

    `same` says that both sides have the same settings.
    """
    before, after = names
    if found.low <= 0 <= found.high:
        return _no_difference(found, names)
    kind = "better" if found.low > 0 else "worse"
    if same:
        tail = "both have the same settings but the seed, so this is what the seed alone does"
    elif seeds == (1, 1):
        tail = f"one seed each: this does not yet say that the setting is {kind}"
    else:
        tail = f"{seeds_words(seeds)}: this does not yet say that the setting is {kind}"
        tail += f"; {SEEDS_NEEDED} on each side can"
    average = "" if seeds == (1, 1) else " on average"
    return f"'{after}' is {kind} than '{before}'{average} on these images ({figures(found)}); {tail}."


def _no_difference(found: Paired | Joined, names: Names) -> str:
    before, after = names
    if isinstance(found, Paired) and found.only_before == found.only_after == 0:
        low, high = signed(found.low, found.high)
        return (
            f"'{before}' and '{after}' are right and wrong on exactly the same of these images "
            f"(0.0 points, 95 % {low} to {high}): nothing here tells them apart."
        )
    if found.difference == 0:
        (reach,) = signed(max(-found.low, found.high))
        return (
            f"'{before}' and '{after}' have equally many of these images right ({figures(found)}); either "
            f"may still be better by up to {reach.lstrip('+')} points."
        )
    return (
        f"No difference between '{before}' and '{after}' shows on these images ({figures(found)}); "
        "that does not say that there is none."
    )


def all_right_sentence(names: Names, images: int) -> str:
    """For two networks that have everything right."""
    both = f"'{names[0]}' and '{names[1]}' both have"
    if images == 1:
        return f"{both} the only val image right: it is too easy to tell them apart."
    return f"{both} all {images:,} val images right: these images are too easy to tell them apart."


def setting_sentence(found: Joined, names: Names, *, same: bool) -> str:
    """What enough seeds on both sides say of the settings."""
    before, after = names
    over = seeds_words(found.seeds)
    if found.low <= 0 <= found.high:
        return (
            f"Over {over} no difference between '{before}' and '{after}' shows ({figures(found)}); "
            f"that does not say that there is none. {spread_sentence(found)}"
        )
    kind = "better" if found.low > 0 else "worse"
    if same:
        return (
            f"Over {over} '{after}' is {kind} than '{before}' ({figures(found)}), although both have the "
            "same settings: take it for chance."
        )
    return (
        f"Over {over} the setting of '{after}' is {kind} than that of '{before}' ({figures(found)}): more "
        f"than other seeds and other images of this kind would change. {spread_sentence(found)}"
    )


def seeds_words(seeds: tuple[int, int]) -> str:
    """'3 seeds against 4', the side before first."""
    return f"{seeds[0]} seed{'s' if seeds[0] > 1 else ''} against {seeds[1]}"


def spread_sentence(found: Joined) -> str:
    """How far the seeds of each side lie apart."""
    before, after = (f"{(spread or 0.0) * 100:.1f}" for spread in found.spread)
    return f"The seeds of a side spread by {before} and {after} points (standard deviation)."


def one_image(split: str = "val") -> str:
    """Why one image is too few."""
    return f"A single {split} image cannot show a difference."


def smallest_sentence(
    smallest: Smallest, images: int, *, changed: int | None = None, over: str = "", split: str = "val"
) -> str:
    """How small a difference the images of a split can show; `changed` of them only one of the two has
    right."""
    if images == 1:
        return one_image(split)
    who = f"These {images:,} {split} images"
    if smallest.shown >= 1:
        return f"{who} are too few to show any difference."
    shown, found = (text.lstrip("+") for text in signed(smallest.shown, smallest.found))
    why = f" ({changed:,} of them only one of the two has right)" if changed is not None else ""
    with_seeds = f", with {over}," if over else ""
    often = f"one of {found} points is found in 4 of 5 comparisons"
    if smallest.found >= 1:
        often = "even the largest is often missed"
    return f"{who}{why}{with_seeds} can show a difference from {shown} points on; {often}."


def still_training(name: str, epoch: int, epochs: int, found: Paired | Joined, other: str) -> str:
    """For a run that is compared while it trains, or while it waits to go on."""
    return (
        f"'{name}' is not done yet (epoch {epoch} of {epochs}): no verdict before it is. So far the "
        f"difference to '{other}' is {figures(found)} on these images."
    )
