"""Graphs in ONNX Runtime take the threads they are given, and none that spin."""

import numpy as np
import pytest
import torch
from torch import nn

from emostudio.inference.graph import onnx_graph
from emostudio.inference.onnx_sessions import graph_run, open_graph


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
