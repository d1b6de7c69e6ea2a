"""Products of numbers with weights kept as codes, compiled; see ``packed/codebook.py``."""

from __future__ import annotations

import numpy as np
from numba import prange

from emostudio.inference.packed import vectors as v
from emostudio.inference.packed.compiling import kernel, threaded_kernel
from emostudio.inference.packed.kernels.binary_weights import add_all, clear

_BYTE = np.uint64(255)
_FLUSH = 256  # longer float sums go astray; see Higham, "The accuracy of floating point summation"


@threaded_kernel
def tabulate_products(values, steps, levels, out):
    """Write the products of each of (N, C) and 16 or 32 levels, in the unit of its row.

    `out` (N, C * 2 * levels) holds for each 16 levels the low bytes, then the high bytes.
    """
    n, inputs = values.shape
    size = len(levels)
    for row in range(n):
        factor = np.float32(1.0) / steps[row]
        for c in prange(inputs):
            place, value = out[row, c * 2 * size :], values[row, c]
            for code in range(size):
                product = np.int32(np.rint(value * levels[code] * factor))
                at = 32 * (code // 16) + code % 16
                place[at] = np.uint8(product & 255)
                place[16 + at] = np.uint8((product >> 8) & 255)


@kernel
def accumulate_pairs(tables, first, w, weight, length, chunk, sums, at):
    """Add up 64 outputs of one row from two tables of 16 per input.

    A look-up gives 0 for a code with the upper bit set: that bit chooses between the tables.
    """
    other = v.splat8(128)
    clear(sums, at)
    done = 0
    while done < length:
        some = min(chunk, length - done)
        p = first + 64 * done
        a0, a1, a2, a3 = v.zero(), v.zero(), v.zero(), v.zero()
        for _ in range(some):
            l0, h0 = v.load_twice(tables, p), v.load_twice(tables, p + 16)
            l1, h1 = v.load_twice(tables, p + 32), v.load_twice(tables, p + 48)
            low = v.load(w, weight)
            high = v.bits_xor(low, other)
            x = v.bits_or(v.shuffle(l0, low), v.shuffle(l1, high))
            y = v.bits_or(v.shuffle(h0, low), v.shuffle(h1, high))
            a0, a1 = v.add16(a0, v.unpack_low(x, y)), v.add16(a1, v.unpack_high(x, y))
            low = v.load(w, weight + 32)
            high = v.bits_xor(low, other)
            x = v.bits_or(v.shuffle(l0, low), v.shuffle(l1, high))
            y = v.bits_or(v.shuffle(h0, low), v.shuffle(h1, high))
            a2, a3 = v.add16(a2, v.unpack_low(x, y)), v.add16(a3, v.unpack_high(x, y))
            p += 64
            weight += 64
        add_all(sums, at, a0, a1, a2, a3)
        done += some


@threaded_kernel
def accumulate_pairs_threaded(tables, w, length, chunk, sums, blocks, rows):
    """Fill sums (rows, blocks * 64) from the tables of every row."""
    for job in prange(blocks * rows):
        block, row = job // rows, job % rows
        size = length * 64
        at = (row * blocks + block) * 256
        accumulate_pairs(tables, row * size, w, block * size, length, chunk, sums, at)


@kernel
def look_up_block(values, words, levels, out):
    """Write 8 outputs: values (C,), words uint64 (C,) of 8 codes each, levels (256,)."""
    length = len(values)
    for k in range(8):
        out[k] = 0.0
    start = 0
    while start < length:
        end = min(start + _FLUSH, length)
        s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = np.float32(0.0)
        for c in range(start, end):
            value, word = values[c], words[c]
            s0 += levels[word & _BYTE] * value
            s1 += levels[(word >> np.uint64(8)) & _BYTE] * value
            s2 += levels[(word >> np.uint64(16)) & _BYTE] * value
            s3 += levels[(word >> np.uint64(24)) & _BYTE] * value
            s4 += levels[(word >> np.uint64(32)) & _BYTE] * value
            s5 += levels[(word >> np.uint64(40)) & _BYTE] * value
            s6 += levels[(word >> np.uint64(48)) & _BYTE] * value
            s7 += levels[word >> np.uint64(56)] * value
        out[0] += s0
        out[1] += s1
        out[2] += s2
        out[3] += s3
        out[4] += s4
        out[5] += s5
        out[6] += s6
        out[7] += s7
        start = end


@threaded_kernel
def look_up(values, words, levels, out):
    """Write out (N, blocks * 8) for values (N, C) and words (blocks, C)."""
    rows, blocks = len(values), len(words)
    for job in prange(rows * blocks):
        row, block = job % rows, job // rows
        look_up_block(values[row], words[block], levels, out[row, block * 8 : block * 8 + 8])
