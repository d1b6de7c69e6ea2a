"""Deep Compression: prune, share the surviving weights, Huffman-code what is left.

Use it where the download or the disk is what hurts: the file shrinks ten to fifty times. In
memory the weights are dense again, and the speed is that of the teacher.

References
----------
.. [1] Han et al., "Deep Compression: compressing deep neural networks with pruning, trained
   quantization and Huffman coding", ICLR 2016, arXiv:1510.00149.
"""

from __future__ import annotations

from emostudio.compression import rules
from emostudio.compression.base import ENTROPY_CODED, PRUNED, SHARED
from emostudio.compression.composite import CompositeMethod
from emostudio.compression.fine_tuning import BitSettings, FineTuneSettings, SparsitySettings
from emostudio.core.answers import ClaimInfo
from emostudio.core.recipe import RecipeStep
from emostudio.core.settings import setting


class DeepCompressionSettings(BitSettings, SparsitySettings, FineTuneSettings):
    """The settings of the three steps that matter."""

    centroid_epochs: int = setting(
        3,
        title="Centroid epochs",
        help="Passes in which the shared values are tuned.",
        low=0,
        high=1000,
    )


class DeepCompression(CompositeMethod[DeepCompressionSettings]):
    """Magnitude pruning, weight sharing and Huffman coding in this order."""

    key = "deep_compression"
    title = "Deep Compression"
    family = rules.PRUNING
    summary = "Prune, share and Huffman-code: a far smaller file, and often faster dense layers."
    reference = "Han et al., ICLR 2016, arXiv:1510.00149"
    settings_type = DeepCompressionSettings
    decided_by = "five_bit_linear"
    claim = ClaimInfo(smaller=49.0, baseline="VGG-16 on ImageNet, 552 to 11.3 MB", source="Table 1")
    leaves = frozenset({PRUNED, SHARED, ENTROPY_CODED})

    def expand(self, settings: DeepCompressionSettings) -> tuple[RecipeStep, ...]:
        """Return the three steps."""
        training = settings.model_dump(
            include={"layers", "batch_size", "max_images", "time_limit_s", "distillation_weight"}
        )
        pruning = settings.model_dump(
            include={"sparsity_conv", "sparsity_linear", "epochs", "learning_rate"}
        )
        sharing = settings.model_dump(include={"bits_conv", "bits_linear"})
        return (
            RecipeStep(method="magnitude_pruning", settings={**training, **pruning}),
            RecipeStep(
                method="weight_sharing",
                settings={**training, **sharing, "epochs": settings.centroid_epochs},
            ),
            RecipeStep(method="huffman", settings={"layers": settings.layers}),
        )


METHOD = DeepCompression()
