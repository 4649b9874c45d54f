"""The rules for next steps, one class each, in the order in which they are asked: what a run's own
figures show most directly comes first. docs/insight.md lists them from here."""

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from core.insight.case import Case, later_schedule, longer_schedule
from core.insight.curves import number
from core.insight.outcomes import comparable
from core.insight.overfit import GAP, NEAR_ZERO, Z
from core.insight.parents import parent_of
from core.insight.repeats import SEEDS_NEEDED, groups
from core.runs.repeat import group_key
from core.runs.run import RunEntry
from core.spec import settings_of
from core.words import in_points, lr, percent

Action = Literal["form", "repeat", "extend"]

LARGE_GAP = 0.15
SMALL_GAP = 0.02
SMALL_IMAGE = 64
"""Side in pixels up to which a network made for 224 pixels throws too much away in its first layers."""


@dataclass(frozen=True)
class Suggestion:
    """Something to try, and why. `changes`: the new values by a setting's path, as `changed` takes them;
    for 'extend' {'epochs': so many more}; for 'repeat' nothing."""

    rule: str
    sentence: str
    reason: str
    action: Action
    changes: dict[str, Any] = field(default_factory=dict)


class Rule:
    """When to suggest what. `when` and `source` are its line on the page of rules."""

    name: ClassVar[str]
    when: ClassVar[str]
    then: ClassVar[str]
    source: ClassVar[str]

    def suggest(self, case: Case) -> Suggestion | None:
        """The suggestion, where the rule applies."""
        raise NotImplementedError

    def form(self, sentence: str, reason: str, changes: dict[str, Any]) -> Suggestion:
        """A suggestion that opens the form with these changes."""
        return Suggestion(self.name, sentence, reason, "form", changes)


class Diverged(Rule):
    name = "diverged"
    when = "the training ended because its loss diverged"
    then = "a tenth of the learning rate"
    source = "Goodfellow et al. 2016, Deep Learning, 11.4.1: a learning rate too high makes the loss grow"

    def suggest(self, case: Case) -> Suggestion | None:
        if case.status.state != "failed" or case.status.reason != "diverged":
            return None
        old = case.recipe.optimizer.lr
        new = float(f"{old / 10:.2g}")
        return self.form(
            f"Lower the learning rate from {lr(old)} to {lr(new)}.",
            f"The loss diverged after epoch {case.epochs}; the usual cause is a step that is too large.",
            {"optimizer.lr": new},
        )


class StillRising(Rule):
    name = "still rising"
    when = (
        "the mean val accuracy of the last fifth of the epochs is above that of the fifth before by more "
        "than noise, and all epochs are done"
    )
    then = (
        "half as many epochs more: as an extension, or with a longer schedule where the learning rate is "
        "under 1 % of its peak"
    )
    source = "the run's own curve; noise: one standard error of an accuracy on the val split"

    def suggest(self, case: Case) -> Suggestion | None:
        if case.rise is None or case.status.epoch < case.status.epochs:
            return None
        last, before = ("epoch", "one") if case.tail == 1 else (f"{case.tail} epochs", str(case.tail))
        rose = f"Val was still rising: in the last {last} it was {in_points(case.rise)} above"
        rose += f" the {before} before" + (" on average" if case.tail > 1 else "")
        if case.lr_at_end < NEAR_ZERO:
            words, changes = longer_schedule(case.recipe, case.status.epochs)
            reason = f"{rose}; its learning rate is used up, so an extension would add little."
            return self.form(words, reason, changes)
        more = max(1, case.epochs // 2)
        words = f"Extend it by {more} epoch{'s' if more > 1 else ''}."
        return Suggestion(self.name, words, f"{rose}.", "extend", {"epochs": more})


class LrTooEarly(Rule):
    name = "lr near zero"
    when = (
        "the learning rate was under 1 % of its peak for the last third of the epochs or longer, and for 3 "
        "epochs at least"
    )
    then = (
        "a schedule that falls later: more patience, later milestones or steps, a cosine as long as the run, "
        "or a longer run"
    )
    source = (
        "He et al. 2016, arXiv 1512.03385 (milestones at a half and three quarters of the run); Loshchilov "
        "and Hutter 2017, arXiv 1608.03983 (cosine)"
    )

    def suggest(self, case: Case) -> Suggestion | None:
        if case.collapse is None:
            return None
        idle = case.epochs - case.collapse + 1
        words, changes = later_schedule(case.recipe, case.status.epochs)
        return self.form(
            words,
            f"For the last {idle} of {case.epochs} epochs the learning rate was under 1 % of its peak: they "
            "changed little.",
            changes,
        )


class WinWithinNoise(Rule):
    name = "win within noise"
    when = (
        "it is better than its parent, of which it is no repeat, but not by more than chance on the val "
        "images, and fewer than 3 of its seeds are done, waiting or training"
    )
    then = "repeats with other seeds"
    source = (
        "the verdict above; where no answers for single images are kept, 1.96 standard errors of two "
        "accuracies; Bouthillier et al. 2021, arXiv 2103.03098: one seed says little about small differences"
    )

    def suggest(self, case: Case) -> Suggestion | None:
        found = parent_of(case.entry, case.entries)
        before = found[0].status.best if found and found[0].status else None
        if found is None or before is None or case.best is None or case.best <= before.val_accuracy:
            return None
        if group_key(found[0]) == group_key(case.entry) or self._seeds(case) >= SEEDS_NEEDED:
            return None
        chance = self._chance(case, found[0], before.val_accuracy)
        if not chance:
            return None
        win = in_points(case.best - before.val_accuracy)
        return Suggestion(
            self.name,
            "Repeat it with other seeds before building on it.",
            f"It is {win} above {found[0].name}, and {chance}.",
            "repeat",
        )

    def _chance(self, case: Case, parent: RunEntry, before: float) -> str:
        """Why the win may be chance; '' where it is more, or nobody can say."""
        if parent.status is None or comparable(parent.status, case.status):
            return ""
        # It brings scipy along, whose import would hold up every page that shows a run's end.
        from core.insight.verdict import judge

        verdict = judge([parent], [case.entry])
        if verdict.p is not None and verdict.low is not None and verdict.high is not None:
            low, high = (f"{value * 100:+.1f}" for value in (verdict.low, verdict.high))
            known = f"on these {verdict.images:,} images that may be chance (95 % {low} to {high} points)"
            return known if verdict.kind == "open" else ""
        limit = Z * math.hypot(case.noise(case.best or 0.0), case.noise(before))
        if not case.val_images or (case.best or 0.0) - before >= limit:
            return ""
        most = f"{limit * 100:.1f} points"
        return f"{case.val_images:,} val images alone let two networks differ by up to {most}"

    def _seeds(self, case: Case) -> int:
        return next((group.expected for group in groups(case.entries) if case.entry in group.entries), 1)


class NoAugmentation(Rule):
    name = "no augmentation"
    when = "there is no augmentation, and the gap at the best epoch is above 5 points"
    then = "horizontal flip and a shift of up to an eighth"
    source = "He et al. 2016, arXiv 1512.03385, 4.2: flip and shifted crops, the usual ones for small images"

    def suggest(self, case: Case) -> Suggestion | None:
        if case.recipe.augmentations or case.gap is None or case.gap <= GAP:
            return None
        shift = {"kind": "affine", "degrees": [0.0, 0.0], "translate": [0.125, 0.125]}
        return self.form(
            "Add horizontal flip and shift, if a mirrored image keeps its class.",
            f"It sees the same pixels in every epoch, and is {in_points(case.gap)} better on images that "
            "it has seen.",
            {"augmentations": [{"kind": "horizontal_flip"}, shift]},
        )


class SmallImages(Rule):
    name = "small images"
    when = "images of up to 64 pixels enter a network made for 224, with no downsampling step taken back"
    then = "one downsampling step at full resolution"
    source = "He et al. 2016, arXiv 1512.03385, 4.2 (a stem without downsampling for CIFAR-10)"

    def suggest(self, case: Case) -> Suggestion | None:
        if case.setting("architecture", "full_resolution_steps") != 0 or case.info is None:
            return None
        side = case.setting("architecture", "input_size") or case.info.image_size
        if side > SMALL_IMAGE or case.best is None:
            return None
        return self.form(
            "Keep the first downsampling step at full resolution.",
            f"The network was made for 224 pixels; of images of {side} its first layers leave little.",
            {"architecture.full_resolution_steps": 1},
        )


class MoreDropout(Rule):
    name = "more dropout"
    when = "the gap at the best epoch is above 15 points, and dropout is under 0.6"
    then = "dropout higher by 0.2, up to 0.6"
    source = "Srivastava et al. 2014, JMLR 15:1929"

    def suggest(self, case: Case) -> Suggestion | None:
        dropout = case.setting("architecture", "dropout")
        if dropout is None or dropout >= 0.6 or case.gap is None or case.gap <= LARGE_GAP:
            return None
        new = round(min(0.6, dropout + 0.2), 2)
        return self.form(
            f"Raise dropout from {dropout:g} to {new:g}.",
            f"At its best epoch it is {in_points(case.gap)} better on images that it has seen.",
            {"architecture.dropout": new},
        )


class ConstantLr(Rule):
    name = "constant lr"
    when = "the learning rate stayed the same for 5 epochs or more"
    then = "a cosine over the whole run"
    source = "Loshchilov and Hutter 2017, arXiv 1608.03983; He et al. 2019, arXiv 1812.01187, 5.1"

    def suggest(self, case: Case) -> Suggestion | None:
        if case.recipe.scheduler.kind != "none" or case.epochs < 5 or case.best is None:
            return None
        return self.form(
            "Let the learning rate fall along a cosine.",
            "It stayed at its highest to the end; most of what a schedule gains comes from the last, small "
            "steps.",
            {"scheduler.kind": "cosine"},
        )


class NoWeightDecay(Rule):
    name = "no weight decay"
    when = "the gap at the best epoch is above 5 points, and weight decay is 0"
    then = "weight decay 0.0005; with AdamW 0.05"
    source = (
        "Krogh and Hertz 1992, NeurIPS 4:950; He et al. 2016, arXiv 1512.03385; for AdamW Loshchilov and "
        "Hutter 2019, arXiv 1711.05101"
    )

    def suggest(self, case: Case) -> Suggestion | None:
        if case.setting("optimizer", "weight_decay") != 0 or case.gap is None or case.gap <= GAP:
            return None
        new = 0.05 if case.recipe.optimizer.kind == "adamw" else 0.0005
        return self.form(
            f"Set weight decay to {new:g}.",
            f"Nothing holds the weights back, and the gap is {in_points(case.gap)}.",
            {"optimizer.weight_decay": new},
        )


class Overconfident(Rule):
    name = "overconfident"
    when = (
        "val loss ends a tenth or more above its lowest while val accuracy stays within noise of its best, "
    )
    when += "and label smoothing is 0"
    then = "label smoothing 0.1"
    source = "Szegedy et al. 2016, arXiv 1512.00567; Guo et al. 2017, arXiv 1706.04599"

    def suggest(self, case: Case) -> Suggestion | None:
        losses = [value for row in case.rows if (value := number(row, "val/loss")) is not None]
        last = number(case.rows[-1], "val/accuracy") if case.rows else None
        if case.recipe.loss.label_smoothing or len(losses) < 2 or last is None or case.best is None:
            return None
        if losses[-1] < 1.1 * min(losses) or last < case.best - Z * case.noise(case.best):
            return None
        return self.form(
            "Smooth the labels by 0.1.",
            f"Val loss rose from {min(losses):.2f} to {losses[-1]:.2f} while val accuracy stayed: it is ever "
            "surer of its errors.",
            {"loss.label_smoothing": 0.1},
        )


class NoMixing(Rule):
    name = "no mixing"
    when = "the gap at the best epoch is above 15 points although images are augmented, and none are mixed"
    then = "MixUp with alpha 0.2"
    source = "Zhang et al. 2018, arXiv 1710.09412"

    def suggest(self, case: Case) -> Suggestion | None:
        plain = case.recipe.mixing.kind != "none" or not case.recipe.augmentations
        if plain or case.gap is None or case.gap <= LARGE_GAP:
            return None
        return self.form(
            "Blend images with MixUp.",
            f"With augmentation the gap is still {in_points(case.gap)}.",
            {"mixing.kind": "mixup", "mixing.alpha": 0.2},
        )


class TooMuchDropout(Rule):
    name = "too much dropout"
    when = "the gap at the best epoch is under 2 points after 3 epochs or more, and dropout is 0.3 or more"
    then = "dropout lower by 0.2"
    source = "Goodfellow et al. 2016, Deep Learning, 7.12: dropout takes capacity away"

    def suggest(self, case: Case) -> Suggestion | None:
        dropout = case.setting("architecture", "dropout")
        if case.tail < 1 or dropout is None or dropout < 0.3 or case.gap is None or case.gap >= SMALL_GAP:
            return None
        new = round(dropout - 0.2, 2)
        return self.form(
            f"Lower dropout from {dropout:g} to {new:g}.",
            f"It is hardly better on images that it has seen ({in_points(case.gap)}): it learns too "
            "little, not too much by heart.",
            {"architecture.dropout": new},
        )


class LargerNetwork(Rule):
    name = "larger network"
    when = "the gap at the best epoch is under 2 points, val levelled off, and clean train is under 95 %"
    then = "twice the width, where the architecture has one"
    source = "Goodfellow et al. 2016, Deep Learning, 11.3.1: where training does not fit, add capacity"

    def suggest(self, case: Case) -> Suggestion | None:
        width = case.setting("architecture", "width")
        if width is None or case.gap is None or case.best is None or case.gap >= SMALL_GAP:
            return None
        largest = next(s.le for s in settings_of(type(case.recipe.architecture)) if s.name == "width")
        pretrained = case.setting("architecture", "pretrained") not in (None, "none")
        clean = case.best + case.gap
        if (
            clean >= 0.95
            or case.tail < 1
            or case.rise is not None
            or pretrained
            or 2 * width > (largest or 0)
        ):
            return None
        return self.form(
            f"Double the width from {width} to {2 * width}.",
            f"It does not even fit the images that it has seen ({percent(clean)}), and val no longer rises.",
            {"architecture.width": 2 * width},
        )


RULES: tuple[Rule, ...] = (
    Diverged(),
    StillRising(),
    LrTooEarly(),
    WinWithinNoise(),
    NoAugmentation(),
    SmallImages(),
    MoreDropout(),
    ConstantLr(),
    NoWeightDecay(),
    Overconfident(),
    NoMixing(),
    TooMuchDropout(),
    LargerNetwork(),
)
