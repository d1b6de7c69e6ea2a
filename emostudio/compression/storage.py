"""What the bytes of a model are spent on: values, places, tables, and what stays float32.

References
----------
.. [1] Han et al., "Deep Compression", ICLR 2016, arXiv:1510.00149, sections 2 and 4.
"""

from __future__ import annotations

from collections.abc import Mapping

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
