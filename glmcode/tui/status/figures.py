"""Numbers as short as they can be read at a glance."""


def count(number: int) -> str:
    """950, 1.2K, 34K, 1.3M."""
    for limit, unit, size in ((1_000, "", 1), (999_500, "K", 1_000), (float("inf"), "M", 1_000_000)):
        if number < limit:
            value = number / size
            # 9.96 would round to 10.0.
            return f"{value:.1f}{unit}" if unit and value < 9.95 else f"{value:.0f}{unit}"
    raise AssertionError("no number is larger than all numbers")


def share(part: float) -> str:
    """0% and 100% are said only where they are exact."""
    percent = round(part * 100)
    if 0 < part < 1:
        percent = min(max(percent, 1), 99)
    return f"{percent}%"


def seconds(duration: float) -> str:
    """12s, 3m05s, 2h07m."""
    whole = max(0, int(duration))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02}m"


def dollars(cost: float) -> str:
    """$0.0042, $0.37, $12.40."""
    return f"${cost:.4f}" if 0 < cost < 0.01 else f"${cost:.2f}"
