"""Average the weights of detectors that descend from one another.

    python recipes/average_detectors.py --data CATALOG --data ... --out RUN DETECTOR DETECTOR ...

What a detector learned last it learned at the cost of what it knew before; the mean of its weights
before and after keeps most of both (Wortsman et al. 2022, WiSE-FT). `DETECTOR` is a run's folder or
the name of one that ships, `--data` what the last of them was trained on. The statistics of the
batch normalizations are taken anew from training batches, for those of a mean are not the mean of
those; then linear path, calibration, test and card are made as after any training.
"""

import argparse
from contextlib import closing
from dataclasses import replace
from itertools import islice
from pathlib import Path

import torch
from torch.optim.swa_utils import update_bn

from parhelion.detection import load_detector
from parhelion.detection._batches import training_batches
from parhelion.detection._data import catalog_name, counts, gather, pixel_store
from parhelion.detection._finish import finish, half_digits
from parhelion.training import to_model

_BATCHES = 100


def main() -> None:
    """Average, take the statistics, finish."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("detectors", nargs="+", help="folders of runs, or names")
    parser.add_argument("--data", type=Path, action="append", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--linear", type=float, help="weight of the linear path; the last's own")
    chosen = parser.parse_args()
    if len(chosen.detectors) < 2:
        parser.error(f"detectors (={chosen.detectors[0]}) is one; give two or more to average")
    known = [load_detector(name, device="cpu") for name in chosen.detectors]
    last = known[-1]
    network, settings = last.network, last.settings
    if chosen.linear is not None:
        settings = replace(settings, linear=chosen.linear)
    for detector in known:
        detector.network.linear_path = None  # fitted anew
    states = [detector.network.state_dict() for detector in known]
    network.load_state_dict({name: _mean([state[name] for state in states]) for name in states[0]})

    samples = gather(chosen.data)
    store = pixel_store(settings)
    train = [sample for sample in samples if sample.split == "train"]
    with closing(training_batches(train, store, settings)) as batches:
        update_bn((to_model(pixels) for pixels, _ in islice(batches, _BATCHES)), network)
    # As after a training: what is measured is what ships.
    network.load_state_dict({n: half_digits(tensor) for n, tensor in network.state_dict().items()})
    averaged = [{key: d.card[key] for key in ("model_id", "images_seen")} for d in known]
    facts = {name: last.card[name] for name in ("images_seen", "images_best", "started_from")}
    data = {"catalogs": [catalog_name(path) for path in chosen.data], "counts": counts(samples)}
    chosen.out.mkdir(parents=True, exist_ok=True)
    device = torch.device("cpu")
    finish(
        chosen.out, network, samples, store, settings, device, averaged=averaged, data=data, **facts
    )
    print(chosen.out)


def _mean(tensors: list[torch.Tensor]) -> torch.Tensor:
    if not tensors[0].is_floating_point():
        return tensors[-1]
    return torch.stack(tensors).double().mean(0).to(tensors[-1])


if __name__ == "__main__":
    main()
