"""What images there are: safe decoding, FITS stretch, ingest, cut-outs, duplicates, splits.

A catalog is a folder with images and one Parquet table, a row per image.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
