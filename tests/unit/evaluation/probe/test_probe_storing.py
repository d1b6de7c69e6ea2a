import json

import pytest
from probe_fakes import MACHINE, card, reading

from emostudio.core.errors import InputError
from emostudio.core.machine_card import SCHEMA_VERSION, MachineCardReport
from emostudio.evaluation.probe.identity import changes, this_machine
from emostudio.evaluation.probe.storing import card_file, keep, read_card, recall

CARD = card(reading("fast", 3.0, 2.9, 3.1), warnings=("The machine runs on battery",))


def test_a_kept_card_comes_back_as_it_was():
    keep(CARD)
    assert recall().card == CARD
    assert recall().notice == ""


def test_nothing_kept_is_no_fault():
    assert recall().card is None
    assert recall().notice == ""


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff\xfe", b"[1, 2]", b'{"card": 3}', b'{"schema_version": 1}']
)
def test_a_damaged_card_is_told_and_no_crash(content):
    keep(CARD)
    card_file().write_bytes(content)
    assert recall().card is None
    assert "of no use" in recall().notice
    with pytest.raises(InputError, match="Measure again"):
        read_card(card_file())


def test_a_file_of_another_format_version_is_not_guessed_at():
    keep(CARD.model_copy(update={"schema_version": SCHEMA_VERSION + 1}))
    assert recall().card is None
    assert f"version {SCHEMA_VERSION + 1}" in recall().notice


def test_a_newer_card_with_more_in_it_is_told_by_its_version_not_as_damaged(tmp_path):
    newer = {**CARD.model_dump(mode="json"), "schema_version": 9, "readings": {"gpu": []}, "gpu": 1}
    keep(CARD)
    for document in (newer, {"card": newer, "stale": []}):
        card_file().write_text(json.dumps(document))
        assert "format has version 9, known is 1" in recall().notice
        assert "damaged" not in recall().notice


def test_a_huge_file_is_not_read():
    card_file().parent.mkdir(parents=True, exist_ok=True)
    card_file().write_bytes(b" " * 2_000_000)
    assert recall().card is None


def test_an_exported_report_is_a_card_too(tmp_path):
    file = tmp_path / "card.json"
    file.write_text(MachineCardReport(card=CARD).model_dump_json())
    assert read_card(file) == CARD
    file.write_text(json.dumps({"card": None}))
    with pytest.raises(InputError):
        read_card(file)


def test_a_missing_file_is_bad_input(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_card(tmp_path / "none.json")


def test_a_card_holds_on_the_machine_it_was_measured_on():
    assert changes(CARD, MACHINE) == ()
    here = this_machine()
    assert changes(CARD.model_copy(update={"machine": here}), here) == ()


@pytest.mark.parametrize(
    ("update", "words"),
    [
        ({"cpu": "Other CPU"}, "another processor (Test CPU)"),
        ({"architecture": "arm64"}, "another processor"),
        ({"vector_units": ("AVX2",)}, "other vector units"),
        ({"physical_cores": 2}, "4 cores, now there are 2"),
        ({"logical_cores": 4}, "logical processors"),
        ({"memory_bytes": 4 * 2**30}, "memory"),
        ({"versions": {"onnxruntime": "2.0", "numba": "0.1"}}, "onnxruntime 1.0, now it is 2.0"),
        ({"versions": {"onnxruntime": "1.0"}}, "numba 0.1, now it is missing"),
    ],
)
def test_what_changed_since_is_told(update, words):
    (found,) = changes(CARD, MACHINE.model_copy(update=update))
    assert words in found


def test_a_few_bytes_of_memory_are_no_other_machine():
    now = MACHINE.model_copy(update={"memory_bytes": MACHINE.memory_bytes - 4096})
    assert changes(CARD, now) == ()
