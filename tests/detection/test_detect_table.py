"""Tables of verdicts: whole, the same after a kill, and never of another command unawares."""

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from hostile import hostile_files, make_special, tar_with_traversal, zip_with_bomb
from parhelion.cli import main
from parhelion.detection import Detector, DetectSettings, Verdict, _verdict_table, detect
from parhelion.detection._journal import Journal, Record
from parhelion.detection._verdict_table import write_table
from parhelion.errors import InputError, SettingsError
from parhelion.provenance import read_mark

GOOD = 200


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A folder of 200 good images with the hostile ones amid them, and two hostile archives."""
    root = tmp_path_factory.mktemp("crowd")
    folder, bad = root / "folder", root / "folder" / "m"
    bad.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(GOOD):
        pixels = rng.integers(0, 255, (24, 24, 3), np.uint8)
        # Half of them before and half behind the hostile ones.
        name = f"{'a' if number < GOOD // 2 else 'z'}{number:03d}.jpg"
        Image.fromarray(pixels).save(folder / name, quality=90)
    for name, (data, _) in hostile_files().items():
        (bad / name).write_bytes(data)
    make_special(bad)
    tar_with_traversal(root / "a.tar")
    zip_with_bomb(root / "b.zip")
    return [folder, root / "a.tar", root / "b.zip"]


def settings_for(out: Path, **others: object) -> DetectSettings:
    values = {"out": out, "device": "cpu", "workers": 2, "pixel_limit": 10**6, **others}
    return DetectSettings(**values)  # type: ignore[arg-type]


def test_a_killed_run_goes_on_to_the_same_table(
    crowd: list[Path], run: Path, detector: Detector, tmp_path: Path
) -> None:
    whole, killed = tmp_path / "whole.parquet", tmp_path / "killed.parquet"
    undisturbed = list(detect(crowd, detector, settings_for(whole)))
    rows = pq.read_table(whole).to_pylist()
    assert [Verdict(**row) for row in rows] == undisturbed
    bad = [item for item in undisturbed if "/m/" in item.path]
    assert len(undisturbed) - len(bad) == GOOD + 5 + 4
    assert len(bad) == len(list((crowd[0] / "m").iterdir()))
    assert all(item.note for item in undisturbed if item.probability_made is None)
    unreadable = [item for item in undisturbed if not item.readable]
    assert {item.verdict for item in unreadable} == {"cannot tell"}
    assert len(unreadable) > 20

    command = [sys.executable, "-m", "parhelion", "detect", *map(str, crowd)]
    command += ["--model", str(run), "--out", str(killed), "--device", "cpu", "--workers", "1"]
    command += ["--pixel-limit", "1000000", "--batch", "4", "--precision", "fp32"]
    journal = tmp_path / "killed.parquet.unfinished"
    with subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"}) as process:
        while process.poll() is None:
            if journal.exists() and journal.stat().st_size > 9000:
                process.send_signal(signal.SIGKILL)
                break
            time.sleep(0.02)
    assert process.returncode == -signal.SIGKILL
    assert not killed.exists()
    done = journal.read_bytes().count(b"\n") - 1
    assert 30 <= done < len(undisturbed)

    again = list(detect(crowd, detector, settings_for(killed)))
    assert again == undisturbed
    assert killed.read_bytes() == whole.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["killed.parquet", "whole.parquet"]


def test_every_place_to_stop_gives_the_same_table(
    crowd: list[Path], detector: Detector, tmp_path: Path
) -> None:
    # A file of its own, an archive, and the file again.
    sources = [crowd[0] / "a000.jpg", crowd[1], crowd[0] / "a000.jpg"]
    whole = tmp_path / "whole.jsonl"
    undisturbed = list(detect(sources, detector, settings_for(whole)))
    lines = [json.loads(line) for line in whole.read_text().splitlines()]
    assert lines == [dataclasses.asdict(verdict) for verdict in undisturbed]
    for stop in range(len(undisturbed)):
        out = tmp_path / f"{stop}.jsonl"
        begun = detect(sources, detector, settings_for(out))
        assert list(islice(begun, stop)) == undisturbed[:stop]
        begun.close()  # type: ignore[attr-defined]
        with out.with_name(f"{out.name}.unfinished").open("ab") as journal:
            journal.write(b'["torn')
        assert list(detect(sources, detector, settings_for(out))) == undisturbed
        assert out.read_bytes() == whole.read_bytes()


def test_the_table_says_what_gave_it(crowd: list[Path], detector: Detector, tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    list(detect(crowd[1], detector, settings_for(out)))
    mark = read_mark(out)
    assert mark is not None
    assert not mark.made
    assert mark.recipe is not None
    assert mark.recipe["operation"] == "detect"
    assert mark.recipe["model"] == detector.card["model_id"]


def test_a_table_that_is_there_is_kept(
    crowd: list[Path], detector: Detector, tmp_path: Path
) -> None:
    out = tmp_path / "out.parquet"
    out.write_bytes(b"precious")
    with pytest.raises(InputError, match="is there already"):
        detect(crowd[1], detector, settings_for(out))
    assert out.read_bytes() == b"precious"
    list(detect(crowd[1], detector, settings_for(out, overwrite=True)))
    assert pq.read_table(out).num_rows == 5


def test_another_command_is_refused_by_name(
    crowd: list[Path], detector: Detector, tmp_path: Path
) -> None:
    out = tmp_path / "out.parquet"
    next(detect(crowd[1], detector, settings_for(out)))
    with pytest.raises(InputError, match=r"another list of sources \(.*a\.tar, now .*b\.zip\)"):
        detect(crowd[2], detector, settings_for(out))
    with pytest.raises(InputError, match=r"another --smallest \(16, now 8\)"):
        detect(crowd[1], detector, settings_for(out, smallest=8))
    card = {**detector.card, "model_id": "other"}
    other = Detector(detector.network, detector.domain, card, detector.device, 4)
    with pytest.raises(InputError, match=r"another model \(\w+, now other\)"):
        detect(crowd[1], other, settings_for(out))
    (tmp_path / "out.parquet.unfinished").write_bytes(b"[1]\n")
    with pytest.raises(InputError, match="damaged in its first line"):
        detect(crowd[1], detector, settings_for(out))
    assert len(list(detect(crowd[1], detector, settings_for(out, overwrite=True)))) == 5


def _touch(folder: Path) -> None:
    os.utime(folder / "a001.jpg", (1, 1))


def _insert(folder: Path) -> None:
    shutil.copy(folder / "a001.jpg", folder / "a001b.jpg")


def _remove(folder: Path) -> None:
    for number in range(1, 5):
        (folder / f"a00{number}.jpg").unlink()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_touch, r"a001\.jpg has changed since"),
        (_insert, r"a001b\.jpg is where .*a002\.jpg was since"),
        (_remove, r"a001\.jpg is gone since"),
    ],
)
def test_changed_files_are_noticed(
    change: Callable[[Path], None],
    message: str,
    crowd: list[Path],
    detector: Detector,
    tmp_path: Path,
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for number in range(5):
        shutil.copy(crowd[0] / f"a{number:03d}.jpg", folder)
    settings = settings_for(tmp_path / "out.parquet")
    begun = detect(folder, detector, settings)
    list(islice(begun, 4))
    begun.close()  # type: ignore[attr-defined]
    change(folder)
    with pytest.raises(InputError, match=message):
        list(detect(folder, detector, settings))


def test_the_table_may_lie_among_the_images(
    crowd: list[Path], detector: Detector, tmp_path: Path
) -> None:
    for number in range(3):
        shutil.copy(crowd[0] / f"a{number:03d}.jpg", tmp_path)
    settings = settings_for(tmp_path / "a001.parquet")
    begun = detect(tmp_path, detector, settings)
    first = next(begun)
    begun.close()  # type: ignore[attr-defined]
    verdicts = list(detect(tmp_path, detector, settings))
    assert verdicts[0] == first
    assert [Path(item.path).name for item in verdicts] == ["a000.jpg", "a001.jpg", "a002.jpg"]
    with pytest.raises(InputError, match=r"--explain .* lies inside the source"):
        detect(tmp_path, detector, DetectSettings(explain=tmp_path / "why"))


def _interrupted(real: Callable[[Journal, Record], None]) -> Callable[[Journal, Record], None]:
    def append(self: Journal, record: Record) -> None:
        real(self, record)
        if record.path.endswith("fine.png"):
            raise KeyboardInterrupt

    return append


def test_an_interrupted_run_says_how_to_go_on(
    crowd: list[Path],
    run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    command = ["detect", str(crowd[1]), "--model", str(run), "--device", "cpu"]
    command += ["--out", str(tmp_path / "out.jsonl")]
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "append", _interrupted(Journal.append))
        assert main(command) == 1
    assert "interrupted after 2 images; the same command goes on" in capsys.readouterr().err
    assert main(command) == 0
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == 5


def test_a_table_is_replaced_when_the_new_one_is_whole(
    crowd: list[Path],
    run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out.jsonl"
    out.write_text("precious")
    command = ["detect", str(crowd[1]), "--model", str(run), "--device", "cpu", "--out", str(out)]
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "append", _interrupted(Journal.append))
        assert main([*command, "--overwrite"]) == 1
    told = capsys.readouterr().err
    assert "after 2 images; the same command without --overwrite goes on" in told
    assert out.read_text() == "precious"
    journal = Journal.records
    found: list[int] = []
    monkeypatch.setattr(Journal, "records", lambda self: found.append(self.count) or journal(self))
    assert main(command) == 0
    assert found[0] == 3  # files that were not looked at again
    assert len(out.read_text().splitlines()) == 5
    assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl"]


def test_the_suffix_says_the_format(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"--out \(=.*table\.txt\) must end in"):
        DetectSettings(out=tmp_path / "table.txt")


def test_large_tables_are_written_in_groups(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_verdict_table, "_GROUP", 10)
    verdicts = (Verdict(f"{n}.png", n / 25, "made", "", None, n + 0.5, 8, 9) for n in range(25))
    write_table(tmp_path / "many.parquet", verdicts, {})
    file = pq.ParquetFile(tmp_path / "many.parquet")
    assert (file.metadata.num_rows, file.num_row_groups) == (25, 3)
    assert file.read().column("logit").to_pylist() == [n + 0.5 for n in range(25)]


def test_a_journal_gives_back_what_it_was_given(tmp_path: Path) -> None:
    table = tmp_path / "t.parquet"
    verdict = Verdict("é\n.png", 0.1 + 0.2, "made", "", "page1", 1e-300, 5, 6)
    record = Record(verdict.path, [3, 4], [verdict, dataclasses.replace(verdict, part="page2")])
    with Journal(table, {"model": "a"}) as journal:
        journal.append(record)
    again = Journal(table, {"model": "a"})
    assert again.count == 1
    assert list(again.records()) == [record]
    assert list(again.verdicts()) == list(record.verdicts)
    again.remove()
    assert list(tmp_path.iterdir()) == []


def test_the_command_line_counts_and_names(
    crowd: list[Path], run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "out.parquet")
    command = ["detect", str(crowd[1]), "--model", str(run), "--device", "cpu"]
    assert main([*command, "--out", out]) == 0
    captured = capsys.readouterr()
    (line,) = captured.out.splitlines()
    assert "unreadable" in line
    assert line.endswith("a.tar/link.png  (a link in an archive is not followed)")
    assert captured.err.startswith("5 images: ")
    assert captured.err.endswith(f"1 unreadable; {out} is written\n")
    assert main([*command, "--out", out]) == 2
    assert "is there already" in capsys.readouterr().err
    assert main([*command, "--json"]) == 0
    lines = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    assert [line["width"] for line in lines] == [48] * 4 + [None]
