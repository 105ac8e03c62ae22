"""Compiled code is kept where it can be, and works where it cannot."""

import logging
import subprocess
import sys
from pathlib import Path

import numba
import pytest

from parhelion.measurement._jit import compiled


def double(x: int) -> int:
    return 2 * x


def test_compiled_code_is_kept_and_read_again(tmp_path: Path) -> None:
    module = tmp_path / "doubling.py"
    module.write_text(
        "from parhelion.measurement._jit import compiled\n"
        "@compiled\n"
        "def double(x):\n"
        "    return 2 * x\n"
    )
    code = "from doubling import double; double(4); print(len(double.stats.cache_hits))"
    command = [sys.executable, "-c", code]
    hits = [
        subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    assert [int(text) for text in hits] == [0, 1]


def test_it_works_where_nothing_can_be_written(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    plain = numba.njit

    def refuse(*arguments: object, **options: object) -> object:
        if options.get("cache"):

            def fail(function: object) -> object:
                raise RuntimeError("cannot cache function 'double': no locator available")

            return fail
        return plain(*arguments, **options)

    monkeypatch.setattr(numba, "njit", refuse)
    with caplog.at_level(logging.INFO):
        assert compiled(double)(21) == 42
    assert "no locator" in caplog.text
