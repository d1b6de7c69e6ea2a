import pytest

from emostudio.core.answers import PairedResult, Ratio
from emostudio.core.measured import SeedGroup
from emostudio.workspace.comparison import Comparison, ComparisonRow
from emostudio.workspace.findings import accuracy_words, answer, findings, points


def row(name, speed=None, loss=None, smaller=None, **fields):
    paired = None
    if loss is not None:
        interval = (-loss - 0.01, -loss + 0.01)
        paired = PairedResult(
            a="teacher", b=name, difference=-loss, interval=interval, p_value=0.001, agreement=0.9
        )
    ratio = None
    if speed is not None:
        interval = (speed * 0.98, speed * 1.02)
        ratio = Ratio(a=name, b="teacher", ratio=speed, interval=interval, verdict="words")
    known = {"role": "variant", "slot": 1, "recipe": "", "architecture": "cnn_s", "disk_bytes": 1}
    return ComparisonRow(
        model=name,
        speed=ratio,
        paired=paired,
        size_ratio=smaller,
        is_baseline=name == "teacher",
        **known,
        **fields,
    )


def compared(*rows, **fields):
    return Comparison(rows=(row("teacher"), *rows), baseline="teacher", **fields)


def test_a_faster_variant_with_a_proved_loss_stands_back():
    found = compared(row("lossy", 4.0, loss=0.2), row("sound", 2.0, loss=0.0, smaller=3.0))
    said = answer(found)
    assert (said.heading, said.model) == ("Fastest without a proved loss: sound", "sound")
    assert findings(found)[:3] == [
        "Fastest without a proved loss: sound",
        "2.00× faster than teacher (95 % 1.96–2.04), 3.00× smaller on disk",
        "Accuracy 0.0 points (95 % −\u00a01.0 to +\u00a01.0), no loss proved",
    ]


def test_the_fastest_is_called_so_only_where_it_was_proved_against_every_other_one():
    others = (row("second", 3.9, loss=0.0), row("third", 2.0, loss=0.0), row("no", 1.0))
    alone = compared(row("first", 4.0, loss=0.0, faster_than=("second", "third")), *others)
    assert answer(alone).heading == "Fastest without a proved loss: first"
    assert "told apart" not in answer(alone).lines[0]
    close = answer(compared(row("first", 4.0, loss=0.0, faster_than=("third",)), *others))
    assert close.heading == "Faster without a proved loss: first"
    assert close.lines[0].endswith("; not told apart in speed from second")
    lossy = answer(compared(row("a", 4.0, loss=0.2), row("b", 3.9, loss=0.2)))
    assert lossy.heading == "Faster, at a loss of accuracy: a"
    assert lossy.lines[0].endswith("; not told apart in speed from b")


def test_where_all_faster_variants_lost_the_loss_is_said():
    said = findings(compared(row("lossy", 4.0, loss=0.2)))
    assert said[0] == "Fastest, at a loss of accuracy: lossy"
    assert said[2] == "Accuracy −\u00a020.0 points (95 % −\u00a021.0 to −\u00a019.0), a proved loss"


@pytest.mark.parametrize(
    ("speed", "heading"),
    [(1.01, "Nothing was proved faster than teacher here"), (None, "Speed is not measured yet")],
)
def test_without_a_proved_gain_the_smallest_is_named_once(speed, heading):
    said = findings(compared(row("small", speed, loss=0.0, smaller=40.0)))
    assert said[:2] == [heading, "small is the smallest: 40.00× smaller on disk than teacher"]
    assert sum("smallest" in line for line in said) == 1


def test_the_smallest_stands_after_the_answer_with_its_accuracy():
    found = compared(row("fast", 2.0, smaller=2.0), row("small", 1.0, loss=0.2, smaller=40.0))
    last = findings(found)[-1]
    assert last.startswith("small is the smallest: 40.00× smaller on disk than teacher. Accuracy")
    assert last.endswith("a proved loss")
    assert findings(compared(row("fast", 2.0, smaller=2.0)))[-1] == "fast is the smallest, too"
    larger = compared(row("fast", 2.0, smaller=0.5))
    assert findings(larger)[-1] == "No variant is smaller on disk than teacher"


def test_what_is_not_decided_comes_last():
    found = compared(row("a", 1.0, verdict="Not decided"), row("b", 2.0, verdict="Proved"))
    assert findings(found)[-1] == "Not decided: a"


def test_the_seeds_behind_the_answer_are_counted():
    group = SeedGroup(
        title="CP",
        models=("a", "b"),
        seeds=(0, 1),
        accuracies=(0.9, 0.8),
        mean=0.85,
        interval=(0.2, 1.0),
        is_enough=False,
    )
    said = answer(compared(row("a", 2.0), seed_groups=(group,)))
    assert said.lines[-1].startswith("CP over 2 seeds: 85.0 %")


def test_one_model_alone_is_no_comparison():
    assert findings(compared()) == ["There is nothing to compare with the baseline"]
    assert answer(compared()).heading == "Choose at least two models to compare"


def test_the_change_is_over_the_images_that_its_interval_is_over():
    # own images say −\u00a030 points, the common ones −\u00a02
    words = accuracy_words(row("a", loss=0.02, accuracy_change=-0.3))
    assert words == "Accuracy −\u00a02.0 points (95 % −\u00a03.0 to −\u00a01.0), a proved loss"
    assert (
        accuracy_words(row("a", accuracy_change=-0.3))
        == "Accuracy −\u00a030.0 points, not judged together, no interval"
    )
    assert accuracy_words(row("a")) == ""


def test_points_have_sign_and_space():
    assert (points(-0.003), points(0.0123), points(0.0)) == ("−\u00a00.3", "+\u00a01.2", "0.0")


def test_the_fastest_is_not_called_so_while_the_speed_of_another_is_open():
    open_speed = row("open", 1.3).model_copy(
        update={"speed": Ratio(a="open", b="teacher", ratio=1.3, interval=(0.95, 1.8), verdict="")}
    )
    said = answer(compared(row("a", 1.06), open_speed, row("slow", 0.9)))
    assert said.heading == "Faster without a proved loss: a"
    assert said.lines[0].endswith("; not told apart in speed from open")
    untimed, simulated = row("untimed"), row("bits", kernels="simulated")
    said = answer(compared(row("a", 2.0), untimed, simulated))
    assert said.lines[0].endswith("; not told apart in speed from untimed")
    lossy = row("lossy", 2.01, loss=0.3)
    assert answer(compared(row("a", 2.0), lossy)).heading == "Fastest without a proved loss: a"


def test_what_bars_publication_is_told_with_the_findings():
    bars = ("Only 6 blocks; 30 are needed", "Other programs were computing")
    said = findings(compared(row("small", 2.0, smaller=4.0), blockers=bars))
    assert said[-1] == f"Not for publication: {bars[0]}; {bars[1]}"
    assert "publication" not in " ".join(findings(compared(row("small", 2.0, smaller=4.0))))
