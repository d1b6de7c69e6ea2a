import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from emostudio.core.emotions import EMOTIONS
from emostudio.core.errors import EmoStudioError, InputError
from emostudio.core.model_info import Lineage, ModelInfo, Preprocessing
from emostudio.models.container import (
    MAX_HEADER_BYTES,
    container_bytes,
    read_arrays,
    read_container,
    read_info,
    write_container,
)


@pytest.fixture
def info():
    return ModelInfo(
        name="tiny",
        architecture="squeezenet1_1",
        architecture_settings={"class_count": 8},
        labels=EMOTIONS,
        preprocessing=Preprocessing(),
    )


@pytest.fixture
def arrays():
    random = np.random.default_rng(0)
    return {
        "blob": np.frombuffer(b"packed bits", dtype=np.uint8),
        "conv.weight": random.normal(size=(3, 2, 5)).astype(np.float32),
        "bn.num_batches_tracked": np.array(7, dtype=np.int64),
        "half": random.normal(size=5).astype(np.float16),
        "mask": np.array([True, False, True]),
        "nothing": np.zeros((0, 4), dtype=np.float32),
        "transposed": random.normal(size=(4, 6)).T,
    }


def shapes_of(arrays):
    return {name: (array.dtype, array.shape) for name, array in arrays.items()}


def with_header(document, data=b""):
    header = document if isinstance(document, bytes) else json.dumps(document).encode()
    return len(header).to_bytes(8, "little") + header + data


def test_arrays_and_description_survive_a_round_trip(tmp_path, info, arrays):
    write_container(tmp_path / "m.safetensors", info, arrays)
    found_info, found = read_container(tmp_path / "m.safetensors")
    assert found_info == info == read_info(tmp_path / "m.safetensors")
    assert set(found) == set(arrays)
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        assert found[name].shape == array.shape
        assert found[name].tobytes() == array.tobytes()


def test_size_is_predicted_exactly(tmp_path, info, arrays):
    written = write_container(tmp_path / "m.safetensors", info, arrays)
    assert written == (tmp_path / "m.safetensors").stat().st_size
    assert written == container_bytes(info, shapes_of(arrays))


def test_size_does_not_depend_on_name_lineage_or_measurements(info, arrays):
    later = info.model_copy(
        update={
            "name": "a much longer name, ünïcode included",
            "lineage": Lineage(parent="teacher", parent_sha256="a" * 64, dataset="d", seed=3),
            "measurements": {"accuracy": 0.875, "interval": [0.8, 0.9]},
        }
    )
    assert container_bytes(info, shapes_of(arrays)) == container_bytes(later, shapes_of(arrays))


def test_same_model_gives_the_same_bytes_whatever_the_order(tmp_path, info, arrays):
    write_container(tmp_path / "a", info, arrays)
    write_container(tmp_path / "b", info, dict(reversed(arrays.items())))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_measurements_beyond_the_reserve_are_refused_and_the_old_file_stays(tmp_path, info):
    write_container(tmp_path / "m", info, {})
    before = (tmp_path / "m").read_bytes()
    with pytest.raises(EmoStudioError, match="too long"):
        write_container(
            tmp_path / "m", info.model_copy(update={"measurements": {"x": "y" * 9000}}), {}
        )
    assert (tmp_path / "m").read_bytes() == before


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_non_finite_arrays_are_neither_written_nor_read(tmp_path, info, value):
    array = {"fc.weight": np.array([1.0, value], dtype=np.float32)}
    with pytest.raises(EmoStudioError, match=r"fc\.weight"):
        write_container(tmp_path / "m", info, array)
    assert not (tmp_path / "m").exists()
    save_file(array, tmp_path / "foreign.safetensors", {"emostudio": info.model_dump_json()})
    with pytest.raises(InputError, match=r"fc\.weight"):
        read_container(tmp_path / "foreign.safetensors")


def test_files_of_the_reference_library_can_be_read(tmp_path, arrays):
    plain = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    save_file(plain, tmp_path / "foreign.safetensors")
    found = read_arrays(tmp_path / "foreign.safetensors")
    assert all(np.array_equal(found[name], plain[name]) for name in plain)
    with pytest.raises(InputError, match="not written by EmoStudio"):
        read_container(tmp_path / "foreign.safetensors")


ENTRY = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
DAMAGED = {
    "empty": b"",
    "shorter than a length": b"abc",
    "header longer than the file": (10**6).to_bytes(8, "little") + b"{}",
    "huge header": (MAX_HEADER_BYTES + 1).to_bytes(8, "little") + b" " * (MAX_HEADER_BYTES + 1),
    "not JSON": with_header(b"{not json"),
    "not UTF-8": with_header(b'{"\xff\xfe": 1}'),
    "a list": with_header([1, 2]),
    "metadata is a list": with_header({"__metadata__": [1]}),
    "endless nesting": with_header(b"[" * 100_000),
    "too many tensors": with_header({f"t{i}": {} for i in range(20_002)}),
    "truncated data": with_header({"a": ENTRY}, b"1234"),
    "data beyond the tensors": with_header({"a": ENTRY}, b"1" * 12),
    "shape does not fit": with_header({"a": {**ENTRY, "shape": [3]}}, b"1" * 8),
    "negative shape": with_header({"a": {**ENTRY, "shape": [-2]}}, b"1" * 8),
    "overflowing shape": with_header({"a": {**ENTRY, "shape": [2**40, 2**40]}}, b"1" * 8),
    "unknown dtype": with_header({"a": {**ENTRY, "dtype": "F99"}}, b"1" * 8),
    "entry is a number": with_header({"a": 1}),
    "a pickle": b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00cposix\nsystem\n.",
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED.keys())
def test_damaged_files_get_one_clear_message(tmp_path, content):
    path = tmp_path / "bad.safetensors"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"bad\.safetensors"):
        read_arrays(path)
    with pytest.raises(InputError, match=r"bad\.safetensors"):
        read_container(path)


def test_every_truncation_of_a_file_is_refused(tmp_path, info, arrays):
    path = tmp_path / "m.safetensors"
    write_container(path, info, arrays)
    whole = path.read_bytes()
    for length in [*range(16), len(whole) // 2, len(whole) - 9, len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(InputError):
            read_container(path)


@pytest.mark.parametrize("description", ["{}", "[]", "not json", '{"name": 3}', "[" * 50_000])
def test_description_that_is_not_a_model_info_is_refused(tmp_path, description):
    path = tmp_path / "m.safetensors"
    path.write_bytes(with_header({"__metadata__": {"emostudio": description}}))
    with pytest.raises(InputError, match="description"):
        read_info(path)


def test_missing_file_and_folder_are_refused(tmp_path):
    with pytest.raises(InputError, match="Cannot read"):
        read_info(tmp_path / "absent.safetensors")
    with pytest.raises(InputError, match="Cannot read"):
        read_info(tmp_path)
