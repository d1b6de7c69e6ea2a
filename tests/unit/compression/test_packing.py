import dataclasses
import json
import struct
import subprocess
import sys

import numpy as np
import pytest
import torch
from compression_fakes import context_for, finish, logits_of

from emostudio.compression import packing
from emostudio.compression.catalogue import METHODS
from emostudio.compression.storage import layer_storage
from emostudio.core.emotions import EMOTIONS
from emostudio.core.errors import EmoStudioError, InputError
from emostudio.core.model_info import StructureRecord
from emostudio.models.catalogue import build, new_info
from emostudio.models.container import write_container
from emostudio.models.loaded import LoadedModel

RECIPE = (
    ("cp", {"epochs": 0, "rank": 5, "layers": "conv3"}),
    ("magnitude_pruning", {"epochs": 0, "layers": "conv2 fc1"}),
    ("weight_sharing", {"epochs": 0, "bits_conv": 4, "bits_linear": 3}),
    ("huffman", {}),
)


def compressed(teacher, folder, recipe=RECIPE):
    model = teacher
    for key, values in recipe:
        method = METHODS.get(key)
        context = context_for(folder, teacher)
        model = finish(method.apply(model, method.settings_type(**values), context))[0]
    return model


@pytest.fixture
def variant(teacher, tmp_path):
    return compressed(teacher, tmp_path)


def test_a_saved_variant_reads_back_bit_by_bit(variant, tmp_path):
    packing.save_variant(variant, tmp_path / "v.safetensors")
    loaded = packing.load_variant(tmp_path / "v.safetensors")
    before, after = variant.module.state_dict(), loaded.module.state_dict()
    assert list(before) == list(after)
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert torch.equal(logits_of(variant), logits_of(loaded))
    assert loaded.info == variant.info
    assert set(loaded.coded) == set(variant.coded)


def test_the_file_has_the_predicted_bytes(variant, tmp_path):
    predicted = packing.predict_bytes(variant)
    assert packing.save_variant(variant, tmp_path / "v.safetensors") == predicted
    assert (tmp_path / "v.safetensors").stat().st_size == predicted


def test_the_overhead_of_the_container_is_small(variant, tmp_path):
    written = packing.save_variant(variant, tmp_path / "v.safetensors")
    content = sum(sum(parts.values()) for parts in layer_storage(variant).values())
    assert 0 < written - content < 64 * 1024


def test_saving_twice_gives_the_same_bytes(variant, tmp_path):
    for name in ("a", "b"):
        packing.save_variant(variant, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_loading_in_a_fresh_process_gives_the_same_logits(tmp_path):
    info = new_info("v", "squeezenet1_1", {"input_size": 32}, EMOTIONS)
    torch.manual_seed(0)
    teacher = LoadedModel(info, module=build(info).eval())
    recipe = (
        ("cp", {"epochs": 0, "sweeps": 1, "layers": "fire9.expand3x3", "rank": 20}),
        ("magnitude_pruning", {"epochs": 0}),
        ("weight_sharing", {"epochs": 0, "sweeps": 1}),
        ("huffman", {}),
    )
    variant = compressed(teacher, tmp_path, recipe)
    packing.save_variant(variant, tmp_path / "v.safetensors")
    script = """
import sys, pathlib, torch
from emostudio.compression.packing import load_variant
torch.set_num_threads(1)
model = load_variant(pathlib.Path(sys.argv[1]))
batch = torch.randn(3, *model.input_shape, generator=torch.Generator().manual_seed(5))
with torch.no_grad():
    sys.stdout.write(model.network()(batch).numpy().tobytes().hex())
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "v.safetensors")],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    assert done.stdout == logits_of(variant).numpy().tobytes().hex()


def test_weights_changed_behind_the_packed_form_are_not_written(variant, tmp_path):
    with torch.no_grad():
        variant.module.fc1.weight.add_(1.0)
    with pytest.raises(EmoStudioError, match=r"fc1\.weight"):
        packing.save_variant(variant, tmp_path / "v.safetensors")
    assert not (tmp_path / "v.safetensors").exists()


def test_every_flipped_byte_is_found(variant, tmp_path):
    path = tmp_path / "v.safetensors"
    packing.save_variant(variant, path)
    good = path.read_bytes()
    header = 8 + struct.unpack("<Q", good[:8])[0]
    reference = logits_of(variant)
    for place in np.random.default_rng(0).integers(header, len(good), 40):
        damaged = bytearray(good)
        damaged[place] ^= 0x10
        path.write_bytes(bytes(damaged))
        with pytest.raises(InputError):
            packing.load_variant(path)
    path.write_bytes(good)
    assert torch.equal(logits_of(packing.load_variant(path)), reference)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_a_truncated_file_is_refused(variant, tmp_path, share):
    path = tmp_path / "v.safetensors"
    packing.save_variant(variant, path)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(InputError):
        packing.load_variant(path)


def rewrite_manifest(path, change):
    """Change the manifest of a file and keep everything else valid."""
    from safetensors import safe_open
    from safetensors.numpy import save_file

    with safe_open(str(path), framework="numpy") as file:
        metadata = file.metadata()
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    manifest = json.loads(arrays[packing.MANIFEST].tobytes())
    change(manifest)
    arrays[packing.MANIFEST] = np.frombuffer(json.dumps(manifest).encode(), np.uint8)
    save_file(arrays, str(path), metadata=metadata)


def forge_codec(manifest):
    manifest["coded"]["fc1.weight"]["codec"] = "secret"


def forge_shape(manifest):
    manifest["coded"]["fc1.weight"]["header"]["shape"] = [2**40, 2**20]


def forge_entries(manifest):
    manifest["coded"]["fc1.weight"]["header"]["entries"] = 2**50


def forget_tensor(manifest):
    del manifest["coded"]["fc1.weight"]


@pytest.mark.parametrize("forge", [forge_codec, forge_shape, forge_entries, forget_tensor])
def test_a_forged_manifest_is_refused(variant, tmp_path, forge):
    path = tmp_path / "v.safetensors"
    packing.save_variant(variant, path)
    rewrite_manifest(path, forge)
    with pytest.raises(InputError):
        packing.load_variant(path)


def test_a_shape_that_does_not_fit_is_refused_before_memory_is_taken(
    variant, tmp_path, monkeypatch
):
    def forge(manifest):
        manifest["coded"]["fc1.weight"]["header"]["shape"] = [65536, 65536]

    def unpacked(coded):
        if coded.header["shape"] == [65536, 65536]:
            raise MemoryError

        return unpack(coded)

    unpack = packing.unpack
    monkeypatch.setattr(packing, "unpack", unpacked)
    path = tmp_path / "v.safetensors"
    packing.save_variant(variant, path)
    rewrite_manifest(path, forge)
    with pytest.raises(InputError, match="belongs to its network"):
        packing.load_variant(path)


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_weights_of_another_precision_are_refused(teacher, tmp_path, dtype):
    arrays = {name: value.numpy() for name, value in teacher.module.state_dict().items()}
    arrays["fc1.weight"] = arrays["fc1.weight"].astype(dtype)
    write_container(tmp_path / "t.safetensors", teacher.info, arrays)
    with pytest.raises(InputError, match=r"fc1\.weight is stored as"):
        packing.load_variant(tmp_path / "t.safetensors")


@pytest.mark.parametrize("method", ["magnitude_pruning", "huffman", "distill_softmax", "cp"])
def test_structure_that_a_method_cannot_have_made_is_refused(variant, method):
    record = StructureRecord(layer="conv1", method=method, arguments={})
    info = variant.info.model_copy(update={"structure": (record,)})
    with pytest.raises(InputError, match="cannot be rebuilt"):
        packing.build_structure(info)


def test_a_teacher_written_without_manifest_loads(teacher, tmp_path):
    arrays = {name: value.numpy() for name, value in teacher.module.state_dict().items()}
    write_container(tmp_path / "t.safetensors", teacher.info, arrays)
    loaded = packing.load_variant(tmp_path / "t.safetensors")
    assert torch.equal(logits_of(loaded), logits_of(teacher))
    assert loaded.file == tmp_path / "t.safetensors"


def test_structure_of_an_unknown_method_is_named(variant, tmp_path):
    record = variant.info.structure[0].model_copy(update={"method": "magic"})
    info = variant.info.model_copy(update={"structure": (record,)})
    with pytest.raises(InputError, match="magic"):
        packing.build_structure(info)
    assert dataclasses.replace(variant, info=info).info.structure[0].method == "magic"


def test_a_black_box_keeps_its_onnx_file(teacher, tmp_path):
    box = LoadedModel(
        teacher.info.model_copy(update={"architecture": "onnx"}), onnx_bytes=b"x" * 100
    )
    assert packing.predict_bytes(box) == 100
    assert packing.save_variant(box, tmp_path / "b.onnx") == 100
    assert (tmp_path / "b.onnx").read_bytes() == b"x" * 100
