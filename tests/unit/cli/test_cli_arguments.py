import pytest

from emostudio.cli.arguments import spread


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("live --variants a b --seconds 3", "live --variants a --variants b --seconds 3"),
        ("bench --engine torch onnxruntime m n", "bench --engine torch --engine onnxruntime m n"),
        ("bench m --engine torch", "bench m --engine torch"),
        ("train --set a=1 b=2 --arch x", "train --set a=1 --set b=2 --arch x"),
        ("data inspect --set a=1 PATH", "data inspect --set a=1 PATH"),
        ("compress --step cp distill_softmax:epochs=3", None),
        ("evaluate a b --data d", "evaluate a b --data d"),
        ("live --variants", "live --variants"),
    ],
)
def test_options_with_several_values_are_repeated(given, expected):
    if expected is None:
        expected = "compress --step cp --step distill_softmax:epochs=3"
    assert spread(given.split()) == expected.split()
