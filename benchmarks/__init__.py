"""Side-by-side measurements against peers: ``python -m benchmarks NAME --json [--data DIR]``.

A module for each name, with ``run(data, work) -> dict``: `data` is the folder given by ``--data``
or None, `work` an empty folder for what the measurement writes. The result holds at least `name`,
`unit`, `ours`, `peer`, `ratio` (above 1 is better for us) and `measured_on`; several sizes are a
list of such objects under `cases`.
"""
