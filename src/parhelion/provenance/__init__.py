"""Marking what was made, and reading marks: one place for every file that Parhelion writes."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
