"""Numbers as the studio prints them."""

from __future__ import annotations

import re

MIB = 2**20
_NO_BREAK = "\u00a0"
_BEFORE_UNIT = re.compile(r"(?<=\d) (?=%|×|points\b|ms\b|MiB\b)")


def signed(value: float, decimals: int = 1) -> str:
    """Format a difference with a real minus or a plus, as − 18.0; it never breaks over lines.

    What rounds to nothing has no sign.
    """
    text = f"{abs(value):,.{decimals}f}"
    if not float(text.replace(",", "")):
        return text
    return f"{'−' if value < 0 else '+'}{_NO_BREAK}{text}"


def signed_interval(low: float, high: float, decimals: int = 1) -> str:
    """Format the two ends of a difference's interval, as − 26.6 to − 9.4."""
    return f"{signed(low, decimals)} to {signed(high, decimals)}"


def unbroken(text: str) -> str:
    """Return a sentence that keeps every number and its unit on one line, for labels that wrap."""
    return _BEFORE_UNIT.sub(_NO_BREAK, text)


def format_bytes(count: float) -> str:
    """Format a file size in decimal megabytes, as 93.4 MB."""
    if count < 1e5:
        return f"{count / 1e3:.1f} kB"
    return f"{count / 1e6:.1f} MB" if count < 1e9 else f"{count / 1e9:.2f} GB"


def format_mib(count: float) -> str:
    """Format a byte count in MiB with the two decimals of the paper's tables."""
    return f"{count / MIB:.2f} MiB"


def format_count(count: float) -> str:
    """Format a count in thousand or million, as 97.6 M."""
    if count >= 1e6:
        return f"{count / 1e6:.1f} M"
    return f"{count / 1e3:.1f} k" if count >= 1e4 else f"{count:,.0f}"


def format_duration(seconds: float) -> str:
    """Format a duration as 38 s, 4 min or 1 h 12 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
