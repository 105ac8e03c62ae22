"""Parhelion makes mock skies, and tells them from real ones.

A verb of the command line is a function here: ``parhelion.ingest``, ``parhelion.generate``,
``parhelion.detect`` and so on. The rooms they come from (``parhelion.catalog``,
``parhelion.generation``, ...) hold what is needed to build more. Names load on first use.
"""

import lazy_loader

from parhelion._version import __version__ as __version__

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
