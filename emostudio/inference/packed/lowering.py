"""From a network to a program: kernels where there are some, ONNX Runtime elsewhere."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import numpy as np
import torch
from torch import fx, nn

from emostudio.core.errors import EmoStudioError
from emostudio.inference.graph import exchanged
from emostudio.inference.packed.program import Program
from emostudio.inference.packed.rewriting import Lowering, channels_last, layer_step, plain_step
from emostudio.inference.packed.sign_fusing import with_fused_signs
from emostudio.inference.packed.step import Step
from emostudio.inference.packed.steps import ChannelsLast, GraphStep
from emostudio.inference.packed.tracing import stretch_graph, traced
from emostudio.models.segments import SegmentPass, segments_of


def program_of(module: nn.Module, input_shape: tuple[int, ...]) -> Program:
    """Return a network in evaluation mode as a program.

    Parameters
    ----------
    module
        Maps (N, C, H, W) to one or more results, in one way for all pictures; left untouched.
    input_shape
        Without the batch.

    Raises
    ------
    EmoStudioError
        If the network cannot be followed, or a part of it cannot be expressed in ONNX.
    """
    network = exchanged(copy.deepcopy(module).cpu().eval())
    graph, shapes = traced(network, input_shape)
    nodes = [node for node in graph.graph.nodes if node.op not in ("placeholder", "output")]
    source = next(node for node in graph.graph.nodes if node.op == "placeholder")
    returned = next(node for node in graph.graph.nodes if node.op == "output").args[0]
    results = returned if isinstance(returned, tuple) else (returned,)
    lowering = Lowering(graph, shapes)
    steps: dict[fx.Node, Step] = {}
    for node in nodes:
        step = layer_step(lowering, node)
        inputs = node.all_input_nodes
        if step is None and inputs and all(other in steps for other in inputs):
            step = plain_step(lowering, node)
        if step is not None:
            steps[node] = step
    dropped = with_fused_signs(lowering, steps)
    kept = [node for node in nodes if node not in dropped]
    ordered = list(_scheduled(lowering, kept, steps, source.name))
    return Program(tuple(ordered), source.name, tuple(node.name for node in results))


def _scheduled(
    lowering: Lowering, nodes: list[fx.Node], steps: dict[fx.Node, Step], source: str
) -> Iterator[Step]:
    """Yield steps in a possible order, with as many other nodes in one graph as there can be."""
    done = {source}
    if any(channels_last(source) in step.inputs for step in steps.values()):
        yield ChannelsLast((source,), (channels_last(source),))
        done.add(channels_last(source))
    waiting = list(nodes)
    while waiting:
        ready = _ready([node for node in waiting if node not in steps], steps, done)
        if ready:
            inputs, outputs, content = stretch_graph(lowering.graph, ready, lowering.shapes, source)
            yield GraphStep(inputs, outputs, np.frombuffer(content, np.uint8))
        native = _ready([node for node in waiting if node in steps], steps, done)
        yield from (steps[node] for node in native)
        moved = {*ready, *native}
        if not moved:
            raise EmoStudioError("The packed engine cannot order the network's layers")
        waiting = [node for node in waiting if node not in moved]


def _ready(nodes: list[fx.Node], steps: dict[fx.Node, Step], done: set[str]) -> list[fx.Node]:
    """Return the nodes that need nothing but what is done, and each other; they are done then."""
    found = []
    for node in nodes:
        step = steps.get(node)
        reads = step.inputs if step else tuple(other.name for other in node.all_input_nodes)
        if done.issuperset(reads):
            found.append(node)
            done.update(step.outputs if step else (node.name,))
    return found


def programs_of(module: nn.Module, input_shape: tuple[int, ...]) -> tuple[Program, ...]:
    """Return a network as one program, or one for each segment where it may answer early.

    All but the last return features, logits and whose answer stands; see `program_of`.
    """
    network = copy.deepcopy(module).cpu().eval()
    programs = []
    for segment in segments_of(network):
        programs.append(program_of(SegmentPass(segment).eval(), input_shape))
        if segment.head is not None:
            with torch.inference_mode():
                input_shape = tuple(segment.body(torch.zeros(1, *input_shape)).shape[1:])
    return tuple(programs)
