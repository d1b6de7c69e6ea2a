"""Ratios of models that were timed on one engine each, or on several."""

from emostudio.core.answers import Ratio
from emostudio.statistics.contenders import contender_names, ratio_of


def _ratio(a, b, ratio=2.0):
    return Ratio(a=a, b=b, ratio=ratio, interval=(ratio * 0.9, ratio * 1.1), verdict=f"{a} {b}")


def test_names_say_the_engine_throughout_where_one_model_runs_on_several():
    assert contender_names([("t", "torch"), ("v", "packed")]) == ["t", "v"]
    runs = [("t", "torch"), ("t", "onnxruntime"), ("v", "torch"), ("t@torch", "torch")]
    names = ["t@torch", "t@onnxruntime", "v@torch", "t@torch@torch"]
    assert contender_names(runs) == names


def test_a_ratio_between_two_engines_is_not_one_between_two_models():
    across = _ratio("v@onnxruntime", "t@torch", 15.0)
    same = _ratio("v@onnxruntime", "t@onnxruntime", 1.1)
    assert ratio_of([across, same], "v", "t", "onnxruntime") == same
    assert ratio_of([across], "v", "t", "onnxruntime") is None
    assert ratio_of([across], "v", "t", "torch") is None


def test_models_of_a_bench_that_gave_each_one_engine_may_differ_in_it():
    found = ratio_of([_ratio("v", "t", 4.0)], "t", "v", "onnxruntime")
    assert (found.a, found.ratio) == ("t", 0.25)


def test_a_model_on_several_engines_is_not_held_against_one_on_an_unknown_engine():
    older = _ratio("v@torch", "t", 3.0)  # such names were given before both sides said the engine
    assert ratio_of([older], "v", "t", "torch") is None


def test_a_name_that_holds_the_mark_stands_for_no_other():
    ratios = [_ratio("a@home", "t", 3.0)]
    assert ratio_of(ratios, "a@home", "t", "torch").ratio == 3.0
    assert ratio_of(ratios, "a", "t", "torch") is None
