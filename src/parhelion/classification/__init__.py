"""Classifiers of what an image shows: training, classes and features, measured figures."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
