"""What happens to numbers before and after the counting of signs, compiled.

All tensors are NHWC. Packed signs hold ``16 * nibble`` per four channels.
"""

from __future__ import annotations

import numpy as np
from numba import prange

from emostudio.inference.packed.compiling import kernel, threaded_kernel

# Moves the lowest bits of four bytes side by side, into the upper half of the lowest byte.
GATHER = np.uint32((1 << 24) + (1 << 17) + (1 << 10) + (1 << 3))
NIBBLE = np.uint32(0xF0)
SHIFT = np.uint32(20)


@kernel
def gather(flags, out):
    """Pack bytes of 0 and 1, four to a byte."""
    words = flags.view(np.uint32)
    for g in range(len(out)):
        out[g] = np.uint8(((words[g] * GATHER) >> SHIFT) & NIBBLE)


@threaded_kernel
def pack(values, scale, shift, per_group, out, top, left):
    """Write the signs of (N, H, W, C) into (N, Hp, Wp, G), `top` and `left` from its corner."""
    n, height, width, c_in = values.shape
    depth = out.shape[3]
    groups = c_in // per_group
    step = 4 * depth // groups
    for row in prange(n * height):
        image, y = row // height, row % height
        flags = np.zeros(4 * depth, np.uint8)
        for x in range(width):
            source = values[image, y, x]
            for group in range(groups):
                part, first = flags[group * step :], group * per_group
                given, factor, offset = source[first:], scale[first:], shift[first:]
                for c in range(per_group):
                    part[c] = np.uint8(given[c] * factor[c] + offset[c] >= np.float32(0.0))
            gather(flags, out[image, y + top, x + left])


@threaded_kernel
def finish(counts, base, kind, alpha, bias, size, extra, extra_channels, slope, post, out):
    """Turn counts (P, padded) into numbers (P, O).

    `base` (kinds, O) holds the sums without differing signs, `kind` (places,) which row is meant;
    `size` (P,) or (0,) is K; `extra` (P, channels) or (0, 1) is the shortcut.
    """
    places, outputs = out.shape
    for place in prange(places):
        row, sums = out[place], counts[place]
        start = base[kind[place % len(kind)]]
        if len(size):
            factor = size[place]
            for c in range(outputs):
                row[c] = (
                    np.float32(start[c] - np.int32(2) * np.int32(sums[c])) * alpha[c] * factor
                    + bias[c]
                )
        else:
            for c in range(outputs):
                row[c] = np.float32(start[c] - np.int32(2) * np.int32(sums[c])) * alpha[c] + bias[c]
        if len(extra):
            for repeat in range(outputs // extra_channels):
                carried, part = extra[place], row[repeat * extra_channels :]
                for c in range(extra_channels):
                    part[c] += carried[c]
        for c in range(outputs):
            value = row[c]
            row[c] = (value if value >= np.float32(0.0) else value * slope[c]) + post[c]


@threaded_kernel
def finish_signs(counts, base, kind, height, width, pool, limit, flip, out):
    """Turn counts into packed signs: the greatest sum in a window is held against a limit.

    `pool` is (kernel, stride, padding), both ways; `out` is (N, H, W, G).
    """
    n, rows, columns, groups = out.shape
    outputs = len(limit)
    size, stride, padding = pool
    for job in prange(n * rows):
        image, y = job // rows, job % rows
        best = np.empty(outputs, np.int32)
        flags = np.zeros(4 * groups, np.uint8)
        top = y * stride - padding
        for x in range(columns):
            left = x * stride - padding
            best[:] = -2147483647
            for i in range(max(0, top), min(height, top + size)):
                for j in range(max(0, left), min(width, left + size)):
                    place = i * width + j
                    differing, start = counts[image * height * width + place], base[kind[place]]
                    for c in range(outputs):
                        best[c] = max(best[c], start[c] - np.int32(2) * np.int32(differing[c]))
            for c in range(outputs):
                flags[c] = np.uint8(best[c] >= limit[c]) ^ flip[c]
            gather(flags, out[image, y, x])


@threaded_kernel
def max_pool(values, size_y, size_x, stride_y, stride_x, pad_y, pad_x, out):
    n, rows, columns, channels = out.shape
    height, width = values.shape[1:3]
    for job in prange(n * rows):
        image, y = job // rows, job % rows
        for x in range(columns):
            target = out[image, y, x]
            target[:] = -float("inf")
            for i in range(
                max(0, y * stride_y - pad_y), min(height, y * stride_y - pad_y + size_y)
            ):
                for j in range(
                    max(0, x * stride_x - pad_x), min(width, x * stride_x - pad_x + size_x)
                ):
                    source = values[image, i, j]
                    for c in range(channels):
                        value = source[c]
                        if value > target[c] or value != value:  # NaN stays, unlike with max
                            target[c] = value


@threaded_kernel
def scale_rows(values, scale, shift, slope, post, out):
    """Per channel of (P, C): times `scale`, plus `shift`, a PReLU, plus `post`."""
    places, channels = values.shape
    for place in prange(places):
        source, target = values[place], out[place]
        for c in range(channels):
            value = source[c] * scale[c] + shift[c]
            target[c] = (value if value >= np.float32(0.0) else value * slope[c]) + post[c]
