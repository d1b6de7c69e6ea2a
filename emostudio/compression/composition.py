"""The composition table as data: which family of methods may follow what a layer has become.

References
----------
.. [1] The survey's own wish for "combining of the most successful reviewed techniques"; the table
   of legal orders is this project's.
"""

from __future__ import annotations

from emostudio.compression.base import (
    BINARY,
    BINARY_INPUTS,
    ENTROPY_CODED,
    HASHED,
    LOW_RANK,
    PRUNED,
    QUANTISED,
    SHARED,
)
from emostudio.compression.base import TENSOR_TRAIN as TENSOR_TRAINED

PRUNING = "Pruning"
CHANNEL_PRUNING = "Channel pruning"
SHARING = "Weight sharing"
CODING = "Entropy coding"
HASHING = "Hashing"
DECOMPOSITION = "Decomposition"
TENSOR_TRAIN = "Tensor train"
BINARISATION = "Binarisation"
QUANTISATION = "Quantisation"
EARLY_EXITS = "Early exits"
DISTILLATION = "Distillation"

_BROKEN_CODES = "the layer's values are already coded; put this step before weight sharing"
_CODED = "the layer is already entropy-coded; nothing but another model may follow"
_HASHED = "layer has no dense weight (hashed)"
_TENSOR_TRAINED = "layer has no dense weight (TT)"
_DENSIFIES = "low-rank after element pruning would restore zeros"
_BINARY = "the layer is binary: its weights have two values only"
_SIGNED = "the layer's inputs are signs"
_EXCLUSIVE = "codebook and INT8 are exclusive"
_INT8 = "the layer is already INT8; put this step before quantisation"
_CHANNELS = "channels must be pruned before {}; put channel pruning first"

REFUSALS: dict[tuple[str, str], str] = {
    (PRUNING, SHARED): "pruning after weight sharing would undo the codebook; prune first",
    (PRUNING, ENTROPY_CODED): _CODED,
    (PRUNING, HASHED): "layer has no dense weight (hashed): virtual weights share buckets",
    (PRUNING, BINARY): "pruning a binary layer would make it ternary",
    (PRUNING, QUANTISED): "pruning after quantisation would undo the codes; prune first",
    (CHANNEL_PRUNING, SHARED): _CHANNELS.format("weight sharing"),
    (CHANNEL_PRUNING, ENTROPY_CODED): _CHANNELS.format("entropy coding"),
    (CHANNEL_PRUNING, HASHED): f"{_HASHED}; prune channels before hashing",
    (CHANNEL_PRUNING, LOW_RANK): _CHANNELS.format("a decomposition"),
    (CHANNEL_PRUNING, TENSOR_TRAINED): f"{_TENSOR_TRAINED}; prune channels before it",
    (CHANNEL_PRUNING, BINARY): _CHANNELS.format("binarisation"),
    (CHANNEL_PRUNING, BINARY_INPUTS): _CHANNELS.format("binary activations"),
    (CHANNEL_PRUNING, QUANTISED): _CHANNELS.format("quantisation"),
    (SHARING, SHARED): "the layer already shares its values",
    (SHARING, ENTROPY_CODED): _CODED,
    (SHARING, BINARY): f"{_BINARY}, a codebook gains nothing",
    (SHARING, QUANTISED): _EXCLUSIVE,
    (CODING, ENTROPY_CODED): "the layer is already entropy-coded",
    (CODING, BINARY): "entropy of a binary alphabet is ~1 bit, Huffman gains nothing",
    (HASHING, PRUNED): "hashing after element pruning would restore zeros",
    (HASHING, SHARED): _BROKEN_CODES,
    (HASHING, ENTROPY_CODED): _CODED,
    (HASHING, HASHED): "the layer is already hashed",
    (HASHING, LOW_RANK): "the layer is a factor of a decomposition; hash other layers",
    (HASHING, TENSOR_TRAINED): _TENSOR_TRAINED,
    (HASHING, BINARY): _BINARY,
    (HASHING, BINARY_INPUTS): f"{_SIGNED}, and its block needs a dense weight; hash other layers",
    (HASHING, QUANTISED): "hash first, then quantise the buckets",
    (DECOMPOSITION, PRUNED): _DENSIFIES,
    (DECOMPOSITION, SHARED): _BROKEN_CODES,
    (DECOMPOSITION, ENTROPY_CODED): _CODED,
    (DECOMPOSITION, HASHED): _HASHED,
    (DECOMPOSITION, LOW_RANK): "the layer is already a factor of a decomposition",
    (DECOMPOSITION, TENSOR_TRAINED): _TENSOR_TRAINED,
    (DECOMPOSITION, BINARY): f"{_BINARY}, its factors would not be binary",
    (DECOMPOSITION, BINARY_INPUTS): f"{_SIGNED}, those of the factors behind the first were not",
    (DECOMPOSITION, QUANTISED): _INT8,
    (TENSOR_TRAIN, PRUNED): _DENSIFIES,
    (TENSOR_TRAIN, SHARED): _BROKEN_CODES,
    (TENSOR_TRAIN, ENTROPY_CODED): _CODED,
    (TENSOR_TRAIN, HASHED): _HASHED,
    (TENSOR_TRAIN, LOW_RANK): "the layer is already a factor of a decomposition",
    (TENSOR_TRAIN, TENSOR_TRAINED): "the layer is already a tensor train",
    (TENSOR_TRAIN, BINARY): f"{_BINARY}, its cores would not be binary",
    (TENSOR_TRAIN, BINARY_INPUTS): f"{_SIGNED}, those of the cores behind the first were not",
    (TENSOR_TRAIN, QUANTISED): _INT8,
    (BINARISATION, PRUNED): "binary weights cannot be zero: pruning would be lost",
    (BINARISATION, SHARED): _BROKEN_CODES,
    (BINARISATION, ENTROPY_CODED): _CODED,
    (BINARISATION, HASHED): _HASHED,
    (BINARISATION, LOW_RANK): "factors of a decomposition are too thin to be binary (fan-in 3)",
    (BINARISATION, TENSOR_TRAINED): _TENSOR_TRAINED,
    (BINARISATION, BINARY): "the layer is already binary",
    (BINARISATION, BINARY_INPUTS): f"{_SIGNED} already; use xnor instead to make both binary",
    (BINARISATION, QUANTISED): "the layer is already INT8; binarise first, quantise the others",
    (QUANTISATION, SHARED): _EXCLUSIVE,
    (QUANTISATION, ENTROPY_CODED): _CODED,
    (QUANTISATION, BINARY): f"{_BINARY}; INT8 is for the first and last layer",
    (QUANTISATION, BINARY_INPUTS): f"{_SIGNED}; INT8 is for the first and last layer",
    (QUANTISATION, QUANTISED): "the layer is already INT8",
}
"""(family of the next method, trait of the layer) to the reason it is refused."""

ORDER = frozenset(
    {
        (PRUNING, SHARED),
        (PRUNING, ENTROPY_CODED),
        (PRUNING, QUANTISED),
        (SHARING, ENTROPY_CODED),
        *((family, trait) for family, trait in REFUSALS if family == CHANNEL_PRUNING),
    }
)
"""Pairs of `REFUSALS` that mean a wrong order: the whole step is refused, not the layer alone.

Channels tie layers together, so one layer that cannot follow stops channel pruning altogether."""

REQUIREMENTS: dict[str, tuple[frozenset[str], str]] = {
    CODING: (
        frozenset({PRUNED, SHARED, QUANTISED}),
        "float32 values hardly repeat, so Huffman gains nothing; prune or share weights first",
    ),
}
"""Family to the traits of which a layer needs one, and the reason if it has none."""

FIRST: dict[str, str] = {
    DISTILLATION: "it starts a new network, so what the steps before it did would be lost; put it "
    "first",
}
"""Family to the reason why it must be the first step of a recipe."""

WARNINGS: dict[tuple[str, str], str] = {
    (PRUNING, LOW_RANK): "pruning the factors of a decomposition gains little",
    (PRUNING, TENSOR_TRAINED): "pruning the cores of a tensor train gains little",
    (CHANNEL_PRUNING, PRUNED): "the pruning mask is lost with the channels; prune again afterwards",
}
"""(family of the next method, trait) to a remark; the step runs."""
