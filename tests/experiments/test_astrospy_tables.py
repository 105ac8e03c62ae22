"""The rows of AstroSpy's tables: the paper's settings, one thing changed at a time."""

import dataclasses

import torch

from parhelion.detection._model import build
from parhelion.experiments._astrospy_tables import ORDER, SCALES, Row, tables

PAPER = tables(SCALES["paper"])


def _changed(row: Row, base: Row) -> set[str]:
    return {
        field.name
        for field in dataclasses.fields(row.settings)
        if getattr(row.settings, field.name) != getattr(base.settings, field.name)
    }


def _row(number: str, name: str) -> Row:
    (row,) = [row for row in PAPER[number] if row.name == name]
    return row


def test_the_paper_s_settings_are_the_published_ones() -> None:
    joint = _row("1", "joint, addition").settings
    assert (joint.backbone, joint.image_size, joint.batch) == ("resnet50", 224, 32)
    assert (joint.learning_rate, joint.patience, joint.fusion) == (2e-5, 5, "add")
    assert SCALES["paper"].passes == 25
    assert set(SCALES["paper"].most.values()) == {None}  # every image
    assert not SCALES["paper"].one_seed


def test_the_paper_s_figures_stand_beside() -> None:
    figures = {number: [row.paper for row in rows] for number, rows in PAPER.items()}
    assert figures["1"] == [0.69, 0.89, 0.94, 0.98, None]
    assert figures["2"] == [0.82, 0.96, 0.98]
    assert figures["3"] == [0.88, 0.93, 0.89, 0.91, 0.94, 0.89, 0.98]


def test_a_row_differs_from_its_neighbor_in_what_it_is_named_for() -> None:
    joint = _row("1", "joint, addition")
    augmented = _row("1", "image + augmentation")
    assert _changed(augmented, joint) == {"paths"}
    assert _changed(_row("1", "joint, concatenation"), joint) == {"fusion"}
    changes = {"horizontal_flip", "vertical_flip", "rotation", "color_jitter", "blur"}
    assert _changed(_row("1", "image only"), augmented) == changes
    assert _changed(_row("1", "Fourier only"), _row("1", "image only")) == {"paths"}
    none = _row("3", "none")
    alone = [_changed(row, none) for row in PAPER["3"][1:-1]]
    assert all(len(change) == 1 for change in alone)
    assert set.union(*alone) == changes
    assert [row.settings.backbone for row in PAPER["2"]] == ["cnn", "densenet121", "resnet50"]


def test_one_configuration_is_trained_once_whatever_tables_it_is_in() -> None:
    for scale in SCALES.values():
        rows = [row for table in tables(scale).values() for row in table]
        by_run: dict[str, Row] = {}
        for row in rows:
            assert by_run.setdefault(row.run, row).settings == row.settings
    runs = [row.run for row in PAPER["2"]]
    assert runs == ["joint-cnn", "joint-densenet121", "joint-add"]  # ResNet-50 is the trunk
    assert PAPER["3"][-1].run == "joint-add"


def test_the_order_is_asked_of_rows_that_are_there() -> None:
    names = {row.name for row in PAPER["1"]}
    assert all(set(pair) <= names for pair in ORDER.values())


def test_the_small_scale_has_the_named_backbones_and_a_smaller_trunk() -> None:
    small = tables(SCALES["small"])
    assert small["1"][3].settings.backbone == "resnet18"
    assert small["1"][3].settings.image_size == 96
    assert [row.settings.backbone for row in small["2"]] == ["cnn", "densenet121", "resnet50"]


def test_the_published_network_works_at_its_own_size() -> None:
    network = build(_row("1", "joint, addition").settings).eval()
    with torch.inference_mode():
        assert network(torch.zeros(1, 3, 224, 224)).shape == (1,)
    assert network.head.in_features == 2048
