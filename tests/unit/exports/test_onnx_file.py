import dataclasses
import json

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from emostudio.core.emotions import EMOTIONS
from emostudio.core.errors import EmoStudioError, InputError
from emostudio.data.transforms import normalise
from emostudio.exports.catalogue import EXPORTERS
from emostudio.exports.exporting import export_model
from emostudio.inference.catalogue import open_classifier, open_session
from emostudio.inference.engines.onnxruntime import open_graphs
from emostudio.inference.graph import onnx_graph
from emostudio.models.importers.onnx_model import read_onnx
from emostudio.models.loaded import LoadedModel

ONNX = EXPORTERS.get("onnx")


def exported(model, folder):
    return export_model(model, ONNX, folder / "net.onnx")


def test_export_takes_raw_pixels_and_agrees_with_the_model(model, pixels, tmp_path):
    report = exported(model, tmp_path)
    assert report.parity.largest_difference <= 1e-5
    assert report.parity.same_answers == 1.0
    assert report.parity.inputs == 256
    session = onnxruntime.InferenceSession(tmp_path / "net.onnx")
    raw = pixels.transpose(0, 3, 1, 2).astype(np.float32)
    found = session.run(None, {"pixels": raw})[0]
    expected = open_session(model, "torch").run(normalise(pixels, model.info.preprocessing))
    assert np.abs(found - expected).max() <= 1e-5


def test_export_carries_its_labels(model, tmp_path):
    exported(model, tmp_path)
    metadata = onnxruntime.InferenceSession(tmp_path / "net.onnx").get_modelmeta()
    document = json.loads(metadata.custom_metadata_map["emostudio"])
    assert document["labels"] == list(EMOTIONS)
    assert document["preprocessing"]["scale"] == 1.0
    assert document["lineage"]["parent"] == "net"


def test_export_has_no_outside_data_and_passes_the_checker(model, tmp_path):
    report = exported(model, tmp_path)
    found = {path.name for path in tmp_path.iterdir() if path.is_file()}
    assert found == {"net.onnx", "net.onnx.parity.json"}
    assert report.disk_bytes == (tmp_path / "net.onnx").stat().st_size
    onnx.checker.check_model(onnx.load(tmp_path / "net.onnx"), full_check=True)


def test_export_can_be_imported_again_as_black_box(model, pixels, tmp_path):
    exported(model, tmp_path)
    facts = read_onnx(tmp_path / "net.onnx")
    assert facts.info is not None
    assert facts.info.is_black_box
    again = LoadedModel(facts.info, onnx_bytes=facts.content)
    images = list(pixels)
    found = open_classifier(again).classify(images)
    assert found == pytest.approx(open_classifier(model, "torch").classify(images), abs=1e-5)


def test_black_boxes_are_exported_with_their_preprocessing(model, tmp_path):
    black_box = LoadedModel(model.info, onnx_bytes=onnx_graph(model.network(), model.input_shape))
    report = exported(black_box, tmp_path)
    assert report.parity.largest_difference <= 1e-4


def test_a_wrong_export_is_not_written(model, tmp_path, monkeypatch):
    wrong = onnx_graph(nn.Sequential(nn.Flatten(), nn.Linear(1728, 8)), model.input_shape)
    monkeypatch.setattr("emostudio.exports.onnx_file.ENGINE.graph", lambda _model: wrong)
    with pytest.raises(EmoStudioError, match="was not written"):
        exported(model, tmp_path)
    assert not [path for path in tmp_path.iterdir() if path.is_file()]


def test_layers_without_onnx_form_are_named_in_the_error():
    class Strange(nn.Module):
        def forward(self, features):
            return features * 2 if features.sum() > 0 else features

    with pytest.raises(EmoStudioError, match="cannot be exported"):
        onnx_graph(Strange(), (1, 24, 24))


def test_lrn_becomes_one_operator_with_the_same_values():
    layer = nn.LocalResponseNorm(5, alpha=0.01, beta=0.75, k=2.0)
    content = onnx_graph(nn.Sequential(layer, nn.AdaptiveAvgPool2d(1), nn.Flatten()), (6, 8, 8))
    operators = [node.op_type for node in onnx.load_from_string(content).graph.node]
    assert operators.count("LRN") == 1
    features = torch.randn(2, 6, 8, 8) * 4
    expected = layer(features).mean(dim=(2, 3)).numpy()
    found = open_graphs([content], 1).run(features.numpy())
    assert np.abs(found - expected).max() <= 1e-5


def test_graphs_of_fixed_batch_size_take_any_number_of_pictures(model, pixels):
    graph = onnx.load_from_string(onnx_graph(model.network(), model.input_shape))
    graph.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 3
    graph.graph.output[0].type.tensor_type.shape.dim[0].dim_value = 3
    del graph.graph.value_info[:]
    fixed = open_graphs([graph.SerializeToString()], 1)
    batch = normalise(pixels, model.info.preprocessing)
    assert fixed.run(batch) == pytest.approx(open_session(model, "torch").run(batch), abs=1e-5)


def test_nonsense_is_refused_in_plain_words():
    with pytest.raises(EmoStudioError, match="ONNX Runtime refuses"):
        open_graphs([b"not a graph"], 1)


def with_preprocessing(model, **values):
    changed = model.info.preprocessing.model_copy(update=values)
    info = model.info.model_copy(update={"preprocessing": changed})
    return dataclasses.replace(model, info=info)


def test_an_exported_bgr_model_takes_rgb(model, pixels, tmp_path):
    report = exported(with_preprocessing(model, channel_order="bgr"), tmp_path)
    assert report.parity.same_answers == 1.0
    raw = pixels.transpose(0, 3, 1, 2).astype(np.float32)
    found = onnxruntime.InferenceSession(tmp_path / "net.onnx").run(None, {"pixels": raw})[0]
    turned = np.ascontiguousarray(pixels[..., ::-1])
    expected = open_session(model, "torch").run(normalise(turned, model.info.preprocessing))
    assert np.abs(found - expected).max() <= 1e-5
    assert read_onnx(tmp_path / "net.onnx").info.preprocessing.channel_order == "rgb"


def test_a_crop_stays_part_of_the_description(model, tmp_path):
    exported(with_preprocessing(model, resize=32), tmp_path)
    assert read_onnx(tmp_path / "net.onnx").info.preprocessing.resize == 32


def test_a_transform_outside_the_graph_is_refused_before_anything_is_written(model, tmp_path):
    with pytest.raises(InputError, match="mapped local binary patterns"):
        exported(with_preprocessing(model, transform="mapped_lbp"), tmp_path)
    assert not (tmp_path / "net.onnx").exists()


def test_plain_metadata_say_what_anybody_needs_to_use_the_file(model, tmp_path):
    report = exported(model, tmp_path)
    known = onnxruntime.InferenceSession(tmp_path / "net.onnx").get_modelmeta()
    metadata = known.custom_metadata_map
    assert metadata["labels"].split(",") == list(EMOTIONS)
    assert metadata["outputs"] == "logits"
    assert [metadata[f"input_{name}"] for name in ("height", "width", "channels")] == [
        "24",
        "24",
        "3",
    ]
    assert metadata["channel_order"] == "rgb"
    graph = onnx.load(tmp_path / "net.onnx")
    assert metadata["opset"] == str(graph.opset_import[0].version) == str(report.opset)


def test_exporting_a_black_box_twice_says_each_thing_once(model, tmp_path):
    exported(model, tmp_path)
    facts = read_onnx(tmp_path / "net.onnx")
    again = LoadedModel(facts.info.model_copy(update={"name": "again"}), onnx_bytes=facts.content)
    export_model(again, ONNX, tmp_path / "again.onnx")
    keys = [entry.key for entry in onnx.load(tmp_path / "again.onnx").metadata_props]
    assert len(keys) == len(set(keys))
    session = onnxruntime.InferenceSession(tmp_path / "again.onnx")
    assert session.get_modelmeta().custom_metadata_map["model"] == "again"


def test_binary_weights_are_exported_in_standard_operators(model, tmp_path):
    torch.manual_seed(0)
    layer = nn.Linear(3 * 24 * 24, 96)
    size = layer.weight.detach().abs().mean(dim=1, keepdim=True)
    layer.weight.data = torch.where(layer.weight < 0, -size, size)
    network = nn.Sequential(nn.Flatten(), layer, nn.ReLU(), nn.Linear(96, 8)).eval()
    binary = dataclasses.replace(model, module=network)
    report = exported(binary, tmp_path)
    assert {node.domain for node in onnx.load(tmp_path / "net.onnx").graph.node} == {""}
    assert report.parity.largest_difference <= 1e-4
