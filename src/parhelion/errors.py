"""Every error that Parhelion raises on purpose.

::

    ParhelionError             exit 1
    ├── InputError             exit 2: what was given cannot be used
    │   ├── SettingsError      a setting has a value that cannot work
    │   ├── DecodeError        a file is not an image that can be read
    │   ├── CatalogError       a catalog is missing, damaged or breaks an invariant
    │   ├── ModelError         a model folder is missing, damaged or of another kind
    │   └── MissingExtraError  an optional part is not installed
    └── TrainingError          exit 1: a training run cannot go on
        ├── NonFiniteLossError a loss became infinite or NaN
        └── StoppedError       somebody stopped it, and it can be resumed

A message is one line: what, its value, where, and what to do.
"""

__all__ = [
    "CatalogError",
    "DecodeError",
    "InputError",
    "MissingExtraError",
    "ModelError",
    "NonFiniteLossError",
    "ParhelionError",
    "SettingsError",
    "StoppedError",
    "TrainingError",
]


class ParhelionError(Exception):
    """Root of the tree; `exit_code` is what the command line returns."""

    exit_code = 1


class InputError(ParhelionError):
    """What was given (a file, a folder, a value) cannot be used."""

    exit_code = 2


class SettingsError(InputError):
    """A setting has a value that cannot work; the message names the flag."""


class DecodeError(InputError):
    """A file cannot be read as an image; the message is the reason for rejection."""


class CatalogError(InputError):
    """A catalog is missing, damaged, or breaks one of its invariants."""


class ModelError(InputError):
    """A model folder is missing, damaged, or holds another kind of model."""


class MissingExtraError(InputError):
    """An optional dependency is needed; the message holds the pip line."""


class TrainingError(ParhelionError):
    """A training run cannot go on."""


class NonFiniteLossError(TrainingError):
    """A loss became infinite or NaN; the last good checkpoint is kept."""


class StoppedError(TrainingError):
    """A training run was stopped from outside; a checkpoint is kept."""
