import torch
from torch import nn

from emostudio.core.events import LayerHealth, Note
from emostudio.training.doctor import LOOK_EVERY_STEPS, Doctor


class Latent(nn.Module):
    """A layer trained through its signs."""

    watches_signs = True

    def __init__(self, count=1000):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(10, count // 10))

    def latent(self):
        return self.weight


def examine(network, doctor, steps, change=lambda step: None):
    """Let a doctor watch steps in which nothing but `change` happens; return what it says."""
    said = []
    for step in range(1, steps + 1):
        for parameter in network.parameters():
            parameter.grad = torch.full_like(parameter, 1e-3)
        change(step)
        doctor.observe()
        if doctor.is_due(epoch_ends=False):
            said += doctor.report(step, 1)
    return said


def diagnoses(said):
    return [event for event in said if isinstance(event, Note)]


def test_the_flip_rate_is_the_share_of_signs_that_changed_per_step():
    network = nn.Sequential(Latent())

    def flip_ten(step):
        network[0].weight.data.view(-1)[step * 10 : step * 10 + 10] *= -1

    said = examine(network, Doctor(network), LOOK_EVERY_STEPS, flip_ten)
    (health,) = [event for event in said if isinstance(event, LayerHealth)]
    assert health.layers[0].name == "0"
    assert health.layers[0].flip_rate == 10 / 1000
    assert diagnoses(said) == []


def test_signs_that_never_flip_are_named_once_with_a_remedy():
    network = nn.Sequential(Latent(), Latent())
    said = examine(network, Doctor(network), 4 * LOOK_EVERY_STEPS)
    (note,) = diagnoses(said)
    assert note.level == "doctor"
    assert note.what == "Stuck signs: binary weights of 0 do not flip"
    assert "exact gradient" in note.next_step


def test_signs_that_flip_back_and_forth_are_named():
    network = nn.Sequential(Latent())

    def flip_all(step):
        network[0].weight.data *= -1

    said = examine(network, Doctor(network), 2 * LOOK_EVERY_STEPS, flip_all)
    assert [note.what.partition(":")[0] for note in diagnoses(said)] == ["Restless signs"]


def test_a_layer_without_gradient_is_dead():
    network = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))

    def cut(step):
        network[0].weight.grad.zero_()

    said = examine(network, Doctor(network), LOOK_EVERY_STEPS, cut)
    states = {state.name: state for state in said[0].layers}
    assert states["0"].is_dead
    assert not states["1"].is_dead
    assert [note.what for note in diagnoses(said)] == ["Dead layer: 0 gets no gradient"]


def test_the_gradient_is_compared_with_the_weight():
    network = nn.Sequential(nn.Linear(4, 4, bias=False))
    network[0].weight.data.fill_(0.5)
    said = examine(network, Doctor(network), LOOK_EVERY_STEPS)
    assert abs(said[0].layers[0].gradient_ratio - 1e-3 / 0.5) < 1e-9


def test_a_parametrisation_speaks_for_its_layer():
    from torch.nn.utils import parametrize

    class Sign(nn.Module):
        watches_signs = True

        def __init__(self, layer):
            super().__init__()
            self._stack = [layer]

        def latent(self):
            return self._stack[0].parametrizations.weight.original

        def forward(self, weight):
            return weight.sign()

    network = nn.Sequential(nn.Linear(4, 4))
    parametrize.register_parametrization(network[0], "weight", Sign(network[0]))
    said = examine(network, Doctor(network), LOOK_EVERY_STEPS)
    (state,) = said[0].layers
    assert state.name == "0"
    assert state.flip_rate == 0.0
    assert state.gradient_ratio is not None
