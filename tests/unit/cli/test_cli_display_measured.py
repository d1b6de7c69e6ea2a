"""What the bench command says of two models."""

import io

from emostudio.cli.display_measured import show_bench
from emostudio.cli.output import Output
from emostudio.core.answers import BenchReport, Ratio
from emostudio.statistics.blocks import speed_words
from emostudio.statistics.verdicts import inverse


def _shown(ratio):
    output = Output(is_json=False)
    output.stdout = io.StringIO()
    report = BenchReport(machine={}, results=(), ratios=(ratio,))
    show_bench(report.model_dump(mode="json"), output)
    return output.stdout.getvalue()


def test_the_interval_by_drawing_blocks_is_given_in_the_sense_of_the_words():
    words = speed_words("a", "b", 0.8, (0.75, 0.9))
    slow = Ratio(
        a="a", b="b", ratio=0.8, interval=(0.75, 0.9), verdict=words, bootstrap_interval=(0.8, 0.88)
    )
    line = _shown(slow)
    assert "1.25" in line
    assert "slower" in line
    assert "drawing blocks gives 1.14 to 1.25" in line
    fast = inverse(slow, speed_words("b", "a", 1.25, (1 / 0.9, 1 / 0.75)))
    assert "drawing blocks gives 1.14 to 1.25" in _shown(fast)
    open_ = slow.model_copy(update={"interval": (0.7, 1.1), "verdict": "not decided"})
    assert "drawing blocks gives 0.80 to 0.88" in _shown(open_)
