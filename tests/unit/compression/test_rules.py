import dataclasses
import itertools

import pytest
from compression_fakes import context_for, finish

from emostudio.compression import base, rules
from emostudio.compression.catalogue import METHODS
from emostudio.core.model_info import StructureRecord

TRAIT_OF = {
    "magnitude_pruning": base.PRUNED,
    "weight_sharing": base.SHARED,
    "huffman": base.ENTROPY_CODED,
    "cp": base.LOW_RANK,
}
# METHODS.md table 10, "then" (rows) after (columns), for the methods that exist
REFUSED_AFTER = {
    "magnitude_pruning": {base.SHARED, base.ENTROPY_CODED},
    "weight_sharing": {base.SHARED, base.ENTROPY_CODED},
    "huffman": {base.ENTROPY_CODED},
    "cp": {base.PRUNED, base.SHARED, base.ENTROPY_CODED, base.LOW_RANK},
}


@pytest.mark.parametrize(
    ("key", "trait"), list(itertools.product(TRAIT_OF, sorted(TRAIT_OF.values())))
)
def test_every_cell_of_the_composition_table(key, trait):
    present = {trait, base.SHARED} if trait == base.ENTROPY_CODED else {trait}
    if key == "huffman" and trait == base.LOW_RANK:
        present.add(base.SHARED)
    reason = rules.refusal(METHODS.get(key), frozenset(present))
    assert bool(reason) == (trait in REFUSED_AFTER[key])


def test_low_rank_after_pruning_gives_the_reason_of_the_reference():
    reason = rules.refusal(METHODS.get("cp"), frozenset({base.PRUNED}))
    assert reason == "low-rank after element pruning would restore zeros"


def test_huffman_needs_something_that_repeats():
    assert "prune or share" in rules.refusal(METHODS.get("huffman"), frozenset())


def test_layers_of_one_network_may_carry_different_methods(teacher, tmp_path):
    pruning, cp = METHODS.get("magnitude_pruning"), METHODS.get("cp")
    wanted = pruning.settings_type(layers="fc1 conv2", epochs=0)
    pruned = finish(pruning.apply(teacher, wanted, context_for(tmp_path, teacher)))[0]
    planned = cp.plan(pruned, cp.settings_type(rank=4))
    assert planned.layers == ("conv3",)
    reasons = {item.layer: item.reason for item in planned.skipped}
    assert "restore zeros" in reasons["conv2"]


def test_traits_come_from_the_structure_too(teacher):
    record = StructureRecord(layer="conv2", method="cp", arguments={"rank": 3})
    info = teacher.info.model_copy(update={"structure": (record,)})

    found = rules.traits(dataclasses.replace(teacher, info=info))
    assert found["conv2"] == {base.LOW_RANK}
    assert found["conv3"] == frozenset()


def test_applicable_methods_are_told_per_layer(teacher):
    # of these alone: other methods may join the catalogue
    asked = ("cp", "huffman", "magnitude_pruning", "svd", "tucker2", "weight_sharing")
    found = {
        layer: [key for key in keys if key in asked]
        for layer, keys in rules.applicable_methods(teacher).items()
    }
    assert found["conv3"] == ["cp", "magnitude_pruning", "tucker2", "weight_sharing"]
    assert found["fc1"] == ["magnitude_pruning", "svd", "weight_sharing"]
