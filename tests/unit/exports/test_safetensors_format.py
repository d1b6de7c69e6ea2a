"""The format for another EmoStudio: every bit and every fact arrives."""

import numpy as np
import pytest
import torch

from emostudio.compression.packing import load_variant, save_variant
from emostudio.core.emotions import EMOTIONS
from emostudio.core.model_info import Lineage
from emostudio.core.recipe import Recipe, RecipeStep
from emostudio.exports.catalogue import EXPORTERS
from emostudio.exports.exporting import export_model
from emostudio.models.catalogue import build, new_info
from emostudio.models.loaded import LoadedModel

FORMAT = EXPORTERS.get("safetensors")


@pytest.fixture(scope="module")
def variant():
    torch.manual_seed(0)
    info = new_info(
        "v", "vgg_s_lite", {"input_size": 48, "width": 0.125, "dense_width": 16}, EMOTIONS
    )
    told = info.model_copy(
        update={
            "lineage": Lineage(parent="t", teacher="t", dataset="faces", run="r1", seed=3),
            "measurements": {"accuracy": 0.5, "notes": ["one", "two"]},
            "recipe": Recipe(name="mine", steps=(RecipeStep(method="cp", settings={"epochs": 0}),)),
        }
    )
    return LoadedModel(told, build(told).eval())


def test_logits_are_equal_to_the_bit_and_all_facts_are_kept(variant, tmp_path):
    report = export_model(variant, FORMAT, tmp_path / "v.safetensors")
    assert report.parity.largest_difference == 0.0
    assert report.parity.tolerance == 0.0
    back = load_variant(tmp_path / "v.safetensors")
    assert back.info == variant.info
    pictures = torch.randn(4, *variant.input_shape)
    with torch.inference_mode():
        assert torch.equal(back.network()(pictures), variant.network()(pictures))


def test_the_file_is_the_one_that_the_workspace_keeps(variant, tmp_path):
    save_variant(variant, tmp_path / "own.safetensors")
    export_model(variant, FORMAT, tmp_path / "out.safetensors")
    assert (tmp_path / "own.safetensors").read_bytes() == (
        tmp_path / "out.safetensors"
    ).read_bytes()


def test_a_single_changed_bit_is_noticed(variant, tmp_path, monkeypatch):
    opened = FORMAT.open

    def changed(path):
        answer = opened(path)

        def nearly(pixels):
            found = answer(pixels)
            found.outputs[0, 0] = np.nextafter(found.outputs[0, 0], np.float32(np.inf))
            return found

        return nearly

    monkeypatch.setattr(FORMAT, "open", changed)
    with pytest.raises(Exception, match="the same bits are asked for"):
        export_model(variant, FORMAT, tmp_path / "v.safetensors")
    assert not [path for path in tmp_path.iterdir() if path.is_file()]
