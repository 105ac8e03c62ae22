"""The parts of a page: sections of blocks."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Block:
    """A picture, a plot or a table, with its caption, and a link to a page beside it."""

    caption: str = ""
    picture: str | None = None
    plot: Any = None
    header: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    half: bool = False
    link: Path | None = None
    link_text: str = ""


@dataclass(frozen=True)
class Section:
    """One part of the page."""

    title: str
    text: str
    blocks: list[Block] = field(default_factory=list)
