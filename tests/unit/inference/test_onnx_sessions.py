"""Graphs in ONNX Runtime take the threads they are given, and none that spin."""

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from emostudio.core.errors import EmoStudioError
from emostudio.inference.graph import onnx_graph
from emostudio.inference.onnx_sessions import graph_run, open_graph
from emostudio.worker.failures import is_out_of_memory


@pytest.fixture(scope="module")
def content() -> bytes:
    torch.manual_seed(0)
    return onnx_graph(nn.Sequential(nn.Flatten(), nn.Linear(12, 5)).eval(), (3, 2, 2))


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_are_those_asked_for_and_sleep_between_queries(content, threads):
    options = open_graph(content, threads).get_session_options()
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (threads, 1)
    for pool in ("intra_op", "inter_op"):
        assert options.get_session_config_entry(f"session.{pool}.allow_spinning") == "0"


def test_a_graph_runs_on_any_number_of_pictures(content):
    run = graph_run(content, 1)
    batch = np.random.default_rng(0).standard_normal((4, 3, 2, 2)).astype(np.float32)
    (together,) = run(batch)
    alone = np.concatenate([run(batch[i : i + 1])[0] for i in range(4)])
    assert together.shape == (4, 5)
    assert np.abs(together - alone).max() <= 1e-5


@pytest.mark.parametrize("error", [RuntimeError(""), MemoryError()])
def test_a_refusal_without_a_word_keeps_its_kind(monkeypatch, content, error):
    def refuse(*_arguments, **_options):
        raise error

    monkeypatch.setattr(onnxruntime, "InferenceSession", refuse)
    with pytest.raises(EmoStudioError, match=type(error).__name__) as found:
        open_graph(content, 1)
    assert is_out_of_memory(found.value) == isinstance(error, MemoryError)
