import json

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from emostudio.compression.graph import LayerGraph
from emostudio.compression.surgery import weight_layers
from emostudio.core.emotions import EMOTIONS
from emostudio.core.errors import InputError
from emostudio.inference.graph import onnx_graph
from emostudio.models.architectures.onnx_graph import ARCHITECTURE
from emostudio.models.catalogue import build, new_info
from emostudio.models.importers.onnx_conversion import convert
from emostudio.models.importers.onnx_model import read_onnx

SIZE = 24
CLASSES = 5


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)
    torch.manual_seed(0)


class Graph:
    """A hand-made ONNX network with random weights."""

    def __init__(self, seed=0, opset=17):
        self.random = np.random.default_rng(seed)
        self.nodes, self.constants, self.opset, self.count = [], [], opset, 0

    def constant(self, values):
        self.count += 1
        name = f"k{self.count}"
        self.constants.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def weights(self, *shape, scale=0.3):
        return self.constant((scale * self.random.standard_normal(shape)).astype(np.float32))

    def positive(self, *shape):
        return self.constant((0.5 + self.random.random(shape)).astype(np.float32))

    def add(self, op, *inputs, **attributes):
        self.count += 1
        out = f"{op.lower()}:{self.count}"  # a name that no layer can have
        self.nodes.append(helper.make_node(op, list(inputs), [out], **attributes))
        return out

    def conv(self, value, channels, out, kernel=3, group=1, **attributes):
        return self.add(
            "Conv",
            value,
            self.weights(out, channels // group, kernel, kernel),
            group=group,
            **attributes,
        )

    def classify(self, value, channels):
        pooled = self.add("Flatten", self.add("GlobalAveragePool", value))
        return self.add("Gemm", pooled, self.weights(channels, CLASSES), self.weights(CLASSES))

    def bytes(self, output, channels=3, layout="first"):
        shape = (channels, SIZE, SIZE) if layout == "first" else (SIZE, SIZE, channels)
        graph = helper.make_graph(
            self.nodes,
            "net",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", *shape])],
            [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["N", None])],
            self.constants,
        )
        opsets = [helper.make_opsetid("", self.opset)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


def reference(content, images):
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return session.run(None, {"x": images})[0]


def converted_and_compared(content, channels=3):
    """Convert, build again from settings and values alone, compare with ONNX Runtime."""
    network = convert(content, (channels, SIZE, SIZE))
    settings = ARCHITECTURE.settings_type(**json.loads(json.dumps(network.settings)))
    again = ARCHITECTURE.build(settings).eval()
    again.load_state_dict(network.module.state_dict())
    images = np.random.default_rng(9).standard_normal((7, channels, SIZE, SIZE), np.float32)
    with torch.inference_mode():
        found = again(torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(found, reference(content, images), rtol=0, atol=1e-4)
    return again


SINGLE = {
    "relu": lambda g, x: g.add("Relu", x),
    "leaky": lambda g, x: g.add("LeakyRelu", x, alpha=0.2),
    "prelu per channel": lambda g, x: g.add("PRelu", x, g.weights(8, 1, 1)),
    "elu": lambda g, x: g.add("Elu", x, alpha=0.7),
    "sigmoid": lambda g, x: g.add("Sigmoid", x),
    "hard sigmoid": lambda g, x: g.add("HardSigmoid", x, alpha=0.3, beta=0.4),
    "hard swish": lambda g, x: g.add("HardSwish", x),
    "tanh": lambda g, x: g.add("Tanh", x),
    "clip by inputs": lambda g, x: g.add(
        "Clip", x, g.constant(np.float32(-0.3)), g.constant(np.float32(0.4))
    ),
    "clip above": lambda g, x: g.add("Clip", x, "", g.constant(np.float32(0.4))),
    "batch norm": lambda g, x: g.add(
        "BatchNormalization",
        x,
        g.weights(8),
        g.weights(8),
        g.weights(8),
        g.positive(8),
        epsilon=1e-3,
    ),
    "lrn": lambda g, x: g.add("LRN", x, size=5, alpha=0.1, beta=0.5, bias=2.0),
    "max pool": lambda g, x: g.add("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2]),
    "max pool same": lambda g, x: g.add(
        "MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_UPPER"
    ),
    "max pool ceil": lambda g, x: g.add(
        "MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1
    ),
    "mean pool uneven": lambda g, x: g.add(
        "AveragePool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[0, 0, 1, 1]
    ),
    "mean pool counts padding": lambda g, x: g.add(
        "AveragePool", x, kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1
    ),
    "mean pool same lower": lambda g, x: g.add(
        "AveragePool", x, kernel_shape=[2, 2], strides=[1, 1], auto_pad="SAME_LOWER"
    ),
    "depthwise, strided, same": lambda g, x: g.conv(
        x, 8, 8, group=8, strides=[2, 2], auto_pad="SAME_UPPER"
    ),
    "grouped, dilated": lambda g, x: g.conv(x, 8, 8, group=4, dilations=[2, 2]),
    "uneven padding": lambda g, x: g.conv(x, 8, 8, pads=[0, 2, 1, 0]),
    "pad": lambda g, x: g.add(
        "Pad", x, g.constant(np.array([0, 0, 1, 2, 0, 0, 3, 0])), g.constant(np.float32(0.5))
    ),
    "bias of the conv before": lambda g, x: g.add("Add", x, g.weights(8, 1, 1)),
    "normalise": lambda g, x: g.add(
        "Div", g.add("Sub", x, g.weights(1, 8, 1, 1)), g.positive(1, 8, 1, 1)
    ),
    "constant minus": lambda g, x: g.add("Sub", g.weights(1), x),
    "residual": lambda g, x: g.add("Add", g.conv(x, 8, 8, pads=[1, 1, 1, 1]), x),
    "swish": lambda g, x: g.add("Mul", g.add("Sigmoid", x), x),
    "squeeze and excite": lambda g, x: g.add(
        "Mul", x, g.add("Sigmoid", g.conv(g.add("GlobalAveragePool", x), 8, 8, kernel=1))
    ),
    "twice": lambda g, x: g.add("Add", x, x),
    "dropout, identity": lambda g, x: g.add("Identity", g.add("Dropout", x)),
}


@pytest.mark.parametrize("case", SINGLE)
def test_an_operator_gives_what_onnx_runtime_gives(case):
    graph = Graph()
    converted_and_compared(
        graph.bytes(graph.classify(SINGLE[case](graph, graph.conv("x", 3, 8)), 8))
    )


def test_old_operator_sets_keep_bounds_and_axes_in_attributes():
    graph = Graph(opset=9)
    value = graph.add("Clip", graph.conv("x", 3, 8), min=0.0, max=6.0)
    value = graph.add("Pad", value, pads=[0, 0, 1, 1, 0, 0, 1, 1])
    mean = graph.add("ReduceMean", value, axes=[2, 3], keepdims=0)
    converted_and_compared(graph.bytes(graph.add("MatMul", mean, graph.weights(8, CLASSES))))


def test_concat_and_pooling_by_squeeze():
    graph = Graph()
    value = graph.conv("x", 3, 8)
    sides = [graph.conv(value, 8, 4, kernel=1), graph.conv(value, 8, 6, pads=[1, 1, 1, 1])]
    pooled = graph.add("GlobalAveragePool", graph.add("Concat", *sides, axis=1))
    flat = graph.add("Squeeze", pooled, graph.constant(np.array([2, 3])))
    product = graph.add("MatMul", flat, graph.weights(10, CLASSES))
    network = converted_and_compared(graph.bytes(graph.add("Add", product, graph.weights(CLASSES))))
    assert weight_layers(network)[list(weight_layers(network))[-1]].bias is not None


def test_a_flatten_through_shapes_keeps_the_batch_free():
    graph = Graph()
    value = graph.add("MaxPool", graph.conv("x", 3, 4), kernel_shape=[11, 11], strides=[11, 11])
    batch = graph.add("Gather", graph.add("Shape", value), graph.constant(np.int64(0)), axis=0)
    batch = graph.add("Unsqueeze", batch, graph.constant(np.array([0])))
    shape = graph.add("Concat", batch, graph.constant(np.array([-1])), axis=0)
    flat = graph.add("Reshape", value, shape)
    converted_and_compared(
        graph.bytes(graph.add("Gemm", flat, graph.weights(CLASSES, 16), transB=1, alpha=0.5))
    )


def test_transpositions_between_layouts_leave_nothing_behind_but_the_flatten():
    graph = Graph()
    value = graph.add("Transpose", graph.conv("x", 3, 4), perm=[0, 2, 3, 1])
    value = graph.add("Relu", graph.add("Add", value, graph.weights(4)))
    value = graph.add("Transpose", value, perm=[0, 3, 1, 2])
    value = graph.add("MaxPool", value, kernel_shape=[11, 11], strides=[11, 11])
    value = graph.add("Flatten", graph.add("Transpose", value, perm=[0, 2, 3, 1]))
    content = graph.bytes(graph.add("MatMul", value, graph.weights(16, CLASSES)))
    network = converted_and_compared(content)
    kinds = [type(layer).__name__ for layer in network]
    assert kinds == ["Conv2d", "ReLU", "MaxPool2d", "Permute", "Flatten", "Linear"]


def test_input_with_channels_last_is_folded_away(tmp_path):
    graph = Graph()
    value = graph.add("Transpose", "x", perm=[0, 3, 1, 2])
    path = tmp_path / "last.onnx"
    path.write_bytes(graph.bytes(graph.classify(graph.conv(value, 3, 8), 8), layout="last"))
    network = converted_and_compared(read_onnx(path).content)
    assert not any(type(layer).__name__ == "Permute" for layer in network.modules())


def test_the_last_softmax_is_left_out():
    graph = Graph()
    scores = graph.classify(graph.conv("x", 3, 8), 8)
    network = convert(graph.bytes(graph.add("Softmax", scores, axis=-1)), (3, SIZE, SIZE))
    assert network.parity.logits <= 1e-4
    assert network.parity.outputs <= 1e-4
    assert network.logits == scores
    sums = network.module(torch.randn(4, 3, SIZE, SIZE)).exp().sum(1)
    assert not torch.allclose(sums, torch.ones(4))


@pytest.mark.parametrize("key", ["vgg_s_lite", "squeezenet1_1"])
def test_our_own_exports_come_back_as_the_same_network(key):
    small = {"vgg_s_lite": {"width": 0.125, "dense_width": 16}}.get(key, {})
    original = build(new_info("x", key, {"input_size": 48, **small}, EMOTIONS)).eval()
    network = convert(onnx_graph(original, (3, 48, 48)), (3, 48, 48))
    batch = torch.randn(5, 3, 48, 48)
    with torch.inference_mode():
        torch.testing.assert_close(network.module(batch), original(batch), rtol=0, atol=1e-4)
    assert len(weight_layers(network.module)) == len(weight_layers(original))
    assert LayerGraph(network.module).order()


@pytest.mark.parametrize("seed", range(8))
def test_random_small_networks_agree_with_onnx_runtime(seed):
    graph, random = Graph(seed), np.random.default_rng(seed + 100)
    value = graph.conv("x", 3, 8, pads=[1, 1, 1, 1])
    keep_size = [name for name in SINGLE if "pool" not in name and "pad" not in name]
    for _ in range(int(random.integers(2, 6))):
        value = SINGLE[keep_size[int(random.integers(len(keep_size)))]](graph, value)
    converted_and_compared(graph.bytes(graph.classify(value, 8)))


def test_an_unknown_operator_is_named_with_its_node():
    graph = Graph()
    content = graph.bytes(graph.classify(graph.add("Erf", graph.conv("x", 3, 8), name="bend"), 8))
    with pytest.raises(InputError, match=r"Erf bend cannot be converted.*black box"):
        convert(content, (3, SIZE, SIZE))


def test_a_graph_that_answers_differently_is_not_converted(monkeypatch):
    graph = Graph()
    content = graph.bytes(graph.classify(graph.conv("x", 3, 8), 8))
    monkeypatch.setattr("emostudio.models.importers.onnx_conversion.TOLERANCE", -1.0)
    with pytest.raises(InputError, match="do not give what the graph gives"):
        convert(content, (3, SIZE, SIZE))


CONV = ["conv", "a", [""], {"out": 4, "kernel": [3, 3]}]


@pytest.mark.parametrize(
    "description",
    [
        "",
        "[" * 100_000,
        "{}",
        "[]",
        [["exec", "a", [""], {}]],
        [["conv", "forward", [""], {"out": 4, "kernel": [3, 3]}]],
        [["conv", "a.b", [""], {"out": 4, "kernel": [3, 3]}]],
        [["conv", "a", ["b"], {"out": 4, "kernel": [3, 3]}]],
        [["conv", "a", [""], {"out": 2**40, "kernel": [3, 3]}]],
        [["conv", "a", [""], {"out": 60000, "kernel": [500, 500]}]],
        [["conv", "a", [""], {"out": True, "kernel": [3, 3]}]],
        [["conv", "a", [""], {"out": 4, "kernel": [0, 3]}]],
        [["conv", "a", [""], {"out": 4, "kernel": [3, 3], "groups": 2}]],
        [["conv", "a", [""], {"out": 4, "kernel": [3, 3], "stride": [-1, 1]}]],
        [["pad", "a", [""], {"pads": [0, 0, 0, 10**9]}]],
        [CONV, CONV],
        [CONV, ["relu", "b", [""], {}]],
        [CONV, ["add", "b", ["a"], {}]],
        [CONV, ["concat", "b", ["a", "a"], {"axis": 9}]],
        [["affine", "a", [""], {"scale": [2**24, 2**24]}]],
        [CONV, ["leaky_relu", "b", ["a"], {"slope": "much"}]],
        [CONV],
        [["relu", f"r{i}", [f"r{i - 1}" if i else ""], {}] for i in range(3000)],
    ],
)
def test_a_hostile_description_is_refused(description):
    text = description if isinstance(description, str) else json.dumps(description)
    with pytest.raises(InputError):
        ARCHITECTURE.build(ARCHITECTURE.settings_type(graph=text, input_size=SIZE))


def test_a_weight_that_does_not_fit_is_refused():
    graph = Graph()
    content = graph.bytes(graph.classify(graph.conv("x", 3, 8), 8))
    model = onnx.load_from_string(content)
    model.graph.initializer[0].dims[0] = 4096
    with pytest.raises(InputError):
        convert(model.SerializeToString(), (3, SIZE, SIZE))
