"""What a run reached, as the list below its settings."""

from collections.abc import Sequence

from core.insight.curves import Row, has_average, number
from core.insight.diary.settings import Line
from core.runs import Look, Run, Status
from core.words import duration, percent, points


def results_list(run: Run, status: Status, rows: Sequence[Row]) -> list[Line]:
    """Best and last val, the gap, test where somebody looked, and the time; empty without an epoch."""
    if not status.epoch:
        return []
    lines: list[Line] = []
    if status.best:
        lines.append(("Best val", f"{percent(status.best.val_accuracy)} at epoch {status.best.epoch}"))
    if status.last:
        last = status.last
        lines.append(
            (
                "Last",
                f"val {percent(last.val_accuracy)}, train {percent(last.train_accuracy)}, "
                f"clean train {percent(last.clean_train_accuracy)} at epoch {last.epoch}",
            )
        )
    if has_average(rows):
        lines.append(("Last val (EMA)", percent(number(rows[-1], "val/ema_accuracy"))))
    if status.best and status.best.gap is not None:
        lines.append(("Gap at best", f"{points(status.best.gap)} (clean train minus val)"))
    lines += _test(run)
    lines.append(("Time", _time(status)))
    return lines


def _test(run: Run) -> list[Line]:
    """The newest look at test, the newest with TTA, and how often somebody looked."""
    looks, unknown = run.read_looks()
    at_test = [look for look in looks if look.split == "test"]
    if not at_test:
        return [("Test", "not known" if unknown else "not looked at")]
    plain = at_test[-1]
    lines = [("Test", f"{percent(plain.accuracy)} ({_of(plain)})")]
    voted = next((look for look in reversed(at_test) if look.tta_accuracy is not None), None)
    if voted is not None:
        said = f"{percent(voted.tta_accuracy)} ({voted.tta_views} views, {_of(voted)}"
        if voted.fixed is not None and voted.broken is not None:
            said += f", fixes {voted.fixed}, breaks {voted.broken}"
        lines.append(("Test with TTA", f"{said})"))
    times = "once" if len(at_test) == 1 else f"{len(at_test)} times"
    times = f"at least {times}" if unknown else times
    lines.append(("Looks at the test split", times))
    return lines


def _of(look: Look) -> str:
    return f"epoch {look.checkpoint_epoch}{', averaged weights' if look.averaged else ''}"


def _time(status: Status) -> str:
    many = "1 epoch" if status.epoch == 1 else f"{status.epoch} epochs"
    if status.epoch < status.epochs:
        many = f"{status.epoch} of {status.epochs} epochs"
    where = f" on {status.device}" if status.device else ""
    precision = f", {status.precision}" if status.precision else ""
    return f"{duration(status.elapsed_s)} for {many}{where}{precision}"
