"""Counting differing signs, compiled; see ``inference/packed/xnor.py`` for the layout."""

from __future__ import annotations

from numba import prange

from emostudio.inference.packed import vectors as v
from emostudio.inference.packed.compiling import kernel, threaded_kernel

CHUNK = 63  # 63 groups of 4 can differ in 252 signs: a byte holds that


@kernel
def add_wide(counts, at, low, high):
    v.store(counts, at, v.add16(v.load(counts, at), v.even_bytes(low)))
    v.store(counts, at + 32, v.add16(v.load(counts, at + 32), v.odd_bytes(low)))
    v.store(counts, at + 64, v.add16(v.load(counts, at + 64), v.even_bytes(high)))
    v.store(counts, at + 96, v.add16(v.load(counts, at + 96), v.odd_bytes(high)))


@kernel
def clear(counts, at):
    nothing = v.zero()
    for part in range(4):
        v.store(counts, at + 32 * part, nothing)


@kernel
def four_places(a, w, weight, o0, o1, o2, o3, runs, length, table, counts, at, stride):
    for place in range(4):
        clear(counts, at + place * stride)
    for r in range(len(runs)):
        done = 0
        while done < length:
            some = min(CHUNK, length - done)
            p0, p1 = o0 + runs[r] + done, o1 + runs[r] + done
            p2, p3 = o2 + runs[r] + done, o3 + runs[r] + done
            l0, l1, l2, l3 = v.zero(), v.zero(), v.zero(), v.zero()
            h0, h1, h2, h3 = v.zero(), v.zero(), v.zero(), v.zero()
            for g in range(some):
                both = v.load(w, weight)
                weight += 32
                low, high = v.low_nibbles(both), v.high_nibbles(both)
                row = v.table_row(table, a, p0 + g)
                l0, h0 = v.add8(l0, v.shuffle(row, low)), v.add8(h0, v.shuffle(row, high))
                row = v.table_row(table, a, p1 + g)
                l1, h1 = v.add8(l1, v.shuffle(row, low)), v.add8(h1, v.shuffle(row, high))
                row = v.table_row(table, a, p2 + g)
                l2, h2 = v.add8(l2, v.shuffle(row, low)), v.add8(h2, v.shuffle(row, high))
                row = v.table_row(table, a, p3 + g)
                l3, h3 = v.add8(l3, v.shuffle(row, low)), v.add8(h3, v.shuffle(row, high))
            add_wide(counts, at, l0, h0)
            add_wide(counts, at + stride, l1, h1)
            add_wide(counts, at + 2 * stride, l2, h2)
            add_wide(counts, at + 3 * stride, l3, h3)
            done += some


@kernel
def one_place(a, w, weight, origin, runs, length, table, counts, at):
    clear(counts, at)
    for r in range(len(runs)):
        done = 0
        while done < length:
            some = min(CHUNK, length - done)
            place = origin + runs[r] + done
            lower, upper = v.zero(), v.zero()
            for g in range(some):
                both = v.load(w, weight)
                weight += 32
                row = v.table_row(table, a, place + g)
                lower = v.add8(lower, v.shuffle(row, v.low_nibbles(both)))
                upper = v.add8(upper, v.shuffle(row, v.high_nibbles(both)))
            add_wide(counts, at, lower, upper)
            done += some


@kernel
def count(a, w, origins, runs, length, table, counts, blocks, block, last, first, end):
    size = len(runs) * length * 32
    stride = blocks * 128
    for b in range(block, last):
        place = first
        while place + 4 <= end:
            o0, o1, o2, o3 = (
                origins[place],
                origins[place + 1],
                origins[place + 2],
                origins[place + 3],
            )
            at = place * stride + b * 128
            four_places(a, w, b * size, o0, o1, o2, o3, runs, length, table, counts, at, stride)
            place += 4
        while place < end:
            at = place * stride + b * 128
            one_place(a, w, b * size, origins[place], runs, length, table, counts, at)
            place += 1


@threaded_kernel
def count_threaded(a, w, origins, runs, length, table, counts, blocks, places, parts):
    for job in prange(blocks * parts):
        block, part = job // parts, job % parts
        first, end = places * part // parts, places * (part + 1) // parts
        count(a, w, origins, runs, length, table, counts, blocks, block, block + 1, first, end)
