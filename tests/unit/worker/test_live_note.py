"""What the live view says of the engines it chose."""

from emostudio.inference.choosing import EngineChoice
from emostudio.worker.handlers.live import engines_note


def test_one_note_names_the_engine_of_every_variant():
    fast = EngineChoice(engine="packed", median_ms={"packed": 0.2, "onnxruntime": 0.317})
    note = engines_note(
        {
            "VGG-S": EngineChoice(engine="onnxruntime", median_ms={"onnxruntime": 0.5, "torch": 2}),
            "CP": EngineChoice(engine="onnxruntime", median_ms={"onnxruntime": 0.4, "torch": 1}),
            "Shared": fast,
        }
    )
    assert note.what == "VGG-S and CP run on onnxruntime; Shared runs on packed"
    assert note.why.startswith("Chosen by measurement. VGG-S: onnxruntime 0.5 ms, torch 2 ms; CP:")
    assert note.why.count("by measurement") == 1
    assert "Shared: packed 0.2 ms, onnxruntime 0.317 ms" in note.why


def test_a_variant_whose_engine_was_not_timed_says_why():
    only = EngineChoice(engine="torch", median_ms={"torch": 2.0})
    timed = EngineChoice(engine="packed", median_ms={"packed": 0.2, "torch": 0.3})
    note = engines_note({"Odd": only, "Shared": timed})
    assert "Odd: the only one with its kernels" in note.why
    assert "Shared: chosen by measurement: packed" in note.why
