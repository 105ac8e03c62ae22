"""The command line: a file per verb, no logic."""

from parhelion.cli._main import main as main

__all__ = ["main"]
