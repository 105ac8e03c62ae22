"""Several processes as one, as far as a group of one process shows it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import distributed, nn

from parhelion.errors import InputError, TrainingError
from parhelion.training import agree, make_fabric, speaks, store, synchronize_batch_norm, together


@pytest.fixture
def group(tmp_path: Path) -> Iterator[None]:
    store_file = distributed.FileStore(str(tmp_path / "store"), 1)
    distributed.init_process_group("gloo", store=store_file, rank=0, world_size=1)
    yield
    distributed.destroy_process_group()


@pytest.mark.usefixtures("group")
def test_synchronized_batch_statistics_are_torch_s_own() -> None:
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Conv2d(2, 3, 1), nn.Sequential(nn.BatchNorm2d(3)))
    shared = nn.Sequential(nn.Conv2d(2, 3, 1), nn.Sequential(nn.BatchNorm2d(3)))
    shared.load_state_dict(plain.state_dict())
    synchronize_batch_norm(shared)
    assert type(shared[1][0]) is not nn.BatchNorm2d
    for seed in (1, 2):
        x = torch.randn(4, 2, 5, 5, generator=torch.Generator().manual_seed(seed)) + 1
        y, z = plain(x), shared(x)
        assert torch.allclose(y, z, atol=1e-5)
        y.square().sin().sum().backward()
        z.square().sin().sum().backward()
    for (name, a), b in zip(plain.named_parameters(), shared.parameters(), strict=True):
        assert torch.allclose(a.grad, b.grad, atol=1e-3), name
    for name, value in plain.state_dict().items():
        assert torch.allclose(shared.state_dict()[name].float(), value.float(), atol=1e-5), name
    assert torch.allclose(plain.eval()(x), shared.eval()(x), atol=1e-5)


def test_alone_one_decides_for_oneself() -> None:
    fabric = make_fabric("cpu", "fp32")
    losses = {"a": torch.tensor(1.5), "b": torch.tensor(-2.0)}
    assert agree(fabric, losses, stop=True) == (losses, True)
    assert agree(fabric, losses, stop=False)[1] is False
    assert speaks()


def test_the_first_process_reports_and_the_others_leave_quietly() -> None:
    with pytest.raises(InputError), together(2, chief=True):
        raise InputError("no images")
    with pytest.raises(SystemExit, match="0"), together(2, chief=False):
        raise InputError("no images")


def test_a_lost_process_is_named_and_other_errors_are_not_touched() -> None:
    lost = "one of 2 processes was lost .*--resume"
    with pytest.raises(TrainingError, match=lost), together(2, chief=True):
        raise RuntimeError("[gloo/transport/tcp/pair.cc] Connection closed by peer")
    with pytest.raises(RuntimeError, match="size mismatch"), together(2, chief=True):
        raise RuntimeError("size mismatch")
    with pytest.raises(RuntimeError, match="Connection"), together(1, chief=True):
        raise RuntimeError("Connection closed by peer")


def test_a_data_set_stays_where_the_cpu_reads_it() -> None:
    values = torch.arange(6, dtype=torch.uint8).numpy()
    kept = store(values, torch.device("cpu"))
    values[0] = 9
    assert kept[0] == 9  # not a copy
