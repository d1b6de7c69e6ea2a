"""Sums of numbers with signs of weights, compiled; see ``packed/binary_weights.py``."""

from __future__ import annotations

import numpy as np
from numba import prange

from emostudio.inference.packed import vectors as v
from emostudio.inference.packed.compiling import kernel, threaded_kernel


@threaded_kernel
def largest_sums(values, per_group, per_chunk, out):
    """Write for each row (N H, W, C) the greatest sum of magnitudes that one chunk can have."""
    rows, width, c_in = values.shape
    for row in prange(rows):
        largest = np.float32(0.0)
        for x in range(width):
            source = values[row, x]
            for group in range(c_in // per_group):
                start, end = group * per_group, (group + 1) * per_group
                while start < end:
                    total = np.float32(0.0)
                    for c in range(start, min(start + per_chunk, end)):
                        total += abs(source[c])
                    if total > largest or total != total:  # NaN stays, unlike with max
                        largest = total
                    start += per_chunk
        out[row] = largest


@threaded_kernel
def tabulate(values, steps, per_group, out, top, left):
    """Write for each four channels the 16 sums that signs can make of them.

    `values` (N, H, W, C) float32, `steps` (N,) its unit; `out` (N, Hp, Wp, G * 32) holds the low
    bytes of 16 numbers of 16 bits, then the high bytes.
    """
    n, height, width, c_in = values.shape
    share = -(-per_group // 4)
    for row in prange(n * height):
        image, y = row // height, row % height
        factor = np.float32(1.0) / steps[image]
        four = np.zeros(4, np.int32)
        for x in range(width):
            source, target = values[image, y, x], out[image, y + top, x + left]
            for g in range(share * (c_in // per_group)):
                first = (g // share) * per_group + (g % share) * 4
                last = min(first + 4, (g // share + 1) * per_group)
                four[:] = 0
                for c in range(first, last):
                    four[c - first] = np.int32(np.rint(source[c] * factor))
                total = -(four[0] + four[1] + four[2] + four[3])
                place = target[g * 32 :]
                for code in range(16):
                    summed = total
                    for bit in range(4):
                        summed += 2 * four[bit] * ((code >> bit) & 1)
                    place[code] = np.uint8(summed & 255)
                    place[16 + code] = np.uint8((summed >> 8) & 255)


@kernel
def clear(sums, at):
    nothing = v.zero()
    for part in range(8):
        v.store(sums, at + 32 * part, nothing)


@kernel
def add_words(sums, at, words):
    v.store(sums, at, v.add32(v.load(sums, at), v.low_words(words)))
    v.store(sums, at + 32, v.add32(v.load(sums, at + 32), v.high_words(words)))


@kernel
def add_all(sums, at, a, b, c, d):
    add_words(sums, at, a)
    add_words(sums, at + 64, b)
    add_words(sums, at + 128, c)
    add_words(sums, at + 192, d)


@kernel
def two_places(tables, w, weight, first, second, runs, length, chunk, sums, at, stride):
    clear(sums, at)
    clear(sums, at + stride)
    for r in range(len(runs)):
        done = 0
        while done < length:
            some = min(chunk, length - done)
            p, q = first + runs[r] + 32 * done, second + runs[r] + 32 * done
            a0, a1, a2, a3 = v.zero(), v.zero(), v.zero(), v.zero()
            b0, b1, b2, b3 = v.zero(), v.zero(), v.zero(), v.zero()
            for _ in range(some):
                both = v.load(w, weight)
                weight += 32
                low, high = v.low_nibbles(both), v.high_nibbles(both)
                lower, upper = v.load_twice(tables, p), v.load_twice(tables, p + 16)
                x, y = v.shuffle(lower, low), v.shuffle(upper, low)
                a0, a1 = v.add16(a0, v.unpack_low(x, y)), v.add16(a1, v.unpack_high(x, y))
                x, y = v.shuffle(lower, high), v.shuffle(upper, high)
                a2, a3 = v.add16(a2, v.unpack_low(x, y)), v.add16(a3, v.unpack_high(x, y))
                lower, upper = v.load_twice(tables, q), v.load_twice(tables, q + 16)
                x, y = v.shuffle(lower, low), v.shuffle(upper, low)
                b0, b1 = v.add16(b0, v.unpack_low(x, y)), v.add16(b1, v.unpack_high(x, y))
                x, y = v.shuffle(lower, high), v.shuffle(upper, high)
                b2, b3 = v.add16(b2, v.unpack_low(x, y)), v.add16(b3, v.unpack_high(x, y))
                p += 32
                q += 32
            add_all(sums, at, a0, a1, a2, a3)
            add_all(sums, at + stride, b0, b1, b2, b3)
            done += some


@kernel
def one_place(tables, w, weight, first, runs, length, chunk, sums, at):
    clear(sums, at)
    for r in range(len(runs)):
        done = 0
        while done < length:
            some = min(chunk, length - done)
            p = first + runs[r] + 32 * done
            a0, a1, a2, a3 = v.zero(), v.zero(), v.zero(), v.zero()
            for _ in range(some):
                both = v.load(w, weight)
                weight += 32
                low, high = v.low_nibbles(both), v.high_nibbles(both)
                lower, upper = v.load_twice(tables, p), v.load_twice(tables, p + 16)
                x, y = v.shuffle(lower, low), v.shuffle(upper, low)
                a0, a1 = v.add16(a0, v.unpack_low(x, y)), v.add16(a1, v.unpack_high(x, y))
                x, y = v.shuffle(lower, high), v.shuffle(upper, high)
                a2, a3 = v.add16(a2, v.unpack_low(x, y)), v.add16(a3, v.unpack_high(x, y))
                p += 32
            add_all(sums, at, a0, a1, a2, a3)
            done += some


@kernel
def accumulate(tables, w, origins, runs, length, chunk, sums, blocks, block, last, first, end):
    size = len(runs) * length * 32
    stride = blocks * 256
    for b in range(block, last):
        place = first
        while place + 2 <= end:
            at = place * stride + b * 256
            one, two = origins[place], origins[place + 1]
            two_places(tables, w, b * size, one, two, runs, length, chunk, sums, at, stride)
            place += 2
        if place < end:
            at = place * stride + b * 256
            one_place(tables, w, b * size, origins[place], runs, length, chunk, sums, at)


@threaded_kernel
def accumulate_threaded(tables, w, origins, runs, length, chunk, sums, blocks, places, parts):
    for job in prange(blocks * parts):
        block, part = job // parts, job % parts
        first, end = places * part // parts, places * (part + 1) // parts
        accumulate(
            tables, w, origins, runs, length, chunk, sums, blocks, block, block + 1, first, end
        )


@threaded_kernel
def finish_sums(sums, steps, scale, shift, out):
    """Turn integer sums (P, padded) into (P, O): times step of the image and scale, plus shift."""
    places, outputs = out.shape
    for place in prange(places):
        row, whole = out[place], sums[place]
        step = steps[place * len(steps) // places]
        for c in range(outputs):
            row[c] = np.float32(whole[c]) * (step * scale[c]) + shift[c]
