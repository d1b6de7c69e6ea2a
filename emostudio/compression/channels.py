"""Which channels of a network belong together: who makes them, who passes them on, who reads them.

Every output channel of a convolution or linear layer gets a number, which is followed through the
traced network: past normalisations and poolings, side by side through a concatenation, 36 times
over through the flattening of 6x6 maps. Channels that are added to each other get one number
between them. To remove a channel is then to drop one number wherever it turns up.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import nn

from emostudio.compression.channel_following import (
    ACTIVATIONS,
    NORMS,
    ChannelFollower,
    Ids,
    LayerChannels,
    is_depthwise,
)
from emostudio.compression.graph import LayerGraph
from emostudio.compression.surgery import kernel_size, layer_at


@dataclass(frozen=True)
class Block:
    """Channels made by the same layers, which are pruned by one rule.

    Attributes
    ----------
    producers
        Paths of the convolutions and linear layers that make them; several where they are added.
    channels
        Their numbers, int64 (n,), in the order of the first producer.
    reason
        Why none of them can be removed, or nothing.
    """

    producers: tuple[str, ...]
    channels: Ids
    reason: str = ""


class ChannelGraph:
    """The channels of a network.

    Parameters
    ----------
    network
        Put into evaluation mode; layers without values will do.
    input_shape
        (C, H, W) of one input.

    Attributes
    ----------
    layers
        Convolutions, linear layers and normalisations that a removed channel may change.
    producers
        Those of them that make channels of their own.
    blocks
        In the order of the network.
    count
        Numbers given; arrays of all channels have this length.

    Raises
    ------
    InputError
        If the network cannot be traced.
    """

    def __init__(self, network: nn.Module, input_shape: tuple[int, int, int]) -> None:
        network.eval()
        self.graph = LayerGraph(network)
        follower = ChannelFollower(self.graph, input_shape)
        self._network = network
        self._depthwise = {name for name in follower.found if is_depthwise(follower.layer(name))}
        self.count = follower.count
        self.layers = {
            name: LayerChannels(
                follower.roots(found.inputs), follower.roots(found.outputs), found.positions
            )
            for name, found in follower.found.items()
        }
        self.producers = {
            name: found
            for name, found in self.layers.items()
            if not isinstance(follower.layer(name), NORMS) and name not in self._depthwise
        }
        self.blocks = self._blocks(follower)

    def touched(self, channels: Ids) -> tuple[str, ...]:
        """Return the layers that change where any of `channels` is removed."""
        return tuple(
            name
            for name, found in self.layers.items()
            if np.isin(found.inputs, channels).any() or np.isin(found.outputs, channels).any()
        )

    def observed_at(self, producer: str) -> str:
        """Return where the maps of a layer are complete: behind its activation, if it has one."""
        place = producer
        for name in self.graph.chain(producer):
            if not isinstance(layer_at(self._network, name), (*NORMS, *ACTIVATIONS)):
                break
            place = name
        return place

    def macs(self, alive: np.ndarray) -> int:
        """Return the multiply-adds of `layers` if only the channels of `alive`, bool, are left."""
        return sum(self.layer_macs(name, alive) for name in self.layers)

    def layer_macs(self, name: str, alive: np.ndarray) -> int:
        """Return the multiply-adds of one layer."""
        layer, found = layer_at(self._network, name), self.layers[name]
        if isinstance(layer, NORMS):
            return 0
        size = 1
        if isinstance(layer, nn.Conv2d):
            height, width = kernel_size(layer)
            size = height * width
        inputs = 1 if name in self._depthwise else int(alive[found.inputs].sum())
        return found.positions * int(alive[found.outputs].sum()) * inputs * size

    def _blocks(self, follower: ChannelFollower) -> tuple[Block, ...]:
        makers: dict[int, list[str]] = {}
        for name, found in self.producers.items():
            for channel in found.outputs.tolist():
                if name not in makers.setdefault(channel, []):
                    makers[channel].append(name)
        members: dict[tuple[str, ...], list[int]] = {}
        for channel, names in makers.items():
            members.setdefault(tuple(names), []).append(channel)
        reasons = follower.reasons()
        return tuple(
            Block(
                names,
                np.array(channels, np.int64),
                next((reasons[channel] for channel in channels if channel in reasons), ""),
            )
            for names, channels in members.items()
        )
