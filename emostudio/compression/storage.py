"""What the bytes of a model are spent on: values, places, tables, and what stays float32.

References
----------
.. [1] Han et al., "Deep Compression", ICLR 2016, arXiv:1510.00149, sections 2 and 4.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from emostudio.models.loaded import CodedTensor, LoadedModel

VALUES = "values"
INDICES = "indices"
CODEBOOK = "codebook"
TABLES = "code tables"
SCALES = "scales"
FLOAT32 = "float32"

_ROLES: Mapping[str, str] = {
    "values": VALUES,
    "codes": VALUES,
    "bits": VALUES,
    "value_stream": VALUES,
    "mask": INDICES,
    "index_stream": INDICES,
    "codebook": CODEBOOK,
    "value_lengths": TABLES,
    "index_lengths": TABLES,
    "scale": SCALES,
    "levels": SCALES,
}
_WIDEST_INDEX = 12


def storage_parts(coded: CodedTensor) -> dict[str, int]:
    """Return the bytes of a packed tensor by what they are for; they sum to all of it.

    Parameters
    ----------
    coded
        Packed or planned.

    Returns
    -------
    Bytes of `VALUES` (codes or floats), `INDICES` (where the survivors are), `CODEBOOK`, `TABLES`
    (code lengths) and `SCALES`, as far as there are any; other parts under their own name.
    """
    found: dict[str, int] = {}
    for name, array in coded.arrays.items():
        role = _ROLES.get(name, name)
        found[role] = found.get(role, 0) + array.nbytes
    return found


def layer_storage(model: LoadedModel) -> dict[str, dict[str, int]]:
    """Return the bytes of each layer, by path, by what they are for, headers apart.

    What is not packed (biases, normalisations, layers left alone) is under `FLOAT32`, whatever its
    type.
    """
    found: dict[str, dict[str, int]] = {}
    state = {} if model.module is None else model.module.state_dict()
    for name, tensor in state.items():
        layer = found.setdefault(name.rpartition(".")[0], {})
        parts = {FLOAT32: tensor.numel() * tensor.element_size()}
        if name in model.coded:
            parts = storage_parts(model.coded[name])
        for role, size in parts.items():
            layer[role] = layer.get(role, 0) + size
    return found


@dataclass(frozen=True)
class SparseLayer:
    """A layer in the sparse code of Deep Compression before Huffman coding, by numbers alone.

    Attributes
    ----------
    weights
        How many there are.
    density
        Share that survives pruning, in (0, 1].
    value_bits, index_bits
        Widths of a value code and of an index field.
    """

    weights: int
    density: float
    value_bits: int
    index_bits: int

    @property
    def fillers(self) -> float:
        """Fillers per survivor to expect where survivors are scattered at random."""
        return expected_fillers(self.density, self.index_bits)

    @property
    def bits(self) -> float:
        """Bits of values, index fields and fillers."""
        entries = self.weights * self.density * (1.0 + self.fillers)
        return entries * (self.value_bits + self.index_bits)

    @property
    def codebook_bytes(self) -> int:
        """Bytes of the float32 values that the codes stand for."""
        return 4 * int(2**self.value_bits)


def expected_fillers(density: float, index_bits: int) -> float:
    """Return the fillers per survivor, q / (1 - q) with q = (1 - density) ^ (2 ^ index_bits)."""
    beyond = (1.0 - density) ** (2**index_bits)
    return beyond / (1.0 - beyond) if beyond < 1.0 else math.inf


def best_index_bits(density: float, value_bits: int) -> int:
    """Return the width of an index field that minimises (b_w + b_i) (1 + f)."""
    widths = range(1, _WIDEST_INDEX + 1)
    return min(
        widths, key=lambda width: (value_bits + width) * (1.0 + expected_fillers(density, width))
    )


def sparse_bytes(layers: Iterable[SparseLayer], float32_scalars: int) -> float:
    """Return the bytes of a network before Huffman coding, with codebooks and what stays float32.

    Parameters
    ----------
    layers
        The pruned and shared layers.
    float32_scalars
        Biases, normalisations and whatever else is stored as it is.
    """
    coded = sum(layer.bits / 8 + layer.codebook_bytes for layer in layers)
    return coded + 4 * float32_scalars
