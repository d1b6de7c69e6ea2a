import json
import random
from pathlib import Path

import numpy as np
import pytest
import torch

from emostudio.core.errors import InputError
from emostudio.core.job_context import JobContext
from emostudio.training.devices import pick_device, prepared, random_states, restore_random_states


def draws():
    return random.random(), float(np.random.random()), float(torch.rand(()))  # noqa: NPY002


def test_all_random_sources_are_put_back():
    device = torch.device("cpu")
    tensors, facts = random_states(device)
    expected = draws()
    draws()
    restore_random_states(tensors, json.loads(json.dumps(facts)), device)
    assert draws() == expected


def test_half_used_pair_of_normal_draws_is_put_back():
    device = torch.device("cpu")
    random.gauss(0, 1)
    np.random.standard_normal()  # noqa: NPY002
    tensors, facts = random_states(device)
    expected = random.gauss(0, 1), np.random.standard_normal()  # noqa: NPY002
    restore_random_states(tensors, json.loads(json.dumps(facts)), device)
    assert (random.gauss(0, 1), np.random.standard_normal()) == expected  # noqa: NPY002


def test_prepared_run_is_seeded_and_leaves_the_threads_as_they_were():
    drawn = []
    for _ in range(2):
        context = JobContext(folder=Path(), seed=5, threads=2)
        with prepared(context, torch.nn.Flatten()) as device:
            assert torch.get_num_threads() == 2
            assert device.type == "cpu"
            drawn.append(draws())
    assert drawn[0] == drawn[1]
    assert torch.get_num_threads() == 1


def test_network_trains_with_channels_last_and_comes_back_contiguous():
    layer = torch.nn.Conv2d(4, 8, 3)
    with prepared(JobContext(folder=Path()), layer):
        assert layer.weight.is_contiguous(memory_format=torch.channels_last)
    assert layer.weight.is_contiguous()


def test_auto_takes_what_the_machine_has():
    expected = "cuda" if torch.cuda.is_available() else "cpu"
    if torch.backends.mps.is_available():
        expected = "mps"
    assert pick_device("auto").type == expected


def test_unknown_device_is_refused_naming_those_there_are():
    with pytest.raises(InputError, match="tpu") as caught:
        pick_device("tpu")
    assert "cpu" in caught.value.next_step
