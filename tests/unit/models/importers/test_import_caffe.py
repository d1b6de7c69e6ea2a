import numpy as np
import pytest
from caffe_fakes import CLASSES, PROTOTXT, SIDE, TinyCaffe, blob, old_blob

from emostudio.compression.packing import load_variant, predict_bytes, save_variant
from emostudio.core.emotions import EMOTIONS
from emostudio.core.errors import EmoStudioError, InputError
from emostudio.core.model_info import CAFFE, ModelInfo, Preprocessing
from emostudio.exports.catalogue import EXPORTERS
from emostudio.exports.exporting import export_model
from emostudio.inference.catalogue import default_engine, open_session, runnable_engines
from emostudio.inference.engines.opencv import ENGINE
from emostudio.models.importers.binaryproto import mean_image
from emostudio.models.importers.caffe import find_files, input_shape, read_parts
from emostudio.models.importers.caffe_probe import main, probe
from emostudio.models.importers.formats import ModelFormat, detect_format
from emostudio.models.loaded import LoadedModel
from emostudio.models.parts import described_parts

SHAPE = (3, SIDE, SIDE)


@pytest.fixture
def tiny():
    return TinyCaffe()


@pytest.fixture
def inputs():
    return np.random.default_rng(1).normal(0, 40, (5, *SHAPE)).astype(np.float32)


def model_of(tiny, **parts):
    held = {"prototxt": PROTOTXT.encode(), "caffemodel": tiny.weights, **parts}
    info = ModelInfo(
        name="tiny",
        architecture=CAFFE,
        architecture_settings=described_parts(held),
        labels=EMOTIONS[:CLASSES],
        preprocessing=Preprocessing(height=SIDE, width=SIDE, scale=1.0, channel_order="bgr"),
        outputs="probabilities",
    )
    return LoadedModel(info, parts=held)


def test_opencv_answers_as_numpy_does(tiny, inputs):
    session = open_session(model_of(tiny))
    found = session.run(inputs)
    assert session.engine == "opencv"
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, tiny.answers(inputs), atol=1e-5)
    assert found.std(axis=0).max() > 0.01
    np.testing.assert_array_equal(session.run(inputs[:2]), found[:2])
    session.close()
    with pytest.raises(ValueError, match="closed"):
        session.run(inputs)


def test_a_mean_image_is_subtracted_pixel_by_pixel(tiny, inputs):
    mean = np.random.default_rng(2).uniform(90, 130, (3, SIDE, SIDE)).astype("<f4")
    found = open_session(model_of(tiny, mean=mean.tobytes())).run(inputs + mean)
    np.testing.assert_allclose(found, tiny.answers(inputs), atol=1e-4)


def test_what_is_deployed_answers_alike_with_and_without_a_mean_image(tiny, inputs):
    mean = np.random.default_rng(2).uniform(90, 130, (3, SIDE, SIDE)).astype("<f4")
    plain, less_mean = (
        ENGINE.deployed(model_of(tiny)),
        ENGINE.deployed(model_of(tiny, mean=mean.tobytes())),
    )
    assert (len(plain), len(less_mean)) == (2, 3)
    expected = ENGINE.open_deployed(plain, 1).run(inputs)
    np.testing.assert_allclose(
        ENGINE.open_deployed(less_mean, 1).run(inputs + mean), expected, atol=1e-4
    )


def test_only_opencv_runs_caffe_and_it_is_chosen_by_itself(tiny):
    model = model_of(tiny)
    assert model.info.is_black_box
    assert runnable_engines(model) == ("opencv",)
    assert default_engine(model) == "opencv"
    with pytest.raises(InputError, match="onnxruntime"):
        open_session(model, "onnxruntime")


def test_one_file_holds_all_and_reads_back_the_same(tiny, inputs, tmp_path):
    model = model_of(tiny)
    path = tmp_path / "tiny.safetensors"
    assert save_variant(model, path) == predict_bytes(model) == path.stat().st_size
    loaded = load_variant(path)
    assert loaded.parts == dict(model.parts)
    assert loaded.info == model.info
    expected = open_session(model).run(inputs)
    np.testing.assert_array_equal(open_session(loaded).run(inputs), expected)


def test_a_changed_part_is_noticed(tiny, tmp_path):
    path = tmp_path / "tiny.safetensors"
    save_variant(model_of(tiny), path)
    content = path.read_bytes()
    place = content.rfind(b"num_output: 7")
    path.write_bytes(content[:place] + b"num_output: 6" + content[place + 13 :])
    with pytest.raises(InputError, match="checksum"):
        load_variant(path)


def test_it_cannot_be_exported_and_says_why(tiny, tmp_path):
    with pytest.raises(InputError, match="no ONNX graph"):
        export_model(model_of(tiny), EXPORTERS.get("onnx"), tmp_path / "tiny.onnx")


@pytest.mark.parametrize(
    "head",
    [
        "input_dim: 1\ninput_dim: 3 input_dim:24 input_dim: 32",
        "input_shape { dim: 1 dim: 3 dim: 24 dim: 32 }",
        'layer { type: "Input" input_param { shape: { dim: 1 dim: 3 dim: 24 dim: 32 } } }',
    ],
)
def test_the_input_is_found_in_every_way_to_write_it(head):
    rest = "layer { convolution_param { num_output: 4 } }"
    assert input_shape(f'name: "n"\n{head}\n{rest}') == (3, 24, 32)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('layer { type: "Data" data_param { batch_size: 64 } }', "deploy.prototxt"),
        ("input_dim: 1 input_dim: 3 input_dim: 24", "deploy.prototxt"),
        ("input_dim: 1 input_dim: 3 input_dim: 9000 input_dim: 9000", "pictures"),
        ("input_dim: 1 input_dim: 5 input_dim: 24 input_dim: 24", "pictures"),
    ],
)
def test_prototxts_without_one_picture_are_refused(text, reason):
    with pytest.raises(InputError, match=reason):
        input_shape(text)


def test_the_probe_finds_classes_and_softmax(tiny):
    found = probe(PROTOTXT.encode(), tiny.weights)
    assert found == {"shape": [3, SIDE, SIDE], "class_count": CLASSES, "ends_in_softmax": True}
    without = PROTOTXT.replace(
        'layer { name: "prob" type: "Softmax" bottom: "fc" top: "prob" }', ""
    )
    assert not probe(without.encode(), tiny.weights)["ends_in_softmax"]


@pytest.mark.parametrize("damage", ["half", "other"])
def test_files_that_do_not_belong_together_are_refused(damage, tiny, capfd, tmp_path):
    path = tiny.write(tmp_path)
    content = tiny.weights[:300] if damage == "half" else b"\x0a\x04tiny"
    path.write_bytes(content)
    assert main([str(path.with_suffix(".prototxt")), str(path)]) == 2
    assert "belong together" in capfd.readouterr().err.splitlines()[-1]


def test_the_prototxt_is_found_beside_the_weights(tiny, tmp_path):
    path = tiny.write(tmp_path)
    assert detect_format(path) is ModelFormat.CAFFE
    assert find_files(path, {}).prototxt.name == "tiny.prototxt"
    path.with_suffix(".prototxt").rename(tmp_path / "deploy.prototxt")
    (tmp_path / "train_val.prototxt").write_text("x")
    assert find_files(path, {}).prototxt.name == "deploy.prototxt"
    named = find_files(path, {"prototxt": "train_val.prototxt"})
    assert named.prototxt.name == "train_val.prototxt"


def test_missing_and_impossible_files_are_refused(tiny, tmp_path):
    path = tiny.write(tmp_path)
    with pytest.raises(InputError, match="no setting rank"):
        find_files(path, {"rank": 3})
    with pytest.raises(InputError, match=r"mean\.binaryproto"):
        find_files(path, {"mean": "mean.binaryproto"})
    path.with_suffix(".prototxt").write_bytes(b" " * ((1 << 20) + 1))
    with pytest.raises(InputError, match="larger than"):
        find_files(path, {})
    path.with_suffix(".prototxt").unlink()
    with pytest.raises(InputError, match="needs its prototxt"):
        find_files(path, {})
    with pytest.raises(InputError, match="caffemodel"):
        detect_format(_written(tmp_path / "net.prototxt"))


def _written(path):
    path.write_text(PROTOTXT)
    return path


@pytest.mark.parametrize("write", [old_blob, lambda image: blob(image[np.newaxis])])
def test_mean_images_are_cut_to_the_middle(write, tiny, tmp_path):
    image = np.random.default_rng(0).uniform(0, 255, (3, 16, 16)).astype(np.float32)
    np.testing.assert_array_equal(mean_image(write(image), SHAPE), image[:, 2:14, 2:14])
    path = tiny.write(tmp_path)
    (tmp_path / "mean.binaryproto").write_bytes(write(image))
    parts = read_parts(find_files(path, {"mean": "mean.binaryproto"}), SHAPE)
    assert parts["mean"] == image[:, 2:14, 2:14].astype("<f4").tobytes()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff" * 30,
        old_blob(np.zeros((3, 16, 16)))[:-2],
        old_blob(np.zeros((3, 8, 8))),
        old_blob(np.zeros((1, 16, 16))),
        old_blob(np.full((3, 16, 16), np.nan)),
    ],
)
def test_mean_images_that_do_not_fit_are_refused(content):
    with pytest.raises(InputError, match="mean image"):
        mean_image(content, SHAPE)


def test_a_network_that_opencv_refuses_is_an_error_with_a_reason(tiny):
    with pytest.raises(EmoStudioError, match="OpenCV cannot run"):
        open_session(model_of(tiny, caffemodel=b"\x0a\x04tin"))
