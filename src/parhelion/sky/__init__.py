"""Wide views: place, render by tiles and write, with a truth catalog."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
