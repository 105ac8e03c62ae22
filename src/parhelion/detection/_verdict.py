"""The verdict on one image, as programs read it."""

import dataclasses
import json
from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """What the detector says of one image."""

    path: str
    """The file."""
    probability_made: float | None
    """Calibrated probability that a model made it, 0 to 1; None where there is no answer."""
    verdict: str
    """``made``, ``observed`` or ``cannot tell``."""
    note: str
    """Why there is no verdict, which image of the file it is, or nothing."""

    def json(self) -> str:
        """Return the verdict as one line of JSON."""
        return json.dumps(dataclasses.asdict(self))
