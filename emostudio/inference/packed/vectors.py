"""Vectors of 32 bytes inside numba: one function per instruction of AVX2.

A `V32` is a register; it lives in local variables of compiled functions only. Offsets into
arrays are in bytes, whatever the array's type, and are not checked.

References
----------
.. [1] Intel Intrinsics Guide, the names in brackets: https://www.intel.com/content/www/us/en/docs/intrinsics-guide
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, models, register_model

BYTES = 32
_I8, _I16, _I32 = ir.IntType(8), ir.IntType(16), ir.IntType(32)
_VECTOR = ir.VectorType(_I8, BYTES)
_HALF = ir.VectorType(_I8, 16)
_WORDS = ir.VectorType(_I16, 16)
_DOUBLES = ir.VectorType(_I32, 8)


class V32(types.Type):
    """The type of a register of 32 bytes."""

    def __init__(self) -> None:
        super().__init__(name="V32")


v32 = V32()


@register_model(V32)
class _V32Model(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _VECTOR)


def _address(context: Any, builder: Any, array_type: Any, array: Any, offset: Any) -> Any:
    """Return a byte pointer `offset` bytes into an array."""
    data = context.make_array(array_type)(context, builder, array).data
    return builder.gep(builder.bitcast(data, _I8.as_pointer()), [offset])


def _loaded(builder: Any, address: Any, shape: Any) -> Any:
    value = builder.load(builder.bitcast(address, shape.as_pointer()))
    value.align = 1
    return value


def _both_lanes(builder: Any, half: Any) -> Any:
    order = ir.Constant(ir.VectorType(_I32, BYTES), [*range(16), *range(16)])
    return builder.shuffle_vector(half, ir.Constant(_HALF, ir.Undefined), order)


def _call(builder: Any, name: str, result: Any, operands: list[Any]) -> Any:
    kind = ir.FunctionType(result, [operand.type for operand in operands])
    function = builder.module.globals.get(name) or ir.Function(builder.module, kind, name)
    return builder.call(function, operands)


@intrinsic
def load(typing: Any, array: Any, offset: Any) -> Any:
    """Return 32 bytes of an array (loadu_si256)."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = _address(context, builder, signature.args[0], *arguments)
        return _loaded(builder, address, _VECTOR)

    return v32(array, types.intp), generate


@intrinsic
def store(typing: Any, array: Any, offset: Any, value: Any) -> Any:
    """Write 32 bytes into an array (storeu_si256)."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = _address(context, builder, signature.args[0], *arguments[:2])
        builder.store(arguments[2], builder.bitcast(address, _VECTOR.as_pointer())).align = 1
        return context.get_dummy_value()

    return types.none(array, types.intp, v32), generate


@intrinsic
def load_twice(typing: Any, array: Any, offset: Any) -> Any:
    """Return 16 bytes of an array in both halves (broadcastsi128)."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = _address(context, builder, signature.args[0], *arguments)
        return _both_lanes(builder, _loaded(builder, address, _HALF))

    return v32(array, types.intp), generate


@intrinsic
def table_row(typing: Any, table: Any, places: Any, offset: Any) -> Any:
    """Return in both halves the 16 bytes of `table` that begin at the byte ``places[offset]``.

    One step, as an index of numba's would be tested for being negative.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = _address(context, builder, signature.args[1], *arguments[1:])
        wide = builder.zext(builder.load(place), ir.IntType(64))
        address = _address(context, builder, signature.args[0], arguments[0], wide)
        return _both_lanes(builder, _loaded(builder, address, _HALF))

    return v32(table, places, types.intp), generate


@intrinsic
def splat8(typing: Any, value: Any) -> Any:
    """Return a number in every byte (set1_epi8)."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        number = builder.trunc(arguments[0], _I8)
        blank = ir.Constant(_VECTOR, ir.Undefined)
        first = builder.insert_element(blank, number, ir.Constant(_I32, 0))
        spread = ir.Constant(ir.VectorType(_I32, BYTES), [0] * BYTES)
        return builder.shuffle_vector(first, blank, spread)

    return v32(types.int64), generate


def _binary(name: str, shape: Any, build: Callable[[Any, Any, Any], Any]) -> Any:
    """Return an intrinsic of two registers seen as vectors of `shape`."""

    def typed(typing: Any, first: Any, second: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            left, right = (builder.bitcast(value, shape) for value in arguments)
            return builder.bitcast(build(builder, left, right), _VECTOR)

        return v32(v32, v32), generate

    typed.__name__ = name
    typed.__doc__ = f"Combine two registers ({name})."
    return intrinsic(typed)


add8 = _binary("add_epi8", _VECTOR, lambda builder, left, right: builder.add(left, right))
add16 = _binary("add_epi16", _WORDS, lambda builder, left, right: builder.add(left, right))
add32 = _binary("add_epi32", _DOUBLES, lambda builder, left, right: builder.add(left, right))
bits_or = _binary("or_si256", _VECTOR, lambda builder, left, right: builder.or_(left, right))
bits_xor = _binary("xor_si256", _VECTOR, lambda builder, left, right: builder.xor(left, right))
shuffle = _binary(
    "shuffle_epi8",
    _VECTOR,
    lambda builder, left, right: _call(builder, "llvm.x86.avx2.pshuf.b", _VECTOR, [left, right]),
)


def _unpacked(start: int) -> Callable[[Any, Any, Any], Any]:
    places = [8 * half + place for half in (0, 2) for place in range(start, start + 8)]
    order = [byte for place in places for byte in (place, place + BYTES)]

    def build(builder: Any, left: Any, right: Any) -> Any:
        return builder.shuffle_vector(left, right, ir.Constant(ir.VectorType(_I32, BYTES), order))

    return build


unpack_low = _binary("unpacklo_epi8", _VECTOR, _unpacked(0))
unpack_high = _binary("unpackhi_epi8", _VECTOR, _unpacked(8))


def _unary(name: str, build: Callable[[Any, Any], Any]) -> Any:
    def typed(typing: Any, value: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.bitcast(build(builder, arguments[0]), _VECTOR)

        return v32(v32), generate

    typed.__name__ = name
    typed.__doc__ = f"Change a register ({name})."
    return intrinsic(typed)


def _shifted_words(bits: int) -> Callable[[Any, Any], Any]:
    def build(builder: Any, value: Any) -> Any:
        amount = ir.Constant(_WORDS, [bits] * 16)
        return builder.lshr(builder.bitcast(value, _WORDS), amount)

    return build


def _masked(pattern: int, lane: Any, count: int) -> Callable[[Any, Any], Any]:
    shape = ir.VectorType(lane, count)

    def build(builder: Any, value: Any) -> Any:
        mask = ir.Constant(shape, [pattern] * count)
        return builder.and_(builder.bitcast(value, shape), mask)

    return build


def _high_nibbles(builder: Any, value: Any) -> Any:
    shifted = builder.bitcast(_shifted_words(4)(builder, value), _VECTOR)
    return _masked(15, _I8, BYTES)(builder, shifted)


low_nibbles = _unary("low nibble of every byte", _masked(15, _I8, BYTES))
high_nibbles = _unary("high nibble of every byte", _high_nibbles)
even_bytes = _unary("bytes 0, 2, 4 ... as words", _masked(255, _I16, 16))
odd_bytes = _unary("bytes 1, 3, 5 ... as words", _shifted_words(8))


def _widened_half(start: int) -> Callable[[Any, Any], Any]:
    def build(builder: Any, value: Any) -> Any:
        words = builder.bitcast(value, _WORDS)
        order = ir.Constant(ir.VectorType(_I32, 8), list(range(start, start + 8)))
        half = builder.shuffle_vector(words, ir.Constant(_WORDS, ir.Undefined), order)
        return builder.sext(half, _DOUBLES)

    return build


low_words = _unary("words 0 to 7 as signed 32-bit numbers", _widened_half(0))
high_words = _unary("words 8 to 15 as signed 32-bit numbers", _widened_half(8))


@intrinsic
def zero(typing: Any) -> Any:
    """Return 32 bytes of 0 (setzero_si256)."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return ir.Constant(_VECTOR, [0] * BYTES)

    return v32(), generate
