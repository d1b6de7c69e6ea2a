"""From arguments to an exit code; every error becomes one clear line."""

from __future__ import annotations

import sys
from typing import Any

import typer

from emostudio.cli.arguments import spread
from emostudio.cli.output import Output, present
from emostudio.core import environment
from emostudio.core.errors import EmoStudioError

CANCELLED = 130


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code."""
    if arguments[:1] == ["--worker"]:  # frozen builds start their worker like this
        from emostudio.worker.main import entry_point

        entry_point()
    from emostudio.cli.commands import make_app

    output = Output(is_json="--json" in arguments)
    try:
        with present(output):
            environment.check()
            command = typer.main.get_command(make_app())
            code = command.main(
                args=spread(arguments),
                prog_name="emostudio",
                standalone_mode=False,
                obj=output,
            )
            return int(code or 0)
    except EmoStudioError as error:
        output.error(error.what, error.why, error.next_step)
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        output.error("Cancelled")
        return CANCELLED
    except BrokenPipeError:
        sys.stderr.close()  # the reader has gone; there is nobody left to tell
        return 1
    except Exception as error:  # noqa: BLE001 - sorted out below, faults are raised again
        return _usage_error(error, output)


def _usage_error(error: Any, output: Output) -> int:
    """Say in one line what is wrong with the arguments; anything else is a fault and is raised."""
    format_message = getattr(error, "format_message", None)
    code = getattr(error, "exit_code", None)
    if format_message is None or code is None:
        raise error
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "emostudio"
    output.error(str(format_message()), next_step=f"See {command} --help")
    return int(code)
