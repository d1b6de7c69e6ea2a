import pytest
import torch
from compression_fakes import StripeFaces, toy_model, use_toy_architecture

from emostudio.compression import ledger, stages
from emostudio.inference.catalogue import open_classifier


def on_torch(model, engine=None, threads=1):
    """Open a model on the engine that needs no export."""
    return open_classifier(model, None if model.onnx_bytes else "torch", threads)


@pytest.fixture(autouse=True)
def toy(monkeypatch):
    """Put the toy architecture into the catalogue; measure on torch, which starts faster."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    use_toy_architecture(monkeypatch)
    monkeypatch.setattr(ledger, "open_classifier", on_torch)
    monkeypatch.setattr(stages, "open_classifier", on_torch)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def teacher():
    return toy_model()


@pytest.fixture
def faces():
    return StripeFaces()
