"""Huffman coding: frequent values and distances get short codes; nothing is lost.

Use it last. Pruned positions become distances between survivors, shared values become codes, and
both are coded with as many bits as they carry information.

References
----------
.. [1] Han et al., "Deep Compression", ICLR 2016, arXiv:1510.00149, section 4.
"""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
from torch import nn

from emostudio.compression import rules
from emostudio.compression.base import ENTROPY_CODED, ApplyContext, Method, Planned
from emostudio.compression.coding import codecs, entropy
from emostudio.compression.fine_tuning import LayerSettings
from emostudio.compression.surgery import skeleton, with_coded
from emostudio.core.events import Event, Progress
from emostudio.core.machine_card import SIZE_ONLY
from emostudio.models.loaded import CodedTensor, LoadedModel


class HuffmanSettings(LayerSettings):
    """Nothing to set but the layers."""


class Huffman(Method[HuffmanSettings]):
    """Entropy-codes pruned and shared layers."""

    key = "huffman"
    title = "Huffman coding"
    family = rules.CODING
    summary = "Code pruned and shared weights with as few bits as they carry; lossless."
    reference = "Han et al., ICLR 2016, arXiv:1510.00149, section 4"
    settings_type = HuffmanSettings
    decided_by = SIZE_ONLY
    leaves = frozenset({ENTROPY_CODED})
    codecs = (entropy.HUFFMAN,)

    def refuses(self, name: str, layer: nn.Module, settings: HuffmanSettings) -> str:
        """Return nothing: what a layer has become decides, see `rules.REQUIREMENTS`."""
        del name, layer, settings
        return ""

    def plan(self, model: LoadedModel, settings: HuffmanSettings) -> Planned:
        """Predict the coded sizes: exact for weights that are known, else an estimate."""
        selection = rules.select(self, model, settings)
        coded: dict[str, CodedTensor] = {}
        exact = True
        for name in selection.layers:
            before = model.coded[f"{name}.weight"]
            known = codecs.has_values(before)
            after = entropy.encode(before) if known else entropy.estimate(before)
            coded[f"{name}.weight"] = _smaller(before, after)
            exact &= known
        note = "the size depends on the trained weights; it is an estimate until they are known"
        return Planned(
            model=with_coded(skeleton(model), coded),
            exact=exact,
            layers=tuple(selection.layers),
            notes=() if exact else (note,),
            skipped=selection.skipped,
        )

    def apply(
        self, model: LoadedModel, settings: HuffmanSettings, context: ApplyContext
    ) -> Generator[Event, None, LoadedModel]:
        """Code the packed tensors of `model` once more."""
        result = model.copy()
        selection = rules.select(self, result, settings)
        coded: dict[str, CodedTensor] = {}
        for number, name in enumerate(selection.layers):
            yield Progress(fraction=number / len(selection.layers), message=f"Coding {name}")
            context.job.report(number / len(selection.layers), f"Coding {name}")
            before = result.coded[f"{name}.weight"]
            coded[f"{name}.weight"] = _smaller(before, entropy.encode(before))
        return with_coded(result, coded)

    def unpack(self, coded: CodedTensor) -> np.ndarray:
        """Return the values of an entropy-coded tensor."""
        return entropy.decode(coded)


def _smaller(before: CodedTensor, after: CodedTensor) -> CodedTensor:
    """Return the smaller form: tables outweigh the gain in layers of few weights."""
    return after if _bytes(after) < _bytes(before) else before


def _bytes(coded: CodedTensor) -> int:
    return sum(array.nbytes for array in coded.arrays.values())


METHOD = Huffman()
