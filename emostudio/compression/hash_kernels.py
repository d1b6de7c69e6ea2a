"""Looking up and summing up hashed weights in one pass each, compiled.

Torch needs several passes over an index that is as large as the virtual matrix.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from emostudio.inference.packed.compiling import kernel

# Signs are as good as random: a branch on them would be guessed wrong every second time.


@kernel
def look_up(buckets: Any, entries: Any, out: Any) -> None:
    """Write ``sign * buckets[bucket]`` for entries int32 (n,)."""
    for place in range(len(entries)):
        entry = entries[place]
        negative = entry >> 31
        value = buckets[np.uint32((entry ^ negative) - negative - 1)]
        out[place] = value if negative == 0 else -value


@kernel
def gather(values: Any, entries: Any, out: Any) -> None:
    """Add the signed values (n,) of each bucket's members to `out` (K,)."""
    for place in range(len(entries)):
        entry = entries[place]
        negative = entry >> 31
        value = values[place]
        out[np.uint32((entry ^ negative) - negative - 1)] += value if negative == 0 else -value
