"""The interval of a proportion."""

from scipy.stats import binomtest


def wilson_interval(successes: int, trials: int) -> list[float] | None:
    """Return the 95 % score interval of a proportion, or None without trials.

    Wilson (1927), doi:10.1080/01621459.1927.10502953.
    """
    if not trials:
        return None
    interval = binomtest(successes, trials).proportion_ci(0.95, method="wilson")
    return [float(interval.low), float(interval.high)]
