"""Times a model's layers against their factors on this machine."""

from __future__ import annotations

from emostudio.compression import layer_times, outlook
from emostudio.compression.catalogue import METHODS
from emostudio.compression.decomposition import DecompositionMethod
from emostudio.core.errors import InputError
from emostudio.core.jobs import BreakEvenJob
from emostudio.core.low_rank import BreakEvenReport
from emostudio.core.settings import parse_settings
from emostudio.worker.context import HandlerContext, Handling
from emostudio.worker.unmade import model_or_architecture


def handle(job: BreakEvenJob, context: HandlerContext) -> Handling:
    """Answer with times over ranks, break-even ranks and ceilings."""
    method = METHODS.get(job.method)
    if not isinstance(method, DecompositionMethod):
        able = [k for k, m in METHODS.members().items() if isinstance(m, DecompositionMethod)]
        raise InputError(
            f"{method.title} has no ranks",
            why="it does not replace layers by thinner ones",
            next_step=f"Methods: {', '.join(able)}",
        )
    model = model_or_architecture(job.model, job.architecture_settings, context.workspace)
    if model.module is None:
        raise InputError(f"{job.model} is a black box", why="its layers are not known")
    settings = parse_settings(method.settings_type, job.settings, f"method {job.method}")
    yield from outlook.measure(
        method, model, settings, budget_s=job.seconds, threads=job.threads, again=job.again
    )
    selection = method.chosen(model, settings)
    return BreakEvenReport(
        model=model.info.name,
        machine=layer_times.machine_words(),
        outlook=outlook.outlook(method, model, settings, threads=job.threads),
        skipped=tuple((item.layer, item.reason) for item in selection.skipped),
    )
