"""Numbers and times as a person reads them; the one place that formats."""


def percent(fraction: float | None) -> str:
    """A fraction of 1 as '58.3 %'."""
    return "–" if fraction is None else f"{fraction * 100:.1f} %"


def signed(value: float, decimals: int = 1) -> str:
    """A difference with its sign: '+1.2'; what rounds to nothing is '+0.0', never '-0.0'."""
    return f"{round(value, decimals) + 0.0:+.{decimals}f}"


def points(fraction: float | None) -> str:
    """A difference of fractions as '+1.2 points'."""
    return "–" if fraction is None else f"{signed(fraction * 100)} points"


def in_points(fraction: float) -> str:
    """How large a difference, spread or gap of fractions is: '1.2 points'."""
    return f"{fraction * 100:.1f} points"


def duration(seconds: float | None) -> str:
    """'4 s', '3 min 12 s', '2 h 05 min'."""
    if seconds is None:
        return "–"
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def size(count: float | None) -> str:
    """Bytes as '3.4 MB'."""
    if count is None:
        return "–"
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def count(number: int) -> str:
    """'6,000'."""
    return f"{number:,}"


def short_count(number: float) -> str:
    """'20.3 M', '1.4 G'."""
    for unit in ("", " k", " M", " G"):
        if abs(number) < 1000:
            return f"{number:.0f}{unit}" if not unit else f"{number:.1f}{unit}"
        number /= 1000
    return f"{number:.1f} T"


def lr(value: float | None) -> str:
    """A learning rate with three significant digits."""
    return "–" if value is None else f"{value:.3g}"


def moment(iso: str | None) -> str:
    """A stored time as '2026-09-01 14:15'."""
    return "–" if not iso else iso[:16].replace("T", " ")
