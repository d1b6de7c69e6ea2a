"""BranchyNet around another architecture: trained from the start with early exits."""

from __future__ import annotations

from typing import Any, Literal

from torch import nn

from emostudio.core.errors import InputError
from emostudio.core.settings import parse_settings, setting, settings_from_text
from emostudio.models.base import ArchitectureSettings
from emostudio.models.branch_points import branch_points, head_weights
from emostudio.models.branchy import BranchyNet, exit_branch
from emostudio.models.catalogue import ARCHITECTURES


class BranchySettings(ArchitectureSettings):
    """Settings of BranchyNet."""

    input_size: int = setting(
        64,
        title="Input size",
        help="Width and height of the face crop.",
        unit="px",
        low=24,
        high=512,
    )
    trunk: str = setting("vgg_s_lite", title="Trunk", help="Catalogue key of the network inside.")
    trunk_settings: str = setting(
        "",
        title="Trunk's settings",
        help="As width=0.5 dense_width=256, separated by blanks.",
    )
    after: str = setting(
        "auto",
        title="Exits after",
        help="Names of layers of the trunk; auto takes the usual ones, else those next to a third "
        "and two thirds of the multiply-adds.",
    )
    weights: Literal["equal", "early-heavy"] = setting(
        "equal",
        title="Weights of the exits",
        help="Equal is 1, 1, 1; early-heavy is 1, 0.6, 0.3 and favours the first exit.",
    )


class Branchy:
    """Catalogue entry of BranchyNet."""

    key = "branchy"
    title = "BranchyNet"
    family = "BranchyNet"
    summary = "Any other architecture with early exits; calibrate them by the step early_exits."
    reference = "Teerapittayanon, McDanel and Kung, ICPR 2016, arXiv:1709.01686"
    settings_type = BranchySettings

    def build(self, settings: BranchySettings) -> nn.Module:
        """Return the network with fresh weights and exits that nothing takes yet.

        Raises
        ------
        InputError
            If there is no such trunk or no such place for an exit.
        """
        if settings.trunk == self.key:
            raise InputError("A BranchyNet cannot be its own trunk")
        architecture = ARCHITECTURES.get(settings.trunk)
        values = {
            **settings_from_text(settings.trunk_settings, f"architecture {settings.trunk}"),
            **settings.model_dump(include={"class_count", "input_size", "channels"}),
        }
        parsed: Any = parse_settings(
            architecture.settings_type, values, f"architecture {settings.trunk}"
        )
        trunk = architecture.build(parsed)
        shape = (settings.channels, settings.input_size, settings.input_size)
        points = branch_points(trunk, architecture.family, settings.after, shape)
        if not isinstance(trunk, nn.Sequential):  # branch_points has refused it already
            raise InputError("Exits cannot be added")
        exits = {name: exit_branch(wide, settings.class_count) for name, wide in points.items()}
        return BranchyNet(trunk, exits, head_weights(settings.weights, len(exits)))


ARCHITECTURE = Branchy()
