"""Networks converted from ONNX files: layers as the file describes them."""

from __future__ import annotations

from torch import nn

from emostudio.core.errors import InputError
from emostudio.core.settings import setting
from emostudio.models.base import ArchitectureSettings
from emostudio.models.onnx_network import Node, build_network, described, parse_description

_SMALLEST = described(
    (
        Node("global_avg_pool", "mean", ("",), {}),
        Node("flatten", "flatten", ("mean",), {}),
        Node("linear", "scores", ("flatten",), {"out": 8, "bias": True}),
    )
)
"""The smallest classifier there is, by the mean of each channel."""


class OnnxGraphSettings(ArchitectureSettings):
    """Settings of a converted network."""

    graph: str = setting(
        _SMALLEST,
        title="Layers",
        help="The nodes of the graph as JSON, written by the import of an ONNX file.",
        advanced=True,
    )


class OnnxGraph:
    """A chain of layers and blocks with branches, from the description an import has written."""

    key = "onnx_graph"
    title = "Converted ONNX network"
    family = "Converted"
    summary = "Somebody else's network, taken apart into layers when its ONNX file was imported."
    reference = "Open Neural Network Exchange, operator schemas, github.com/onnx/onnx"
    settings_type = OnnxGraphSettings

    def why_unavailable(self) -> str:
        """Return why it cannot be chosen for training from scratch."""
        return "it comes from importing an ONNX file"

    def build(self, settings: OnnxGraphSettings) -> nn.Module:
        """Return the network with fresh weights.

        Raises
        ------
        InputError
            If the description is damaged or gives another number of classes.
        """
        nodes = parse_description(settings.graph)
        side = settings.input_size
        network, shape = build_network(nodes, (settings.channels, side, side))
        if shape != (settings.class_count,):
            raise InputError(
                "The description of the network's layers is damaged",
                why=f"its output has shape {list(shape)}, not [{settings.class_count}]",
                next_step="Import the ONNX file again",
            )
        return network


ARCHITECTURE = OnnxGraph()
