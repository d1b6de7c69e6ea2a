"""Numbers as the studio prints them."""

from __future__ import annotations

MIB = 2**20


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
