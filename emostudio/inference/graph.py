"""A network's layers as an ONNX graph in memory."""

from __future__ import annotations

import copy
import io
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from typing import Any

import torch
from torch import nn

from emostudio.core.errors import EmoStudioError, first_line
from emostudio.inference.few_bits import FewBitLinear, has_few_bits
from emostudio.inference.layer_spec import SignLayerLike
from emostudio.models.segments import SegmentPass, segments_of

INPUT_NAME = "input"
OUTPUT_NAME = "output"

_EXPORT_LOGGERS = ("torch.onnx", "torch.export", "onnxscript", "onnx_ir")


class _OnnxLrn(nn.Module):
    """Local response normalisation as the one ONNX operator instead of a dozen."""

    def __init__(self, layer: nn.LocalResponseNorm) -> None:
        super().__init__()
        self.attributes: dict[str, Any] = {
            "alpha": float(layer.alpha),
            "beta": float(layer.beta),
            "bias": float(layer.k),
            "size": int(layer.size),
        }

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return normalised features of the same shape (N, C, H, W)."""
        symbolic: torch.Tensor = torch.onnx.ops.symbolic(
            "LRN",
            (features,),
            self.attributes,
            dtype=features.dtype,
            shape=features.shape,
            version=18,
        )
        return symbolic


def onnx_graph(
    module: nn.Module,
    input_shape: tuple[int, ...],
    outputs: tuple[str, ...] = (OUTPUT_NAME,),
    *,
    few_bits: bool = False,
) -> bytes:
    """Export a network in evaluation mode with a free batch size.

    Parameters
    ----------
    module
        Maps (N, C, H, W) to (N, K); left untouched.
    input_shape
        (C, H, W) of one input.
    outputs
        Names of what the network returns.
    few_bits
        Keep binary weights of linear layers packed, in an operator that is not in the ONNX
        standard; for engines that have it.

    Returns
    -------
    A complete ONNX model with input ``input`` and the outputs named.

    Raises
    ------
    EmoStudioError
        If a layer cannot be expressed in ONNX, or the picture decides which layers run.
    """
    return onnx_part(_one_way(module), {INPUT_NAME: input_shape}, outputs, few_bits=few_bits)


def onnx_part(
    module: nn.Module,
    inputs: Mapping[str, tuple[int, ...]],
    outputs: tuple[str, ...],
    *,
    few_bits: bool = False,
) -> bytes:
    """Export a stretch of a network with any number of inputs; see `onnx_graph`.

    Parameters
    ----------
    module
        Takes the inputs in their order; left untouched.
    inputs
        Shape of one example of each, without the batch, by name.
    outputs
        Names of what it returns.
    few_bits
        See `onnx_graph`.

    Raises
    ------
    EmoStudioError
        If a layer cannot be expressed in ONNX.
    """
    network = exchanged(copy.deepcopy(module).cpu().eval(), few_bits=few_bits)
    # Two images: a batch of one would be taken for a constant.
    examples = tuple(torch.zeros(2, *shape) for shape in inputs.values())
    batch = torch.export.Dim("batch")
    with _quiet_exporter():
        try:
            program = torch.onnx.export(
                network,
                examples,
                dynamo=True,
                external_data=False,
                verbose=False,
                input_names=list(inputs),
                output_names=list(outputs),
                dynamic_shapes=tuple({0: batch} for _ in inputs),
            )
        except Exception as error:
            raise EmoStudioError(
                "The network cannot be exported to ONNX",
                why=first_line(error),
                next_step="Run it on the torch engine",
            ) from error
    if program is None:
        raise EmoStudioError("The network cannot be exported to ONNX")
    content: bytes = program.model_proto.SerializeToString()
    return content


def segment_graphs(
    module: nn.Module, input_shape: tuple[int, int, int], *, few_bits: bool = False
) -> tuple[bytes, ...]:
    """Export each segment of a network that may answer early as a graph of its own.

    All but the last return features, logits and whose answer stands. See `onnx_graph`.

    Raises
    ------
    EmoStudioError
        If a layer cannot be expressed in ONNX.
    """
    graphs: list[bytes] = []
    shape: tuple[int, ...] = input_shape
    for segment in segments_of(copy.deepcopy(module).cpu().eval()):
        passes = SegmentPass(segment).eval()
        if segment.head is None:
            graphs.append(onnx_graph(passes, shape, few_bits=few_bits))
            break
        names = ("features", OUTPUT_NAME, "accepted")
        graphs.append(onnx_graph(passes, shape, names, few_bits=few_bits))
        with torch.no_grad():
            shape = tuple(segment.body(torch.zeros(1, *shape)).shape[1:])
    return tuple(graphs)


def _one_way(module: nn.Module) -> nn.Module:
    segments = segments_of(module)
    if len(segments) > 1:
        raise EmoStudioError(
            "The network cannot become one ONNX graph",
            why="it has early exits: the picture decides which layers run, and a graph runs all",
            next_step="Run it here, where ONNX Runtime gets one graph per segment, or set its "
            "thresholds to -1 so that nothing leaves early",
        )
    return segments[0].body


def exchanged(network: nn.Module, *, few_bits: bool = False) -> nn.Module:
    """Exchange layers for others that say the same in ONNX, in place.

    A layer may declare ``exported() -> nn.Module``, its equivalent in plain layers; where it
    returns itself, it stays and its parts are looked at.
    """
    for parent in list(network.modules()):
        for name, child in parent.named_children():
            if few_bits and has_few_bits(child) and not isinstance(parent, SignLayerLike):
                setattr(parent, name, _marked(FewBitLinear(child)))
                continue
            own = getattr(child, "exported", None)
            if own is not None:
                plain = own().eval()
                if plain is not child:
                    setattr(parent, name, _marked(plain))
            # For even sizes torch and ONNX put the window differently.
            elif isinstance(child, nn.LocalResponseNorm) and child.size % 2 == 1:
                setattr(parent, name, _marked(_OnnxLrn(child)))
    return network


def is_exchanged(layer: nn.Module) -> bool:
    """Whether `exchanged` put the layer in the place of another: it is there for export only."""
    return bool(getattr(layer, "stands_for_another", False))


def _marked(layer: nn.Module) -> nn.Module:
    layer.stands_for_another = True  # type: ignore[assignment]  # modules take any attribute
    return layer


@contextmanager
def _quiet_exporter() -> Iterator[Any]:
    """Keep the exporter's chatter about itself out of logs and off stdout."""
    loggers = [logging.getLogger(name) for name in _EXPORT_LOGGERS]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
