"""Words of others, such as a title, as one line that every format can hold."""

from __future__ import annotations

import re
import unicodedata

_UNFIT = frozenset({"Cc", "Cs", "Cn"})
"""Control characters, halves of pairs, and what is no character: neither XML nor LaTeX has them."""
_SPACES = re.compile(r"[ \t\n\r\f\v\x1c-\x1f\x85\u2028\u2029]+")
"""All but the no-break spaces, which keep a number and its unit together."""


def one_line(text: str) -> str:
    """Return `text` without line breaks and control characters."""
    fit = (sign for sign in text if _is_fit(sign))
    return _SPACES.sub(" ", "".join(fit))


def _is_fit(sign: str) -> bool:
    return bool(_SPACES.match(sign)) or unicodedata.category(sign) not in _UNFIT
