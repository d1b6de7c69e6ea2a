"""The recipe of the compress page: its order, its settings, its presets and files."""

from pathlib import Path

import gui_fakes as fakes
import pytest
from compress_fakes import (
    add_steps,
    answer,
    choose_teacher_and_data,
    methods,
    press,
    show,
    studio_in,
    type_into,
)
from PySide6.QtCore import QMimeData, QPointF, Qt
from PySide6.QtGui import QAction, QDropEvent
from PySide6.QtWidgets import QFileDialog, QPushButton

from emostudio.core.answers import Refusal
from emostudio.core.recipe import Recipe, RecipeStep
from emostudio.gui.dialogs import Question

studio = pytest.fixture(studio_in)


@pytest.fixture
def page(qtbot, studio):
    return show(qtbot, studio)


def test_alt_arrows_reorder_the_recipe(qtbot, page, studio):
    choose_teacher_and_data(page)
    add_steps(qtbot, page, studio, "magnitude_pruning", "weight_sharing")
    page.recipe.choose_step(1)
    press(page.recipe.list, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    answer(qtbot, studio)
    assert methods(page) == ["weight_sharing", "magnitude_pruning"]


def test_a_refused_order_goes_back_and_the_reason_is_shown(qtbot, page, studio):
    choose_teacher_and_data(page)
    add_steps(qtbot, page, studio, "weight_sharing", "huffman")
    page.recipe.list.move_asked.emit(1, 0)
    assert methods(page) == ["huffman", "weight_sharing"]
    answer(qtbot, studio, (Refusal(step=0, method="huffman", reason="nothing to code yet"),))
    assert methods(page) == ["weight_sharing", "huffman"]
    assert page.recipe.note.text() == (
        "Huffman coding cannot move above Weight sharing. Nothing to code yet."
    )
    assert page.next.isEnabled()


def test_an_added_step_that_is_refused_stays_and_blocks_next_with_the_reason(qtbot, page, studio):
    choose_teacher_and_data(page)
    page.recipe.add_method("huffman")
    answer(qtbot, studio, (Refusal(step=0, method="huffman", reason="nothing to code"),))
    assert methods(page) == ["huffman"]
    assert not page.next.isEnabled()
    assert "Step 1, Huffman coding: nothing to code." in fakes.texts(page)


def test_delete_removes_a_step_and_undo_brings_it_back(qtbot, page, studio):
    choose_teacher_and_data(page)
    add_steps(qtbot, page, studio, "magnitude_pruning", "weight_sharing")
    page.recipe.choose_step(0)
    press(page.recipe.list, Qt.Key.Key_Delete)
    assert methods(page) == ["weight_sharing"]
    page.recipe.undo.click()
    assert methods(page) == ["magnitude_pruning", "weight_sharing"]
    page.recipe.redo.click()
    assert methods(page) == ["weight_sharing"]


def test_a_setting_typed_into_the_form_reaches_the_recipe(qtbot, page, studio):
    choose_teacher_and_data(page)
    add_steps(qtbot, page, studio, "weight_sharing")
    type_into(page.recipe.form.editor("bits"), "5")
    qtbot.waitUntil(lambda: bool(page.state.flow.draft.recipe.steps[0].settings), timeout=3000)
    assert page.state.flow.draft.recipe.steps[0].settings == {"bits": 5}


def test_a_setting_out_of_bounds_blocks_next_and_says_what_to_do(qtbot, page, studio):
    choose_teacher_and_data(page)
    add_steps(qtbot, page, studio, "weight_sharing")
    type_into(page.recipe.form.editor("bits"), "11")
    qtbot.waitUntil(lambda: not page.next.isEnabled(), timeout=3000)
    assert "Use at most 8" in fakes.texts(page)
    type_into(page.recipe.form.editor("bits"), "4")
    qtbot.waitUntil(page.next.isEnabled, timeout=3000)
    qtbot.waitUntil(
        lambda: page.state.flow.draft.recipe.steps[0].settings == {"bits": 4}, timeout=3000
    )


def test_a_refused_value_that_was_left_behind_does_not_block_the_recipe(qtbot, page, studio):
    choose_teacher_and_data(page)
    add_steps(qtbot, page, studio, "weight_sharing", "huffman")
    page.recipe.choose_step(0)
    type_into(page.recipe.form.editor("bits"), "99")
    page.recipe.choose_step(1)
    assert page.next.isEnabled()
    page.recipe.choose_step(0)
    assert page.recipe.form.editor("bits").text() == "8"


def test_methods_that_cannot_work_here_are_disabled_and_say_why(page):
    menu = page.recipe.method_menu()
    actions = {action.text(): action for action in menu.findChildren(QAction)}
    assert actions["Magnitude pruning"].isEnabled()
    assert not actions["XNOR"].isEnabled()
    assert actions["XNOR"].toolTip() == "no kernel for this processor"


def test_a_preset_fills_the_recipe_in_order(page):
    menu = page.recipe.preset_menu()
    next(action for action in menu.actions() if action.text() == "Deep Compression").trigger()
    assert methods(page) == ["magnitude_pruning", "weight_sharing", "huffman"]


def test_a_recipe_survives_saving_and_loading(qtbot, page, studio, tmp_path):
    choose_teacher_and_data(page)
    page.recipe.use_recipe(Recipe(steps=(RecipeStep(method="weight_sharing"),)))
    page.recipe.save_to(tmp_path / "mine.json")
    page.recipe.use_recipe(Recipe())
    page.recipe.load_from(tmp_path / "mine.json")
    assert methods(page) == ["weight_sharing"]


def test_an_earlier_recipe_is_replaced_only_if_the_user_says_so(page):
    choose_teacher_and_data(page)
    page.recipe.use_recipe(Recipe(steps=(RecipeStep(method="weight_sharing"),)))
    page.recipe.save.click()
    dialog = page.window().findChild(QFileDialog)
    file = Path(dialog.selectedFiles()[0])
    file.write_text("precious")
    dialog.accept()
    assert file.read_text() == "precious"
    question = page.window().findChild(Question)
    buttons = {made.text(): made for made in question.findChildren(QPushButton)}
    buttons["Replace"].click()
    assert "weight_sharing" in file.read_text()


def test_a_file_that_is_no_recipe_is_refused_with_the_cause(page, tmp_path):
    (tmp_path / "bad.json").write_text("{}x")
    page.recipe.load_from(tmp_path / "bad.json")
    assert "bad.json is not a recipe" in page.recipe.note.text()


def drop_at(recipe_list, y):
    event = QDropEvent(
        QPointF(40, y), Qt.DropAction.MoveAction, QMimeData(), Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )  # fmt: skip
    recipe_list.dropEvent(event)
    assert event.dropAction() == Qt.DropAction.IgnoreAction


@pytest.mark.parametrize(
    ("dragged", "y", "expected"),
    [
        (0, 1000, ["huffman", "weight_sharing", "magnitude_pruning"]),
        (2, 0, ["weight_sharing", "magnitude_pruning", "huffman"]),
        (0, 100, ["huffman", "magnitude_pruning", "weight_sharing"]),
    ],
)
def test_dragging_a_step_asks_the_engine_and_moves_it(qtbot, page, studio, dragged, y, expected):
    choose_teacher_and_data(page)
    add_steps(qtbot, page, studio, "magnitude_pruning", "huffman", "weight_sharing")
    page.recipe.choose_step(dragged)
    drop_at(page.recipe.list, y)
    answer(qtbot, studio)
    assert methods(page) == expected


def test_a_drop_on_its_own_place_changes_nothing(qtbot, page, studio):
    choose_teacher_and_data(page)
    add_steps(qtbot, page, studio, "magnitude_pruning", "huffman")
    page.recipe.choose_step(0)
    with qtbot.assertNotEmitted(page.recipe.list.move_asked):
        drop_at(page.recipe.list, 5)


def test_a_step_has_a_menu_for_those_who_do_not_drag(qtbot, page, studio):
    choose_teacher_and_data(page)
    add_steps(qtbot, page, studio, "magnitude_pruning", "huffman")
    menu = page.recipe.list.step_menu(0)
    words = [action.text().partition("\t")[0] for action in menu.actions() if action.text()]
    assert words == ["Move up", "Move down", "Duplicate", "Remove"]
    assert not menu.actions()[0].isEnabled()
    next(a for a in menu.actions() if a.text() == "Duplicate").trigger()
    assert methods(page) == ["magnitude_pruning", "magnitude_pruning", "huffman"]
