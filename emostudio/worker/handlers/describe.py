"""Lists the catalogues."""

from __future__ import annotations

from emostudio.compression.catalogue import METHODS
from emostudio.core.answers import CatalogueAnswer
from emostudio.core.jobs import DescribeJob
from emostudio.data.catalogue import READERS
from emostudio.exports.catalogue import EXPORTERS
from emostudio.inference.catalogue import ENGINES
from emostudio.models.catalogue import ARCHITECTURES
from emostudio.reports.catalogue import describe_formats
from emostudio.training.settings import TrainingSettings
from emostudio.vision.catalogue import DETECTORS, SOURCES
from emostudio.worker.context import HandlerContext, Handling


def handle(job: DescribeJob, context: HandlerContext) -> Handling:
    """Answer with every member of every catalogue."""
    del job, context
    yield from ()
    return CatalogueAnswer(
        methods=METHODS.describe(),
        architectures=ARCHITECTURES.describe(),
        engines=ENGINES.describe(),
        readers=READERS.describe(),
        detectors=DETECTORS.describe(),
        sources=SOURCES.describe(),
        exporters=EXPORTERS.describe(),
        formats=describe_formats(),
        training=TrainingSettings.model_json_schema(),
    )
