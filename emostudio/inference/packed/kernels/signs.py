"""What happens to numbers before and after the counting of signs, compiled.

All tensors are NHWC. Packed signs hold ``16 * nibble`` per four channels.
"""

from __future__ import annotations

from numba import prange

from emostudio.inference.packed.compiling import kernel, threaded_kernel


@kernel
def pack_row(values, scale, shift, c_in, per_group, out, at):
    groups = c_in // per_group
    for part in range(groups):
        channel = part * per_group
        left = per_group
        while left > 0:
            byte = 0
            for bit in range(min(4, left)):
                c = channel + bit
                if values[c] * scale[c] + shift[c] >= 0.0:
                    byte |= 16 << bit
            out[at] = byte
            at += 1
            channel += 4
            left -= 4


@threaded_kernel
def pack(values, scale, shift, per_group, out, top, left):
    """Write the signs of (N, H, W, C) into (N, Hp, Wp, G), `top` and `left` from its corner."""
    n, height, width, c_in = values.shape
    for row in prange(n * height):
        image, y = row // height, row % height
        target = out[image, y + top]
        for x in range(width):
            pack_row(values[image, y, x], scale, shift, c_in, per_group, target[x + left], 0)


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
                row[c] = (start[c] - 2.0 * sums[c]) * alpha[c] * factor + bias[c]
        else:
            for c in range(outputs):
                row[c] = (start[c] - 2.0 * sums[c]) * alpha[c] + bias[c]
        if len(extra):
            for repeat in range(outputs // extra_channels):
                carried, part = extra[place], row[repeat * extra_channels :]
                for c in range(extra_channels):
                    part[c] += carried[c]
        for c in range(outputs):
            value = row[c]
            row[c] = (value if value >= 0.0 else value * slope[c]) + post[c]


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
        for x in range(columns):
            for g in range(groups):
                byte = 0
                for bit in range(min(4, outputs - 4 * g)):
                    c = 4 * g + bit
                    best = -2147483647
                    for i in range(
                        max(0, y * stride - padding), min(height, y * stride - padding + size)
                    ):
                        for j in range(
                            max(0, x * stride - padding), min(width, x * stride - padding + size)
                        ):
                            place = i * width + j
                            differing = counts[image * height * width + place, c]
                            best = max(best, base[kind[place], c] - 2 * int(differing))
                    if (best >= limit[c]) != (flip[c] != 0):
                        byte |= 16 << bit
                out[image, y, x, g] = byte


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
                        target[c] = max(target[c], source[c])


@threaded_kernel
def scale_rows(values, scale, shift, slope, post, out):
    """Per channel of (P, C): times `scale`, plus `shift`, a PReLU, plus `post`."""
    places, channels = values.shape
    for place in prange(places):
        source, target = values[place], out[place]
        for c in range(channels):
            value = source[c] * scale[c] + shift[c]
            target[c] = (value if value >= 0.0 else value * slope[c]) + post[c]
