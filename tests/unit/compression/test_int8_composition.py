"""INT8 after other methods, on the real pipeline, in files, and on ONNX Runtime."""

import json

import numpy as np
import pytest
import torch
from compression_fakes import DimFaces, context_for, finish, logits_of, trained_toy

from emostudio.compression import packing, pipeline
from emostudio.compression.catalogue import METHODS
from emostudio.core.errors import EmoStudioError, InputError
from emostudio.core.job_context import JobContext
from emostudio.core.recipe import Recipe, RecipeStep
from emostudio.data.transforms import normalise
from emostudio.exports.catalogue import EXPORTERS
from emostudio.exports.exporting import export_model
from emostudio.inference.catalogue import ENGINES
from emostudio.inference.engines.onnxruntime import open_graphs
from emostudio.inference.graph import onnx_graph
from emostudio.inference.graph_store import keep, recall
from emostudio.models.segments import leaves_early

FACTORS = {
    "cp": ({"layers": "conv2", "rank": 6}, 4),
    "tucker2": ({"layers": "conv2"}, 3),
    "svd": ({"layers": "fc1", "rank": 6}, 2),
}
HOLDERS = {
    "hashed": ({"layers": "fc1"}, "LocalHashedLinear"),
    "tt_linear": ({"layers": "fc1", "rank": 3}, "TrainCore"),
}


@pytest.fixture
def trained():
    return trained_toy()


def applied(model, folder, *steps):
    for number, (key, values) in enumerate(steps):
        method = METHODS.get(key)
        fields = method.settings_type.model_fields
        wanted = {"epochs": 0, **values} if "epochs" in fields else values
        context = context_for(folder / str(number), model, DimFaces())
        model, _ = finish(method.apply(model, method.settings_type(**wanted), context))
    return model


def through_a_file(model, folder):
    """Write and read a model; the file must be as long as planned and say the same."""
    packing.save_variant(model, folder / "variant.safetensors")
    loaded = packing.load_variant(folder / "variant.safetensors")
    assert torch.equal(logits_of(loaded), logits_of(model))
    return loaded


FACES = DimFaces(400, seed=7)


def inputs_for(model):
    return normalise(FACES.pixels(model.info.preprocessing), model.info.preprocessing)


def torch_answers(model):
    return ENGINES.members()["torch"].open(model, 1).run(inputs_for(model))


def onnx_answers(model):
    return ENGINES.members()["onnxruntime"].open(model, 1).run(inputs_for(model))


def agreement(logits, others):
    return float((logits.argmax(1) == others.argmax(1)).mean())


def kinds(model):
    layers = model.network().named_modules()
    return {name: type(layer).__name__ for name, layer in layers if hasattr(layer, "weight")}


@pytest.mark.parametrize("key", HOLDERS)
def test_buckets_and_cores_get_codes_and_stay_float_layers(key, trained, tmp_path):
    values, kind = HOLDERS[key]
    model = applied(trained, tmp_path, (key, values), ("int8_ptq", {}))
    loaded = through_a_file(model, tmp_path)
    held = [name for name, found in kinds(loaded).items() if found == kind]
    assert held
    for name in held:
        coded = loaded.coded[f"{name}.weight"]
        assert (coded.codec, coded.arrays["scale"].size) == ("int8", 1)
        values = loaded.network().get_submodule(name).weight.detach().numpy()
        steps = values / coded.arrays["scale"][0]
        assert np.array_equal(steps, np.rint(steps))
        assert np.abs(steps).max() == 127
    assert kinds(loaded)["conv1"] == "QuantisedConv2d"
    if key == "tt_linear":  # an export takes seconds
        return
    assert agreement(torch_answers(loaded), onnx_answers(loaded)) >= 0.97


@pytest.mark.parametrize("key", FACTORS)
def test_factors_of_a_decomposition_become_integer_layers(key, trained, tmp_path):
    values, count = FACTORS[key]
    model = applied(trained, tmp_path, (key, values), ("int8_ptq", {}))
    loaded = through_a_file(model, tmp_path)
    split = [kind for name, kind in kinds(loaded).items() if f"{values['layers']}." in name]
    assert len(split) == count
    assert all(kind.startswith("Quantised") for kind in split)
    assert agreement(torch_answers(loaded), torch_answers(model)) == 1
    if key == "cp":  # an export takes seconds
        assert agreement(torch_answers(loaded), onnx_answers(loaded)) >= 0.97


@pytest.mark.parametrize("reduce_range", [False, True])
def test_i1_engines_agree_on_a_trained_network(reduce_range, trained, tmp_path):
    model = applied(trained, tmp_path, ("int8_ptq", {"reduce_range": reduce_range}))
    assert all(
        np.abs(coded.arrays["codes"].astype(int)).max() == (63 if reduce_range else 127)
        for coded in model.coded.values()
    )
    loaded = through_a_file(model, tmp_path)
    imitated, real, truth = torch_answers(loaded), onnx_answers(loaded), FACES.emotions
    before = torch_answers(trained)
    assert (before.argmax(1) == truth).mean() > 0.6, "the network has learned something"
    assert agreement(imitated, real) >= 0.97
    assert agreement(imitated, before) >= 0.97
    last = loaded.network().fc2
    reach = float(last.input_scale * last.weight.detach().abs().sum(1).max())
    assert np.abs(imitated - real).max() <= 2 * reach


def test_i1_engines_agree_within_two_steps_before_the_last_layer(trained, tmp_path):
    network = applied(trained, tmp_path, ("int8_ptq", {})).network()
    body, step = network[:-1], float(network.fc2.input_scale)
    inputs = inputs_for(trained)
    real = open_graphs([onnx_graph(body, trained.input_shape)], 1).run(inputs)
    with torch.inference_mode():
        imitated = body(torch.from_numpy(inputs)).numpy()
    steps = np.rint((real - imitated) / step)
    assert np.abs(steps).max() <= 2
    assert (steps == 0).mean() >= 0.97


def recipe(*steps):
    return Recipe(steps=tuple(RecipeStep(method=key, settings=values) for key, values in steps))


@pytest.mark.parametrize(
    ("first", "reason"),
    [
        (("weight_sharing", {"epochs": 0, "layers": "fc1"}), "codebook and INT8 are exclusive"),
        (("bwn", {"epochs": 0, "layers": "fc1"}), "INT8 is for the first and last layer"),
        (("int8_ptq", {"layers": "fc1"}), "already INT8"),
    ],
)
def test_what_cannot_become_int8_is_refused_before_any_work(first, reason, trained, tmp_path):
    steps = recipe(first, ("int8_ptq", {"layers": "fc1"}))
    with pytest.raises(InputError, match="cannot be done") as caught:
        finish(
            pipeline.run(trained, steps, DimFaces(), JobContext(folder=tmp_path), name="variant")
        )
    assert reason in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_a_binary_layer_stays_binary_while_the_others_become_int8(trained, tmp_path):
    steps = recipe(("bwn", {"epochs": 0, "layers": "fc1"}), ("int8_ptq", {}))
    job = JobContext(folder=tmp_path)
    result, _ = finish(pipeline.run(trained, steps, DimFaces(), job, name="variant"))
    loaded = packing.load_variant(result.file)
    codecs = {name: coded.codec for name, coded in loaded.coded.items()}
    assert [name for name, codec in codecs.items() if codec == "int8"]
    assert not kinds(loaded).get("fc1", "").startswith("Quantised")
    assert torch.equal(logits_of(loaded), logits_of(result.model))


@pytest.mark.parametrize("method", ["int8_ptq", "int8_qat"])
def test_networks_with_early_exits_become_int8(method, trained, tmp_path):
    exits = {"epochs": 0, "branch_epochs": 6, "batch_size": 16, "learning_rate": 1e-2,
             "tolerance": 0.3}  # fmt: skip
    training = {"epochs": 1, "batch_size": 16} if method == "int8_qat" else {}
    job = JobContext(folder=tmp_path)
    steps = recipe(("early_exits", exits), (method, training))
    result, _ = finish(pipeline.run(trained, steps, DimFaces(), job, name="variant"))
    loaded = packing.load_variant(result.file)
    network = loaded.network()
    assert not network.is_stale
    branches = [kind for name, kind in kinds(loaded).items() if name.startswith("exits.")]
    assert branches
    assert all(kind.startswith("Quantised") for kind in branches)
    if method == "int8_qat":  # an export takes seconds
        return
    network.set_thresholds((0.9, *(-1.0,) * (len(network.exits) - 1)), 0.3)
    assert leaves_early(network)
    session = ENGINES.members()["onnxruntime"].open(loaded, 1)
    assert len(session.segments) == 2
    assert agreement(torch_answers(loaded), onnx_answers(loaded)) >= 0.97


def test_openvino_says_the_same_of_an_int8_network(trained, tmp_path):
    model = applied(trained, tmp_path, ("int8_ptq", {}))
    session = ENGINES.members()["openvino"].open(model, 1)
    assert session.kernels == "real"
    assert agreement(torch_answers(model), session.run(inputs_for(model))) >= 0.97


def test_an_int8_network_is_written_as_one_onnx_file(trained, tmp_path):
    model = applied(trained, tmp_path, ("int8_ptq", {}))
    report = export_model(model, EXPORTERS.get("onnx"), tmp_path / "network.onnx")
    assert report.parity.same_answers >= 0.97
    assert report.disk_bytes == (tmp_path / "network.onnx").stat().st_size


def test_a_kept_graph_of_integers_is_used_again(trained, tmp_path):
    model = applied(trained, tmp_path, ("int8_ptq", {}))
    network, file = model.network(), tmp_path / "kept.onnx"
    keep(file, onnx_graph(network, model.input_shape))
    assert recall(file, network, model.input_shape) is not None
    with torch.no_grad():
        network.fc2.bias += network.fc2.bias.abs().max() + 1
    assert recall(file, network, model.input_shape) is None


@pytest.mark.parametrize("key", ["int8_ptq", "int8_qat"])
@pytest.mark.parametrize("faces", [None, "empty"])
def test_without_faces_the_error_says_what_calibration_needs(key, faces, trained, tmp_path):
    method = METHODS.get(key)
    settings = method.settings_type(**({"epochs": 0} if key == "int8_qat" else {}))
    dataset = None
    if faces:
        dataset = DimFaces()
        dataset.splits[:] = dataset.splits[2]
    with pytest.raises(EmoStudioError, match="calibrate") as caught:
        finish(method.apply(trained, settings, context_for(tmp_path, trained, dataset)))
    assert "epochs" not in str(caught.value) + json.dumps(caught.value.next_step)
    assert "training images" in caught.value.next_step


@pytest.mark.parametrize("key", ["int8_ptq", "int8_qat"])
def test_a_recipe_without_a_dataset_is_refused_before_any_work(key, trained, tmp_path):
    steps = recipe(("magnitude_pruning", {"epochs": 0}), (key, {}))
    with pytest.raises(InputError, match="to calibrate on") as caught:
        finish(pipeline.run(trained, steps, None, JobContext(folder=tmp_path), name="variant"))
    assert "epochs" not in caught.value.next_step
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["conv1.output_scale", "fc2.input_scale"])
def test_a_scale_that_is_none_is_refused_at_load(name, value, trained, tmp_path):
    network = applied(trained, tmp_path, ("int8_ptq", {})).network()
    state = network.state_dict()
    state[name] = torch.full_like(state[name], value)
    with pytest.raises(InputError, match=f"INT8 layer {name.partition('.')[0]} is damaged"):
        network.load_state_dict(state)
