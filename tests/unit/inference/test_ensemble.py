import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from emostudio.compression.packing import predict_bytes, save_variant
from emostudio.core.emotions import EMOTIONS, Emotion
from emostudio.core.errors import EmoStudioError, InputError
from emostudio.core.model_info import BLACK_BOX, ModelInfo, Preprocessing
from emostudio.exports.catalogue import EXPORTERS
from emostudio.exports.exporting import export_model
from emostudio.inference.catalogue import open_classifier, open_session
from emostudio.inference.graph import onnx_graph
from emostudio.models.ensemble import ensemble
from emostudio.models.loaded import LoadedModel
from emostudio.training.teachers import Teacher


def model(name, labels=EMOTIONS, seed=0, **preprocessing):
    values = {"height": 24, "width": 24, **preprocessing}
    settings = Preprocessing.model_validate(values)
    torch.manual_seed(seed)
    network = nn.Sequential(
        nn.Conv2d(settings.channels, 4, 5, stride=2),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(16, len(labels)),
    )
    nn.init.normal_(network[-1].weight, std=3.0)
    info = ModelInfo(name=name, architecture="t", labels=labels, preprocessing=settings)
    return LoadedModel(info, network.eval())


def as_black_box(white):
    info = white.info.model_copy(update={"architecture": BLACK_BOX})
    content = onnx_graph(white.module, white.input_shape)
    return dataclasses.replace(white, info=info, module=None, onnx_bytes=content)


@pytest.fixture
def pictures():
    return list(np.random.default_rng(0).integers(0, 256, (5, 60, 60, 3)).astype(np.uint8))


def probabilities(one, pictures):
    return open_classifier(one, "torch" if one.module is not None else None).classify(pictures)


def test_an_ensemble_says_the_mean_of_what_its_members_say(pictures):
    members = [model("rgb"), model("lbp", seed=1, transform="mapped_lbp")]
    found = probabilities_of_all(members, pictures)
    expected = np.mean([probabilities(member, pictures) for member in members], axis=0)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert np.abs(found - probabilities(members[0], pictures)).max() > 0.05


def probabilities_of_all(members, pictures):
    classifier = open_classifier(ensemble(members, "both"), "torch")
    try:
        return classifier.classify(pictures)
    finally:
        classifier.close()


def test_members_may_be_white_and_black_boxes_of_different_sizes(pictures):
    members = [model("small"), as_black_box(model("large", seed=1, height=32, width=32))]
    both = ensemble(members, "both")
    assert both.info.is_black_box
    assert both.input_shape == (3, 32, 32)
    found = open_classifier(both).classify(pictures)
    expected = np.mean([open_classifier(one).classify(pictures) for one in members], axis=0)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_labels_are_matched_by_name_over_the_classes_all_know(pictures):
    order = (Emotion.NEUTRAL, Emotion.FEAR, Emotion.ANGER)
    members = [model("eight"), model("three", order, seed=1)]
    both = ensemble(members, "both")
    assert both.info.labels == tuple(emotion for emotion in EMOTIONS if emotion in order)
    found = open_classifier(both, "torch").classify(pictures)
    eight, three = (probabilities(one, pictures) for one in members)
    shared = eight[:, [EMOTIONS.index(label) for label in both.info.labels]]
    shared = shared / shared.sum(axis=1, keepdims=True)
    by_name = three[:, [order.index(label) for label in both.info.labels]]
    np.testing.assert_allclose(found, (shared + by_name) / 2, atol=1e-6)
    np.testing.assert_allclose(found.sum(axis=1), 1.0, atol=1e-6)


def test_models_with_nothing_in_common_are_refused():
    with pytest.raises(InputError, match="fewer than two emotions"):
        ensemble([model("a", EMOTIONS[:4]), model("b", EMOTIONS[4:])], "a+b")
    with pytest.raises(InputError, match="at least two"):
        ensemble([model("a")], "a")


def test_an_ensemble_teaches_like_any_other_teacher(pictures):
    members = [model("a"), model("b", seed=1)]
    teacher = Teacher(open_classifier(ensemble(members, "a+b"), "torch"))
    pixels = np.stack([picture[:24, :24] for picture in pictures])
    batch = type("Batch", (), {"repeats": False, "pixels": lambda self, preprocessing: pixels})()
    expected = np.mean([probabilities(one, list(pixels)) for one in members], axis=0)
    np.testing.assert_allclose(teacher.probabilities(batch).numpy(), expected, atol=1e-6)
    assert teacher.predict_labels(batch).tolist() == expected.argmax(axis=1).tolist()


def test_what_needs_one_network_is_refused_with_a_reason(tmp_path):
    both = ensemble([model("a"), model("b", seed=1)], "a+b")
    assert predict_bytes(both) == sum(predict_bytes(member) for member in both.members)
    with pytest.raises(InputError, match="several models"):
        open_session(both)
    with pytest.raises(InputError, match="several models"):
        export_model(both, EXPORTERS.get("onnx"), tmp_path / "both.onnx")
    with pytest.raises(EmoStudioError, match="several models"):
        save_variant(both, tmp_path / "both.safetensors")
    assert list(tmp_path.iterdir()) == []
