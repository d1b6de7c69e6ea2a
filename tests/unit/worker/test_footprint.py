from emostudio.core.answers import LayerReport
from emostudio.worker.footprint import footprint


def layer(name, size, macs=10, kind="conv", **stored):
    return LayerReport(
        name=name, kind=kind, parameters=1, macs=macs, disk_bytes=size,
        stored=stored or {"float32": size},
    )  # fmt: skip


BEFORE = (layer("conv1", 100), layer("conv2", 800), layer("fc", 300, 5, "linear"))


def test_layers_left_alone_are_kept_the_largest_named_first():
    found = footprint(BEFORE, (BEFORE[0], layer("conv2", 30, values=25, scales=5), BEFORE[2]))
    assert (found.changed, found.kept) == (("conv2",), ("fc", "conv1"))
    assert (found.changed_bytes_before, found.changed_bytes, found.kept_bytes) == (800, 30, 400)
    assert (found.changed_macs_before, found.changed_macs, found.kept_macs) == (10, 10, 15)
    assert found.parts == {"values": 25, "scales": 5}


def test_a_split_layer_is_held_against_all_its_parts():
    parts = (layer("conv2.0", 40, 2), layer("conv2.1", 50, 3))
    found = footprint(BEFORE, (BEFORE[0], *parts, BEFORE[2]))
    assert (found.changed, found.changed_bytes, found.changed_macs) == (("conv2",), 90, 5)
    assert (found.layers_before, found.layers) == (3, 4)


def test_layers_that_belong_to_none_count_as_added():
    found = footprint(BEFORE, (*BEFORE, layer("exits.0", 60, 7)))
    assert found.changed == ()
    assert (found.changed_bytes, found.changed_macs, found.kept_bytes) == (60, 7, 1200)


def test_another_kind_of_layer_of_the_same_size_is_a_change():
    binary = layer("conv2", 800, kind="binary conv")
    assert footprint(BEFORE, (BEFORE[0], binary, BEFORE[2])).changed == ("conv2",)


def test_a_longer_name_is_no_part():
    found = footprint(BEFORE, (*BEFORE, layer("conv20", 60)))
    assert found.changed == ()
