import errno

import pytest

from emostudio.core.errors import EmoStudioError, InputError
from emostudio.worker.failures import explain, is_disk_full, is_out_of_memory


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("std::bad_alloc"),
        RuntimeError("CUDA out of memory. Tried to allocate 20 MiB"),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
    ],
)
def test_refused_memory_becomes_a_hint_to_the_batch_size(error):
    assert is_out_of_memory(error)
    failed = explain(error)
    assert "memory" in failed.what
    assert "batch" in failed.next_step


def test_a_full_disk_is_told_even_when_another_error_wraps_it():
    wrapped = EmoStudioError("Could not write x", why="because")
    wrapped.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    assert is_disk_full(wrapped)
    assert "disk is full" in explain(wrapped).what


def test_a_full_database_is_a_full_disk():
    assert is_disk_full(EmoStudioError("x", why="database or disk is full"))


def test_the_user_s_errors_keep_their_words_and_exit_code():
    failed = explain(InputError("Bad file", why="it is empty", next_step="Choose another"))
    assert (failed.what, failed.why, failed.next_step) == (
        "Bad file",
        "it is empty",
        "Choose another",
    )
    assert failed.exit_code == 2


def test_an_unexpected_error_keeps_its_traceback():
    with pytest.raises(KeyError) as caught:
        {}["surprise"]
    failed = explain(caught.value)
    assert "KeyError" in failed.why
    assert "test_worker_failures" in failed.details
    assert failed.exit_code == 1
