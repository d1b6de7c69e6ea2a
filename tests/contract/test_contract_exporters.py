"""Every export format keeps its promises, for every architecture there is."""

import json

import pytest
import torch
from torch import nn

from emostudio.core.emotions import EMOTIONS
from emostudio.core.errors import EmoStudioError, InputError
from emostudio.core.exported import DEPLOYMENT, EXCHANGE, ExportReport
from emostudio.core.jobs import DescribeJob
from emostudio.core.model_info import BLACK_BOX, ModelInfo, Preprocessing
from emostudio.exports.catalogue import EXPORTERS, export_refusals, exporter_for
from emostudio.exports.exporting import export_model
from emostudio.exports.parity import INPUTS
from emostudio.inference.graph import onnx_graph
from emostudio.models.branchy import uncertainty
from emostudio.models.catalogue import ARCHITECTURES, build, new_info
from emostudio.models.loaded import LoadedModel
from emostudio.worker.handlers.describe import handle

FORMATS = list(EXPORTERS.members())
ARCHITECTURE_KEYS = sorted(ARCHITECTURES.members())
SMALL = {
    "vgg_s_lite": {"width": 0.125, "dense_width": 16},
    "branchy": {"trunk_settings": "width=0.125 dense_width=16 dropout=0"},
}


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)
    torch.manual_seed(0)


def network_of(key):
    """A network as if trained: normalisations know their inputs, so logits are of usual size."""
    info = new_info("net", key, {"input_size": 48, **SMALL.get(key, {})}, EMOTIONS)
    module = build(info)
    with torch.no_grad():
        for _ in range(2):
            module.train()(torch.rand(8, *info.preprocessing.input_shape))
    return LoadedModel(info, module.eval())


@pytest.fixture(scope="module")
def plain():
    torch.manual_seed(0)
    return network_of("squeezenet1_1")


@pytest.fixture(scope="module")
def early():
    torch.manual_seed(0)
    model = network_of("branchy")
    network = model.network()
    with torch.no_grad():
        *exits, _ = network.all_logits(torch.rand(64, *model.input_shape))
    network.set_thresholds([float(uncertainty(logits).median()) for logits in exits], 0.0)
    return model


def fitting(key, plain, early):
    return early if EXPORTERS.get(key).refuses(plain) else plain


def place(folder, key):
    return folder / f"net{EXPORTERS.get(key).suffix or '-folder'}"


@pytest.mark.parametrize("key", FORMATS)
def test_a_format_describes_itself(key):
    member = EXPORTERS.get(key)
    assert member.key == key
    assert all((member.title, member.summary, member.reference))
    assert member.suffix == "" or member.suffix.startswith(".")
    assert member.family in {DEPLOYMENT, EXCHANGE}
    assert member.settings_type().model_dump() == {}


def test_the_window_learns_of_every_format_from_the_engine():
    handling = handle(DescribeJob(), None)
    with pytest.raises(StopIteration) as ended:
        next(handling)
    listed = ended.value.value.exporters
    assert [entry.key for entry in listed] == FORMATS
    assert {entry.suffix for entry in listed} == {
        one.suffix for one in EXPORTERS.members().values()
    }


@pytest.mark.parametrize("key", FORMATS)
def test_an_export_is_checked_and_says_so_beside_it(key, plain, early, tmp_path):
    model, out = fitting(key, plain, early), place(tmp_path, key)
    report = export_model(model, EXPORTERS.get(key), out)
    assert report.parity.inputs == INPUTS
    assert report.parity.largest_difference <= 1e-4
    assert report.parity.same_answers >= 0.99
    beside = out / "parity.json" if out.is_dir() else out.with_name(f"{out.name}.parity.json")
    assert ExportReport.model_validate_json(beside.read_text()) == report
    assert str(beside) in report.files
    written = {str(path) for path in [out, *tmp_path.rglob("net*/*"), beside] if path.is_file()}
    assert written == set(report.files)


@pytest.mark.parametrize("key", FORMATS)
def test_a_wrong_export_leaves_nothing(key, plain, early, tmp_path, monkeypatch):
    model, exporter = fitting(key, plain, early), EXPORTERS.get(key)
    opened = exporter.open

    def wrong(path):
        right = opened(path)
        return lambda pixels: right(255 - pixels)

    monkeypatch.setattr(exporter, "open", wrong)
    with pytest.raises(EmoStudioError, match="was not written"):
        export_model(model, exporter, tmp_path / "there" / "net.x")
    assert not (tmp_path / "there").exists()


@pytest.mark.parametrize("key", FORMATS)
def test_nothing_is_replaced_unasked(key, plain, early, tmp_path):
    model, exporter, out = fitting(key, plain, early), EXPORTERS.get(key), place(tmp_path, key)
    export_model(model, exporter, out)
    with pytest.raises(InputError, match="already"):
        export_model(model, exporter, out)
    export_model(model, exporter, out, replace=True)
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize("key", FORMATS)
def test_a_cancelled_export_leaves_nothing(key, plain, early, tmp_path):
    model, exporter, out = fitting(key, plain, early), EXPORTERS.get(key), place(tmp_path, key)

    def cancel(share, _message):
        if share > 0.5:
            raise EmoStudioError("Cancelled")

    with pytest.raises(EmoStudioError, match="Cancelled"):
        export_model(model, exporter, out, report=cancel)
    assert not list(tmp_path.glob("*net*"))


def test_a_black_box_is_exported_as_a_graph_or_refused_with_a_reason(plain, tmp_path):
    graph = onnx_graph(plain.network(), plain.input_shape)
    info = plain.info.model_copy(update={"architecture": BLACK_BOX, "name": "black"})
    box = LoadedModel(info, onnx_bytes=graph)
    refusals = export_refusals(box)
    assert set(refusals) == {"safetensors", "segments"}
    assert all(len(reason) > 20 for reason in refusals.values())
    for key in set(FORMATS) - set(refusals):
        export_model(box, EXPORTERS.get(key), place(tmp_path, key))


def test_the_name_says_the_format_or_the_user_does():
    assert exporter_for(None, "net.ONNX").key == "onnx"
    assert exporter_for(None, "net.ort").key == "ort"
    assert exporter_for("segments", "anything").key == "segments"
    with pytest.raises(InputError, match="--format"):
        exporter_for(None, "net")
    with pytest.raises(InputError, match=r"End it with \.ort"):
        exporter_for("ort", "net.onnx")
    with pytest.raises(InputError, match="Known: onnx, ort"):
        exporter_for("coreml", "net.onnx")


@pytest.mark.parametrize("key", ARCHITECTURE_KEYS)
def test_every_architecture_reaches_a_phone(key, tmp_path):
    report = export_model(network_of(key), EXPORTERS.get("ort"), tmp_path / "net.ort")
    assert report.parity.largest_difference <= 1e-4
    assert report.parity.same_answers == 1.0


def test_a_network_of_plain_layers_needs_no_architecture(tmp_path):
    info = ModelInfo(
        name="loose",
        architecture="none",
        labels=EMOTIONS,
        preprocessing=Preprocessing(height=8, width=8, channels=1),
    )
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, 8)).eval()
    export_model(LoadedModel(info, net), EXPORTERS.get("onnx"), tmp_path / "loose.onnx")
    assert json.loads((tmp_path / "loose.onnx.parity.json").read_text())["model"] == "loose"
