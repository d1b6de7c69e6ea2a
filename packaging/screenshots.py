"""Save every page, light and dark, at 1280 x 720, filled with small but really measured content.

Seeds a workspace through the real engine (drawn faces, a tiny teacher, three variants, accuracy,
interleaved latency, the machine probe), opens the window on it and writes
docs/images/<page>_<theme>.png. The live page runs for a few seconds on the synthetic camera.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

OUT = Path(__file__).resolve().parents[1] / "docs" / "images"
DATA = "faces"
TEACHER = "VGG-S-lite"
SETTLE_S = 20.0
LOAD_S = 60.0
LIVE_S = 14.0


def seed(folder: Path) -> None:
    """Make data, a teacher, three variants and their measurements in `folder`."""
    from emostudio.core.events import Failed
    from emostudio.core.jobs import (
        BenchJob,
        CompressJob,
        EvaluateJob,
        ImportDataJob,
        Job,
        ProbeJob,
        TrainJob,
    )
    from emostudio.core.recipe import Recipe, RecipeStep
    from emostudio.worker.execute import execute
    from emostudio.workspace.store import Workspace

    steps: dict[str, tuple[RecipeStep, ...]] = {
        "Deep compression": (
            RecipeStep(method="deep_compression", settings={"centroid_epochs": 1}),
        ),
        "CP": (RecipeStep(method="cp", settings={"epochs": 1, "epochs_per_layer": 0}),),
        "Weight sharing": (RecipeStep(method="weight_sharing"),),
    }
    with Workspace.open(folder) as workspace:

        def go(job: Job) -> None:
            run = workspace.create_run(job, job.run_title)
            for event in execute(job, workspace, run.id):
                if isinstance(event, Failed):
                    print(f"{job.run_title}: {event.what}: {event.why}", file=sys.stderr)

        go(ImportDataJob(path="synthetic", name=DATA, settings={"identities": 20, "size": 48}))
        go(
            TrainJob(
                architecture="vgg_s_lite",
                architecture_settings={"input_size": 48, "width": 0.25, "dense_width": 64},
                data=DATA,
                training={"epochs": 30, "batch_size": 32},
                name=TEACHER,
            )
        )
        for name, recipe in steps.items():
            go(CompressJob(teacher=TEACHER, data=DATA, recipe=Recipe(steps=recipe), name=name))
        names = tuple(model.name for model in workspace.models())
        go(EvaluateJob(models=names, data=DATA))
        go(BenchJob(models=names, blocks=10, pairs=10))
        go(ProbeJob())


def take(folder: Path, out: Path) -> None:
    """Open the window on a seeded workspace and save all pages."""
    from PySide6.QtWidgets import QApplication

    from emostudio.gui.main_window import open_window
    from emostudio.gui.theme import theme
    from emostudio.paper.study import studies
    from emostudio.qt.studio import Studio
    from emostudio.workspace.store import Workspace

    app = QApplication(sys.argv[:1])
    theme().install(app)
    with Workspace.open(folder) as workspace:
        studio = Studio(workspace)
        read = studio.settings().model_copy(update={"live_notice_read": True, "theme": "light"})
        studio.save_settings(read)
        window = open_window(studio)
        window.resize(1280, 720)
        _spin(app, SETTLE_S, lambda: studio.doctor is not None)
        keys = [entry.key for entry in window.entries] + ["settings"]
        if not studies(folder):  # half an hour of work that only a kept workspace has
            keys.remove("paper")
        for key in keys:
            window.go(key)
            _choose(window, studio, key)
            _spin(app, 2.0)
        for key in keys:
            window.go(key)
            if key == "live":
                _start_live(app, window.page("live"))
            for name in ("light", "dark"):
                theme().choose(name)
                _spin(app, 0.8)
                window.grab().save(str(out / f"{key}_{name}.png"))
                print(out / f"{key}_{name}.png")
        studio.close()
        window.close()


def _choose(window: object, studio: object, key: str) -> None:
    """Show what a page is for: a variant on Models, a training run on Jobs."""
    from emostudio.gui.main_window import MainWindow
    from emostudio.qt.studio import Studio

    if not isinstance(window, MainWindow) or not isinstance(studio, Studio):
        return
    variants = [model.name for model in studio.workspace.models() if model.parent]
    runs = [run for run in studio.workspace.runs() if run.kind == "train"]
    if key == "models" and variants:
        window.page("models").open(variants[0])
    elif key == "jobs" and runs:
        window.page("jobs").open(runs[0].id)
        compressed = [run.id for run in studio.workspace.runs() if run.kind == "compress"]
        getattr(window.page("jobs"), "list").choose([*compressed, runs[0].id])  # noqa: B009 - the overlay
    elif key == "compress":
        _fill_wizard(window.page("compress"))


def _start_live(app: object, page: object) -> None:
    """Start the synthetic camera and let it run until the figures have settled."""
    from emostudio.gui.pages.live import LivePage

    if not isinstance(page, LivePage):
        return
    page.start()
    frames: list[object] = []
    feed = getattr(page, "_feed", None)
    if feed is not None:
        feed.frame_arrived.connect(frames.append)
        _spin(app, LOAD_S, lambda: bool(frames))
        _spin(app, LIVE_S)


def _fill_wizard(page: object) -> None:
    """Choose teacher and data, and stack two steps."""
    from emostudio.core.recipe import Recipe, RecipeStep
    from emostudio.gui.pages.compress import CompressPage

    if isinstance(page, CompressPage):
        page.open(TEACHER)
        page.state.edit(lambda: page.state.flow.choose_data(DATA))
        page.state.go(page.state.flow.next)
        steps = (RecipeStep(method="cp"), RecipeStep(method="weight_sharing"))
        page.open(Recipe(steps=steps))


def _spin(app: object, seconds: float, until: Callable[[], bool] | None = None) -> None:
    from PySide6.QtWidgets import QApplication

    end = time.monotonic() + seconds
    while time.monotonic() < end and not (until is not None and until()):
        QApplication.processEvents()
        time.sleep(0.01)


def main() -> int:
    """Seed and take; an earlier workspace can be used again."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--workspace", type=Path, help="use (and keep) this workspace")
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="emostudio-screens-") as temporary:
        folder = (arguments.workspace or Path(temporary) / "Face study").absolute()
        # The settings page shows folders from the home folder on: no picture names this machine's.
        os.environ["HOME"] = str(folder.parent)
        os.environ["EMOSTUDIO_STATE"] = str(folder.parent / ".local/state/emostudio")
        if not (folder / "models").is_dir():
            seed(folder)
        take(folder, arguments.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
