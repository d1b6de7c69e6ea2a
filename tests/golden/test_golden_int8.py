"""INT8 against NumPy, unfused networks and ONNX Runtime (I1, B1)."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "compression"))
from compression_fakes import (
    SIDE,
    StripeFaces,
    context_for,
    finish,
    toy_model,
    use_toy_architecture,
)

from emostudio.compression import packing
from emostudio.compression.catalogue import METHODS
from emostudio.compression.coding import int8
from emostudio.compression.folding import fold, foldable
from emostudio.compression.quantisation import rebuilt
from emostudio.compression.quantised_layers import affine, fake_quantise
from emostudio.compression.surgery import set_tensor_values, weight_layers
from emostudio.core.emotions import EMOTIONS
from emostudio.core.errors import InputError
from emostudio.inference.catalogue import ENGINES
from emostudio.models.catalogue import ARCHITECTURES, build, new_info
from emostudio.models.fire import Fire
from emostudio.models.loaded import LoadedModel

MIB = 2**20


@pytest.fixture
def toy(monkeypatch):
    use_toy_architecture(monkeypatch)
    return toy_model()


def ptq(model, folder, **settings):
    method = METHODS.get("int8_ptq")
    context = context_for(folder, model, StripeFaces())
    return finish(method.apply(model, method.settings_type(**settings), context))


def settled(norm):
    with torch.no_grad():
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.3, 2.0)
        norm.weight.normal_()
        norm.bias.normal_()


@pytest.mark.parametrize(("dtype", "most"), [(torch.float32, 1e-6), (torch.float64, 1e-12)])
def test_b1_folded_equals_unfused(dtype, most):
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(),
        nn.Linear(8 * 16, 5), nn.BatchNorm1d(5),
    )  # fmt: skip
    settled(net[1])
    settled(net[5])
    net = net.to(dtype).eval()
    inputs = torch.randn(4, 3, 6, 6, dtype=dtype)
    wanted = net(inputs).detach()
    pairs = foldable(net)
    assert pairs == {"0": "1", "4": "5"}
    fold(net, pairs)
    assert isinstance(net[1], nn.Identity)
    assert float((net(inputs).detach() - wanted).abs().max()) <= most * float(wanted.abs().max())


def test_b1_nothing_is_folded_across_a_pool_or_a_branch():
    class Branch(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.norm = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)

        def forward(self, x):
            y = self.conv(x)
            return self.norm(y) + y

    assert foldable(Branch()) == {}
    assert foldable(nn.Sequential(nn.Conv2d(3, 4, 1), nn.MaxPool2d(2), nn.BatchNorm2d(4))) == {}


def test_i1_weights_are_off_by_half_a_step_at_most():
    weights = np.random.default_rng(0).normal(size=(6, 4, 3, 3)).astype(np.float32)
    weights[2] = 0
    for bit_width in (7, 8):
        codes, scales = int8.quantise(weights, bit_width)
        values = int8.decode_int8(int8.encode_int8(codes, scales, bit_width))
        half = scales.astype(np.float64)[:, None, None, None] / 2
        assert (np.abs(weights.astype(np.float64) - values) <= half * (1 + 1e-6)).all()
        assert np.abs(codes).max() == 2 ** (bit_width - 1) - 1
        again = int8.quantise(values, bit_width)
        assert np.array_equal(again[0], codes)
        assert np.array_equal(again[1], scales)


def test_i1_zero_is_a_code_and_rounding_twice_changes_nothing():
    for low, high in ((-1.3, 2.7), (0.0, 5.1), (0.4, 3.0), (-2.0, -0.5)):
        scale, zero_point = affine(low, high)
        grid = (torch.tensor([scale]), torch.tensor([float(zero_point)]))
        assert float(fake_quantise(torch.zeros(1), *grid)) == 0.0
        values = torch.linspace(low - 1, high + 1, 999)
        once = fake_quantise(values, *grid)
        assert torch.equal(fake_quantise(once, *grid), once)


def reference_codes(layer, features):
    """The layer in int32 with loops over the kernel, NumPy only."""
    zero_in, zero_out = int(layer.input_zero_point), int(layer.output_zero_point)
    codes = np.clip(np.rint(features / float(layer.input_scale)) + zero_in, 0, 255)
    padded = np.pad(codes.astype(np.int32) - zero_in, ((0, 0), (0, 0), (1, 1), (1, 1)))
    weight = layer.weight_codes().numpy().astype(np.int32)
    side = features.shape[2]
    sums = np.zeros((len(features), len(weight), side, side), np.int32)
    for row in range(3):
        for column in range(3):
            window = padded[:, :, row : row + side, column : column + side]
            sums += np.einsum("nchw,oc->nohw", window, weight[:, :, row, column])
    sums += layer.bias_codes().numpy()[:, None, None]
    ratio = layer.weight_scales().numpy().astype(np.float64) * float(layer.input_scale)
    scaled = sums * ratio[:, None, None] / float(layer.output_scale)
    return np.clip(np.rint(scaled) + zero_out, 0, 255)


def test_i1_engines_agree_with_int32_numpy_within_one_step():
    torch.manual_seed(1)
    arguments = {"bit_width": 8, "bias": True, "rounds_output": True}
    layer = rebuilt(nn.Conv2d(4, 6, 3, padding=1), arguments)
    weights = np.random.default_rng(1).normal(size=(6, 4, 3, 3)).astype(np.float32)
    set_tensor_values(layer, int8.dequantise(*int8.quantise(weights)))
    layer.set_grid("input", affine(-2.0, 3.0))
    layer.set_grid("output", affine(-9.0, 12.0))
    layer.round_bias()
    features = torch.randn(2, 4, 7, 7)
    wanted = reference_codes(layer, features.numpy())
    with torch.no_grad():
        imitated = layer(features) / layer.output_scale + int(layer.output_zero_point)
    assert len(np.unique(wanted)) > 100
    assert np.abs(imitated.numpy() - wanted).max() <= 1 + 1e-3


def optimised_operators(graph, folder):
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(folder / "optimised.onnx")
    options.log_severity_level = 3
    onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    nodes = onnx.load(folder / "optimised.onnx").graph.node
    return [node.op_type for node in nodes]


def test_onnxruntime_runs_integer_kernels_and_agrees_with_torch(toy, tmp_path):
    variant, _ = ptq(toy, tmp_path)
    engines = ENGINES.members()
    inputs = np.random.default_rng(3).normal(size=(16, 3, SIDE, SIDE)).astype(np.float32)
    real, imitated = (engines[key].open(variant, 1) for key in ("onnxruntime", "torch"))
    assert (real.kernels, imitated.kernels) == ("real", "simulated")
    wanted, got = imitated.run(inputs), real.run(inputs)
    step = float(variant.network().fc1.output_scale)
    reach = float(variant.network().fc2.weight.detach().abs().max())
    assert np.abs(got - wanted).max() <= 2 * step * reach * 4
    assert (got.argmax(1) == wanted.argmax(1)).mean() >= 0.9
    operators = optimised_operators(engines["onnxruntime"].graph(variant), tmp_path)
    assert (operators.count("QLinearConv"), operators.count("QGemm")) == (4, 2)
    assert not {"Conv", "Gemm", "MatMul", "DequantizeLinear"} & set(operators)


def test_fire_meets_on_one_grid_and_stays_integer(tmp_path, monkeypatch):
    def build_fires(settings):
        del settings
        return nn.Sequential(
            Fire(3, 4, 8, bn=True), Fire(16, 4, 8, bn=True), nn.Conv2d(16, 4, 1),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        )  # fmt: skip

    model = _as_toy(monkeypatch, build_fires)
    variant, _ = ptq(model, tmp_path)
    first, second = variant.network()[0], variant.network()[1]
    grid = float(second.squeeze.input_scale)
    assert float(first.expand1x1.output_scale) == float(first.expand3x3.output_scale) == grid
    operators = optimised_operators(ENGINES.members()["onnxruntime"].graph(variant), tmp_path)
    assert operators.count("QLinearConv") == 7
    assert "Conv" not in operators


def _as_toy(monkeypatch, builder):
    use_toy_architecture(monkeypatch)
    monkeypatch.setattr(type(ARCHITECTURES.members()["toy"]), "build", lambda _, s: builder(s))
    return toy_model()


@pytest.mark.parametrize(
    ("architecture", "settings", "mebibytes"),
    [
        ("vgg_s_paper", {}, 93.13),
        ("squeezenet1_1", {}, 0.713),
        ("tiny_darknet", {}, 0.893),
        ("pvanet", {}, 2.864),
    ],
)
def test_sizes_are_those_of_the_formula(architecture, settings, mebibytes):
    info = new_info("sized", architecture, settings, tuple(EMOTIONS))
    with torch.device("meta"):
        module = build(info)
    method = METHODS.get("int8_ptq")
    planned = method.plan(LoadedModel(info, module=module), method.settings_type())
    weights = [layer.weight for layer in weight_layers(module).values()]
    count = sum(weight.numel() for weight in weights)
    others = sum(parameter.numel() for parameter in module.parameters()) - count
    # 8 bits per weight, 4 bytes per scale, and in float biases and batch normalisations
    formula = count + 4 * sum(len(weight) for weight in weights) + 4 * others
    assert round(formula / MIB, 2 if mebibytes > 10 else 3) == mebibytes
    # the plan is smaller by what folding takes away
    after = sum(parameter.numel() for parameter in planned.model.network().parameters()) - count
    assert packing.parameter_bytes(planned.model) == formula - 4 * (others - after)


def test_a_variant_gives_the_same_codes_and_logits_in_a_fresh_process(toy, tmp_path):
    variant, _ = ptq(toy, tmp_path)
    packing.save_variant(variant, tmp_path / "variant.safetensors")
    inputs = torch.randn(3, 3, SIDE, SIDE)
    with torch.no_grad():
        logits = variant.network()(inputs).numpy()
    np.savez(tmp_path / "here.npz", inputs=inputs, logits=logits)
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import numpy as np, torch\n"
        "torch.set_num_threads(1)\n"
        "from compression_fakes import ToyArchitecture\n"
        "from emostudio.models.catalogue import ARCHITECTURES\n"
        "ARCHITECTURES._members = {**ARCHITECTURES.members(), 'toy': ToyArchitecture()}\n"
        "from emostudio.compression import packing\n"
        "variant = packing.load_variant(sys.argv[2] + '/variant.safetensors')\n"
        "here = np.load(sys.argv[2] + '/here.npz')\n"
        "logits = variant.network()(torch.from_numpy(here['inputs'])).detach().numpy()\n"
        "codes = {k: v.arrays['codes'] for k, v in variant.coded.items()}\n"
        "np.savez(sys.argv[2] + '/there.npz', logits=logits, **codes)\n"
    )
    fakes = str(Path(__file__).parents[1] / "unit" / "compression")
    subprocess.run([sys.executable, "-c", program, fakes, str(tmp_path)], check=True, timeout=60)
    there = np.load(tmp_path / "there.npz")
    assert np.array_equal(there["logits"], logits)
    assert len(variant.coded) == 6
    for name, coded in variant.coded.items():
        assert np.array_equal(there[name], coded.arrays["codes"])
        layer = variant.network().get_submodule(name.removesuffix(".weight"))
        assert np.array_equal(layer.weight_codes().numpy().reshape(-1), there[name])


@pytest.mark.parametrize(
    "arguments",
    [{}, {"bit_width": 9, "bias": True, "rounds_output": True},
     {"bit_width": True, "bias": True, "rounds_output": True},
     {"bit_width": 8, "bias": 1, "rounds_output": True}],
)  # fmt: skip
def test_forged_records_are_refused(arguments):
    with pytest.raises(InputError, match="INT8 layer"):
        METHODS.get("int8_ptq").rebuild(nn.Conv2d(1, 1, 1), arguments)


def test_first_and_last_may_stay_in_float(toy):
    method = METHODS.get("int8_ptq")
    planned = method.plan(toy, method.settings_type(keep_first=True, keep_last=True))
    assert planned.layers == ("conv2", "conv3", "squeeze", "fc1")
    assert {item.reason for item in planned.skipped} == {"first/last layer stays fp32"}


def test_codebook_and_int8_are_exclusive(toy, tmp_path):
    sharing, method = METHODS.get("weight_sharing"), METHODS.get("int8_ptq")
    shared = finish(
        sharing.apply(
            toy, sharing.settings_type(layers="fc1", epochs=0), context_for(tmp_path, toy)
        )
    )[0]
    planned = method.plan(shared, method.settings_type())
    assert {(s.layer, s.reason) for s in planned.skipped} == {
        ("fc1", "codebook and INT8 are exclusive")
    }


def test_a_trained_toy_keeps_its_answers_and_ratios(toy, tmp_path):
    labels = METHODS.get("distill_labels")
    wanted = labels.settings_type(architecture="toy", epochs=3, batch_size=8)
    trained = finish(labels.apply(toy, wanted, context_for(tmp_path / "t", toy, StripeFaces())))[0]
    for calibration in ("minmax", "percentile"):
        variant, _ = ptq(trained, tmp_path / calibration, calibration=calibration)
        assert variant.info.measurements["int8_agreement"] >= 0.97
        assert variant.info.measurements["int8_lowest_snr_db"] > 25
