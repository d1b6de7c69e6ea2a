"""Which methods may follow which, and that what may, works: METHODS.md section 10, test J1."""

import dataclasses
import itertools

import pytest
import torch
from compression_fakes import StripeFaces, finish, logits_of, toy_model, use_toy_architecture
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from emostudio.compression import ledger, packing, pipeline, stages
from emostudio.compression.catalogue import METHODS
from emostudio.compression.planning import predicted
from emostudio.core.job_context import JobContext
from emostudio.core.recipe import Recipe, RecipeStep
from emostudio.inference.catalogue import open_classifier

PRUNE, CHANNELS, SHARE, HUFFMAN = (
    "magnitude_pruning",
    "channel_pruning",
    "weight_sharing",
    "huffman",
)
HASH, CP, TUCKER, SVD, TT = "hashed", "cp", "tucker2", "svd", "tt_linear"
BINARY, INT8, EXITS = "bwn", "int8_ptq", "early_exits"
SIGNED = "binary_activations"

# How each method is aimed at one layer that the next one is aimed at as well.
FEW = {"bits_conv": 2, "bits_linear": 2}
DENSE = {
    PRUNE: {}, SHARE: FEW, HUFFMAN: {}, HASH: {}, TT: {"rank": 2}, SVD: {"rank": 2}, BINARY: {},
    INT8: {}, SIGNED: {},
}  # fmt: skip
CONV = {
    PRUNE: {}, SHARE: FEW, HUFFMAN: {}, CP: {"rank": 3},
    TUCKER: {"budget": 0.3, "rank_from": "budget"}, BINARY: {}, INT8: {}, SIGNED: {},
}  # fmt: skip

# The table of METHODS.md, section 10: (after, then) where the planner has to refuse the layer.
REFUSED = [
    (SHARE, PRUNE), (HUFFMAN, PRUNE), (HASH, PRUNE), (BINARY, PRUNE), (INT8, PRUNE),
    (SHARE, CHANNELS), (HUFFMAN, CHANNELS), (HASH, CHANNELS), (CP, CHANNELS), (TUCKER, CHANNELS),
    (TT, CHANNELS), (BINARY, CHANNELS), (INT8, CHANNELS),
    (HUFFMAN, SHARE), (BINARY, SHARE), (INT8, SHARE),
    (BINARY, HUFFMAN),
    (PRUNE, HASH), (SHARE, HASH), (TT, HASH), (BINARY, HASH), (INT8, HASH), (SVD, HASH),
    (PRUNE, CP), (SHARE, CP), (BINARY, CP), (INT8, CP), (TUCKER, CP),
    (PRUNE, TUCKER), (SHARE, TUCKER), (BINARY, TUCKER), (INT8, TUCKER), (CP, TUCKER),
    (PRUNE, SVD), (SHARE, SVD), (HASH, SVD), (TT, SVD), (BINARY, SVD), (INT8, SVD),
    (PRUNE, TT), (SHARE, TT), (HASH, TT), (SVD, TT), (BINARY, TT), (INT8, TT),
    (PRUNE, BINARY), (SHARE, BINARY), (HASH, BINARY), (CP, BINARY), (TUCKER, BINARY),
    (TT, BINARY), (INT8, BINARY),
    (SHARE, INT8), (BINARY, INT8), (HUFFMAN, INT8),
    (SIGNED, CHANNELS), (SIGNED, HASH), (SIGNED, CP), (SIGNED, TUCKER), (SIGNED, SVD), (SIGNED, TT),
    (SIGNED, BINARY), (SIGNED, INT8), (SIGNED, HUFFMAN), (BINARY, SIGNED), (SHARE, SIGNED),
]  # fmt: skip

ALLOWED = [
    (CHANNELS, PRUNE), (CP, PRUNE), (TT, PRUNE),
    (PRUNE, CHANNELS),
    (PRUNE, SHARE), (CHANNELS, SHARE), (HASH, SHARE), (CP, SHARE), (TUCKER, SHARE), (TT, SHARE),
    (PRUNE, HUFFMAN), (SHARE, HUFFMAN), (INT8, HUFFMAN),
    (CHANNELS, HASH), (CHANNELS, CP), (CHANNELS, TUCKER), (CHANNELS, BINARY), (CHANNELS, TT),
    (PRUNE, INT8), (CHANNELS, INT8), (HASH, INT8), (CP, INT8), (TT, INT8), (TUCKER, INT8),
    (SIGNED, PRUNE), (SIGNED, SHARE), (CHANNELS, SIGNED),
    (PRUNE, EXITS), (SHARE, EXITS), (BINARY, EXITS), (EXITS, PRUNE), (EXITS, SHARE), (EXITS, INT8),
]  # fmt: skip


@pytest.fixture(autouse=True)
def toy(monkeypatch):
    def on_torch(model, engine=None, threads=1):
        return open_classifier(model, None if model.onnx_bytes else "torch", threads)

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    use_toy_architecture(monkeypatch)
    monkeypatch.setattr(ledger, "open_classifier", on_torch)
    monkeypatch.setattr(stages, "open_classifier", on_torch)
    yield
    torch.set_num_threads(threads)


def without_training(key):
    """Return settings with which a method trains nothing."""
    fields = METHODS.get(key).settings_type.model_fields
    return {name: 0 for name in fields if name == "epochs" or name.endswith("_epochs")}


def aimed(key, kind):
    """Return a step at fc1 or conv2 alone, whichever the method can change."""
    layer, table = ("fc1", DENSE) if kind == "dense" else ("conv2", CONV)
    wanted = {**without_training(key), **table.get(key, {})}
    if "layers" in METHODS.get(key).settings_type.model_fields:
        wanted["layers"] = layer
    return RecipeStep(method=key, settings=wanted)


def kind_of(*keys):
    return "conv" if {CP, TUCKER} & set(keys) else "dense"


def known(pairs):
    return [pair for pair in pairs if set(pair) <= set(METHODS.members())]


def before(key, kind):
    """Return what has to be done before a method can do anything."""
    return (aimed(SHARE, kind),) if key == HUFFMAN else ()


@pytest.mark.parametrize(("after", "then"), known(REFUSED))
def test_j1_every_x_cell_is_refused_with_a_reason(after, then):
    kind = kind_of(after, then)
    first = (*before(after, kind), aimed(after, kind))
    assert pipeline.plan(toy_model(), Recipe(steps=first)).refusals == (), "the start is legal"
    report = pipeline.plan(toy_model(), Recipe(steps=(*first, aimed(then, kind))))
    assert report.refusals, "the second step went through"
    assert len(report.refusals[0].reason) > 15


@pytest.mark.parametrize(("after", "then"), known(ALLOWED))
def test_j1_every_other_cell_goes_through(after, then):
    kind = kind_of(after, then)
    steps = (*before(after, kind), aimed(after, kind), aimed(then, kind))
    assert pipeline.plan(toy_model(), Recipe(steps=steps)).refusals == ()


@pytest.mark.parametrize("distillation", ["distill_labels", "distill_softmax", "distill_hinton"])
def test_j1_distillation_is_the_first_step_or_none(distillation):
    student = RecipeStep(method=distillation, settings={"architecture": "toy", "epochs": 0})
    late = Recipe(steps=(aimed(PRUNE, "dense"), student))
    assert "put it first" in pipeline.plan(toy_model(), late).refusals[0].reason
    early = Recipe(steps=(student, aimed(PRUNE, "dense")))
    assert pipeline.plan(toy_model(), early).refusals == ()


def legal_next(steps, keys):
    """Return the first of `keys` whose method may follow, as a step; None if there is none."""
    for key in keys:
        step = RecipeStep(method=key, settings=random_settings(METHODS.get(key)))
        if not pipeline.plan(toy_model(), Recipe(steps=(*steps, step))).refusals:
            return step
    return None


def random_settings(method):
    fields = method.settings_type.model_fields
    wanted = without_training(method.key)
    wanted |= {"architecture": "toy"} if "architecture" in fields else {}
    wanted |= {"rank": 3} if "rank" in fields else {}
    return {name: value for name, value in wanted.items() if name in fields}


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),  # shrinking a run of minutes takes hours
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_random_legal_recipes_of_three_to_five_steps_run_to_the_end(data, tmp_path_factory):
    steps = ()
    length = data.draw(st.integers(3, 5), label="length")
    while len(steps) < length:
        keys = data.draw(st.permutations(list(METHODS.members())), label="wanted next")
        step = legal_next(steps, keys)
        if step is None:
            break
        steps = (*steps, step)
    recipe, teacher = Recipe(steps=steps), toy_model()
    report = pipeline.plan(teacher, recipe)
    job = JobContext(folder=tmp_path_factory.mktemp("recipe"), seed=3)
    result, _ = finish(pipeline.run(teacher, recipe, StripeFaces(), job, name="random"))
    on_disk = result.file.stat().st_size
    assert on_disk == packing.predict_bytes(result.model)
    if report.stages[-1].disk_bytes_exact:
        # the same words in the header: names and measurements are known only afterwards
        planned = dataclasses.replace(predicted(teacher, recipe), info=result.model.info)
        assert packing.predict_bytes(planned) == on_disk
    loaded = packing.load_variant(result.file)
    assert torch.allclose(logits_of(loaded), logits_of(result.model), atol=1e-6)
    assert torch.isfinite(logits_of(loaded)).all()


def test_the_table_has_no_cell_twice():
    cells = [*REFUSED, *ALLOWED]
    assert len(cells) == len(set(cells))
    assert all(a != b for a, b in itertools.chain(REFUSED, ALLOWED))
