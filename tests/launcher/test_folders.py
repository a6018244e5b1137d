"""Where a home's data goes, above all when we are root."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path

import pytest

from plugin_server.launcher.binaries import programs_copied_to, programs_in_wheels
from plugin_server.launcher.errors import HomeUnusable
from plugin_server.launcher.folders import OUTSIDE, ServiceFolder, discard, open_home
from tests.launcher.conftest import as_root


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@as_root
def test_in_a_closed_place_the_data_go_elsewhere_and_no_door_is_opened(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    home = open_home(tmp_path / "home")
    folder = ServiceFolder.of(home)
    assert folder.path.parent == OUTSIDE
    assert (home / "services").readlink() == folder.path
    assert (mode(tmp_path), mode(home)) == (0o700, 0o700)
    discard(home)
    assert not folder.path.exists()


@as_root
def test_in_an_open_place_the_data_stay_in_the_home(open_folder: Path) -> None:
    home = open_home(open_folder / "home")
    assert ServiceFolder.of(home).path == home / "services"
    assert (mode(open_folder), mode(home)) == (0o755, 0o711)


def test_a_home_that_exists_keeps_its_permissions(open_folder: Path) -> None:
    home = open_folder / "home"
    home.mkdir(mode=0o750)
    ServiceFolder.of(open_home(home))
    assert mode(home) == 0o750
    discard(home)


@as_root
def test_a_moved_home_takes_its_data_along(make_home: Callable[[str], Path], tmp_path: Path) -> None:
    home = make_home("home")
    folder = ServiceFolder.of(home)
    moved = home.rename(tmp_path / "moved")
    assert ServiceFolder.of(moved) == folder
    discard(moved)


@as_root
def test_a_copied_home_does_not_share_the_data_of_the_first(home: Path, tmp_path: Path) -> None:
    folder = ServiceFolder.of(home)
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "services").symlink_to(folder.path)
    with pytest.raises(HomeUnusable, match=f"{copy} is a copy of {home} and has no database of its own"):
        ServiceFolder.of(copy)


@as_root
def test_data_that_are_gone_are_not_silently_begun_anew(home: Path) -> None:
    folder = ServiceFolder.of(home)
    folder.path.rename(folder.path.with_suffix(".away"))
    with pytest.raises(HomeUnusable, match=f"was kept in {folder.path}, which is gone"):
        ServiceFolder.of(home)
    folder.path.with_suffix(".away").rename(folder.path)


@as_root
def test_a_door_closed_later_is_named(open_folder: Path) -> None:
    home = open_home(open_folder / "home")
    ServiceFolder.of(home)
    open_folder.chmod(0o700)
    with pytest.raises(HomeUnusable, match=r"user “nobody”, who can no longer get there"):
        ServiceFolder.of(home)


def test_a_file_is_no_home(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(HomeUnusable, match=r"is not a folder you may write to\. Choose another with --home\."):
        open_home(tmp_path / "home")


def test_a_home_below_a_file_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HomeUnusable, match=r"cannot be used: it lies below a file\. Choose another with --home\."):
        open_home(tmp_path / "file" / "home")


def test_programs_can_be_run_by_every_user_however_strict_our_umask(open_folder: Path) -> None:
    before = os.umask(0o077)
    try:
        home = open_home(open_folder / "home")
        programs = ServiceFolder.of(home).programs()
    finally:
        os.umask(before)
    if os.geteuid() == 0:
        assert [mode(path) for path in (programs.postgres, programs.initdb, programs.valkey)] == [0o755] * 3
        assert all(mode(folder) & 0o001 for folder in programs.postgres.parents)
    assert programs.valkey.exists()


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="no second file system to try")
def test_programs_are_copied_where_they_cannot_be_linked() -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        programs = programs_copied_to(Path(folder) / "programs")
        for copy, original in zip(astuple(programs), astuple(programs_in_wheels()), strict=True):
            assert copy.read_bytes() == original.read_bytes()
            assert mode(copy) == 0o755


def test_two_folders_have_two_marks(make_home: Callable[[str], Path]) -> None:
    one, two = ServiceFolder.of(make_home("one")), ServiceFolder.of(make_home("two"))
    assert one.mark != two.mark
