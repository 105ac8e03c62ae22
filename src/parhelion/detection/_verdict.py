"""The verdict on one image, as programs read it."""

import dataclasses
import json
from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """What the detector says of one image."""

    path: str
    """The file; in an archive, the archive's path and then the member's."""
    probability_made: float | None
    """Calibrated probability that a model made it, 0 to 1; None where there is no answer."""
    verdict: str
    """``made``, ``observed`` or ``cannot tell``."""
    note: str
    """Why it cannot be told, or nothing."""
    part: str | None = None
    """Which image of a file that holds several, such as ``hdu2`` or ``page3``."""
    logit: float | None = None
    """Log-odds of that probability, which do not end at 0 and 1; None where there is no answer."""
    width: int | None = None
    """Of the image, in pixels; None where it cannot be read."""
    height: int | None = None
    """Of the image, in pixels; None where it cannot be read."""

    @property
    def readable(self) -> bool:
        """Whether there was an image to look at."""
        return self.width is not None

    def json(self) -> str:
        """Return the verdict as one line of JSON."""
        return json.dumps(dataclasses.asdict(self))
