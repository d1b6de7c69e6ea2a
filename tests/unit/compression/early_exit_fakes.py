"""A toy network with early exits, and pictures for it."""

import torch
from compression_fakes import (
    SIDE,
    context_for,
    finish,
    toy_model,
    use_toy_architecture,
)

from emostudio.compression.catalogue import METHODS
from emostudio.models.branchy import uncertainty

METHOD = METHODS.get("early_exits")


def settings(**values):
    quick = {"epochs": 0, "branch_epochs": 0, "after": "pool1 pool2", "batch_size": 8}
    return METHOD.settings_type(**{**quick, **values})


def toy_on_one_thread(monkeypatch):
    """Register the toy architecture for a test that runs on one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    use_toy_architecture(monkeypatch)
    yield
    torch.set_num_threads(threads)


def branchy_toy(tmp_path):
    """Return a toy network with untrained exits that nothing takes."""
    model = toy_model()
    result, _ = finish(METHOD.apply(model, settings(), context_for(tmp_path / "b", model)))
    return result


def set_limits(model, *limits):
    model.module.set_thresholds(limits, 0.0)
    return model.module.eval()


def faces(count=12, seed=3):
    return torch.randn(count, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(seed)) * 2


def middle_limits(network, images):
    with torch.no_grad():
        first, second, _ = network.all_logits(images)
    return float(uncertainty(first).median()), float(uncertainty(second).median())
