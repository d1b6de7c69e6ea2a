import pytest

from emostudio.core.errors import InputError
from emostudio.core.recipe import Recipe, RecipeStep
from emostudio.workspace.recipes import (
    load_recipe,
    parse_assignments,
    parse_steps,
    recipe_file,
    save_recipe,
    saved_recipes,
)

RECIPE = Recipe(name="two", steps=(RecipeStep(method="cp", settings={"rank": 3}),))


def test_a_saved_recipe_reads_back(tmp_path):
    save_recipe(RECIPE, recipe_file(tmp_path, "My recipe"))
    assert saved_recipes(tmp_path) == {"My-recipe": RECIPE}


def test_damaged_recipes_are_left_out_of_the_list(tmp_path):
    save_recipe(RECIPE, recipe_file(tmp_path, "good"))
    (tmp_path / "recipes" / "bad.json").write_text("[]")
    assert list(saved_recipes(tmp_path)) == ["good"]


@pytest.mark.parametrize("content", ["", "[]", '{"steps": 3}', '{"unknown": 1}', "\xff"])
def test_what_is_no_recipe_is_refused_by_name(tmp_path, content):
    file = tmp_path / "r.json"
    file.write_text(content)
    with pytest.raises(InputError, match=r"r\.json is not a recipe"):
        load_recipe(file)


def test_a_missing_recipe_names_its_path(tmp_path):
    with pytest.raises(InputError, match=r"none\.json"):
        load_recipe(tmp_path / "none.json")


def test_steps_are_read_from_words():
    recipe = parse_steps(["distill_softmax", "cp:rank=8,layers=conv2 conv3"])
    assert [step.method for step in recipe.steps] == ["distill_softmax", "cp"]
    assert recipe.steps[1].settings == {"rank": "8", "layers": "conv2 conv3"}


@pytest.mark.parametrize("word", [":rank=8", "cp:rank", "cp:=3"])
def test_malformed_steps_are_refused(word):
    with pytest.raises(InputError, match="Bad"):
        parse_steps([word])


def test_assignments_keep_equal_signs_in_values():
    assert parse_assignments(["a=b=c"], "x") == {"a": "b=c"}
