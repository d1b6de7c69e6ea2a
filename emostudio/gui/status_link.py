"""Keeps status bar and rail in step with the studio."""

from __future__ import annotations

from PySide6.QtCore import QObject

from emostudio.core.events import EpochDone, Event, Progress
from emostudio.gui.rail import RailButton
from emostudio.gui.status_bar import StatusBar
from emostudio.qt.studio import Studio


class StatusLink(QObject):
    """Shows device, camera, jobs and time left whenever they change."""

    def __init__(self, studio: Studio, bar: StatusBar, jobs_button: RailButton) -> None:
        super().__init__(bar)
        self.studio, self.status, self._jobs_button = studio, bar, jobs_button
        self._seconds_left: float | None = None
        studio.runs_changed.connect(self._show_jobs)
        studio.run_event.connect(self._on_run_event)
        studio.doctor_ready.connect(self._show_device)
        studio.settings_changed.connect(self._show_device)
        studio.live_changed.connect(self._show_camera)
        bar.workspace.setText(studio.workspace.folder.name)
        bar.workspace.setToolTip(str(studio.workspace.folder))
        if studio.workspace.read_only:
            bar.show_saved(self.tr("Read only"), "warn")
        self._show_device()
        self._show_jobs()

    def _show_device(self) -> None:
        chosen = self.studio.settings()
        machine = self.studio.doctor.machine if self.studio.doctor is not None else {}
        device = chosen.device.upper() if chosen.device != "auto" else self.tr("CPU")
        if chosen.device == "auto" and machine.get("device"):
            device = str(machine["device"]).upper()
        threads = chosen.threads or machine.get("physical_cores") or machine.get("cores")
        text = self.tr("{0}, {1} threads").format(device, threads) if threads else device
        self.status.show_device(text)

    def _show_camera(self, is_on: bool) -> None:
        job = self.studio.live_job
        is_camera = is_on and job is not None and job.source.startswith("camera")
        self.status.show_camera(is_camera)

    def _show_jobs(self) -> None:
        queue = self.studio.queue
        running = int(bool(queue.current))
        if not running:
            self._seconds_left = None
        self._jobs_button.set_count(running)
        self.status.show_jobs(running, len(queue.waiting), self._seconds_left)

    def _on_run_event(self, run_id: str, event: Event) -> None:
        del run_id
        if isinstance(event, Progress | EpochDone) and event.seconds_left is not None:
            self._seconds_left = event.seconds_left
            self._show_jobs()
