"""Early exits on engines: segments that stop, timed on pictures as early as they leave."""

import numpy as np
import pytest
import torch
from compression_fakes import (
    StripeFaces,
    toy_model,
)
from early_exit_fakes import branchy_toy, faces, middle_limits, set_limits, toy_on_one_thread

from emostudio.compression import ledger
from emostudio.core.errors import EmoStudioError
from emostudio.data.base import Split
from emostudio.evaluation import bench
from emostudio.evaluation.bench import Entry, bench_inputs
from emostudio.inference.catalogue import open_session
from emostudio.inference.engines.onnxruntime import ENGINE as ONNXRUNTIME
from emostudio.models.branchy import NEVER, uncertainty

toy = pytest.fixture(autouse=True)(toy_on_one_thread)

branchy = pytest.fixture(branchy_toy)


def test_onnx_runtime_stops_at_the_exit_and_agrees_with_torch(branchy):
    images = faces()
    set_limits(branchy, *middle_limits(branchy.module.eval(), images))
    session = open_session(branchy, "onnxruntime")
    assert len(session.segments) == 3
    torch_session = open_session(branchy, "torch")
    expected = torch_session.run(images.numpy())
    np.testing.assert_allclose(session.run(images.numpy()), expected, atol=1e-4)
    ran = []

    def watched(number, segment):
        def run(features):
            ran.append((number, len(features)))
            return segment(features)

        return run

    session.segments = [watched(*pair) for pair in enumerate(session.segments)]
    session.run(images.numpy())
    assert [number for number, _ in ran] == [0, 1, 2]
    assert ran[0][1] > ran[1][1] > ran[2][1] > 0
    with torch.no_grad():
        sure = uncertainty(branchy.module.all_logits(images)[0]).argmin()
    ran.clear()
    session.run(images[sure : sure + 1].numpy())
    assert ran == [(0, 1)]
    with pytest.raises(EmoStudioError, match="the picture decides which layers run"):
        ONNXRUNTIME.graph(branchy)


def test_one_graph_holds_the_trunk_while_no_exit_is_taken(branchy):
    (whole,) = branchy.module.segments()
    with torch.no_grad():
        assert torch.equal(whole.body(faces()), toy_model().module(faces()))
    assert whole.head is None


def test_bench_times_drawn_faces_where_the_picture_decides(branchy):
    entry = Entry(model=branchy, engine="torch")
    noise = bench_inputs(branchy.info.preprocessing)
    assert np.array_equal(bench._inputs_for(entry), noise)
    set_limits(branchy, 0.5, NEVER)
    faces_shown = bench._inputs_for(entry)
    assert faces_shown.shape == noise.shape
    assert len({face.tobytes() for face in faces_shown}) == len(faces_shown)
    neighbours = np.abs(np.diff(faces_shown, axis=3)).mean()
    assert neighbours < 0.3 * np.abs(np.diff(noise, axis=3)).mean(), (
        "faces are smooth, noise is not"
    )
    assert "as early as the picture lets it" in bench._early_warnings({"b": entry})[0]


def test_ledger_times_pictures_of_the_data_where_the_picture_decides(branchy):
    data = StripeFaces()
    assert len(ledger._pictures(branchy, data)) == 4
    set_limits(branchy, 0.5, NEVER)
    shown = ledger._pictures(branchy, data)
    test_faces = data.pixels(branchy.info.preprocessing)[data.indices(Split.TEST)]
    assert {face.tobytes() for face in shown} == {face.tobytes() for face in test_faces}
