"""Keys for ids: one id has one hash, another key another one, and a file that is no sound key is refused."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.identity.resolving import KnownIds
from kb.errors import UsageError
from kb.privacy.id_key import HASHED, IdKey, make_key, read_key, tag_of

KEY, OTHER = IdKey(b"k" * 40), IdKey(b"o" * 40)
NAMES = st.text(st.characters(blacklist_characters="/", blacklist_categories=["Cs"]), min_size=1, max_size=12)
PATHS = st.lists(NAMES.filter(lambda part: part.strip(".")), min_size=1, max_size=4).map("/".join)


class TestAHash:
    @given(PATHS, PATHS)
    def test_is_the_same_for_the_same_id_alone(self, one: str, other: str) -> None:
        assert KEY.hash(one) == KEY.hash(str(one))
        assert (KEY.hash(one) == KEY.hash(other)) == (one == other) or one.lower() == other.lower()
        assert KEY.hash(one) != OTHER.hash(one)

    @given(PATHS)
    def test_of_a_hash_is_that_hash(self, one: str) -> None:
        assert KEY.hash(KEY.hash(one)) == KEY.hash(one)

    @given(PATHS)
    def test_says_which_key_made_it(self, one: str) -> None:
        assert tag_of(KEY.hash(one)) == KEY.tag != OTHER.tag
        assert all(HASHED.match(part) for part in KEY.hash(one).split("/"))

    def test_of_a_plain_id_there_is_no_tag(self) -> None:
        assert [tag_of(one) for one in ("hid-7", "p10/hid-7", "any-thing", "50414267")] == [None] * 4

    def test_keeps_folders_and_endings_and_says_nothing_else(self) -> None:
        folder, name = KEY.hash("p10/a.dcm.PNG").split("/")
        assert (KEY.hash("p10"), KEY.hash("a") + ".dcm.png") == (folder, name)

    @pytest.mark.parametrize(
        ("known", "asked"),
        [
            ("files/p10/p10000032/s50414267/02aa.jpg", "02aa"),
            ("train/patient00001/study1/view1_frontal.jpg", "patient00001/study1/view1_frontal"),
            ("images/1_IM-0001-4001.dcm.png", "1_IM-0001-4001.dcm"),
        ],
    )
    def test_is_found_by_the_spellings_that_the_plain_id_is_found_by(self, known: str, asked: str) -> None:
        plain, hashed = KnownIds([known]).find(asked), KnownIds([KEY.hash(known)]).find(KEY.hash(asked))
        assert isinstance(plain, tuple) and isinstance(hashed, tuple)
        assert hashed == (KEY.hash(plain[0]), plain[1])

    def test_of_a_name_that_many_patients_have_names_nothing_on_its_own(self) -> None:
        known = "patient00001/study1/view1_frontal.jpg"
        assert KnownIds([known]).find("view1_frontal.jpg") is None
        assert KnownIds([KEY.hash(known)]).find(KEY.hash("view1_frontal.jpg")) is None


class TestAPosition:
    @pytest.mark.parametrize("place", ["row 17 (line 19)", "line 3", "entry 2, entry 4", "message 1, order 2"])
    def test_in_a_file_stays(self, place: str) -> None:
        assert KEY.position(place) == place
        assert KEY.position(f"wards/smith 12: {place}") == f"{KEY.hash('wards/smith 12')}: {place}"

    @pytest.mark.parametrize("name", ["p10/s5.txt", "row 17 of smith", "smith, row 17.txt"])
    def test_that_is_a_file_is_hashed(self, name: str) -> None:
        assert KEY.position(name) == KEY.hash(name)


def test_a_reason_keeps_names_of_columns_and_nothing_else_that_it_quotes() -> None:
    told = KEY.reason("column 'age' holds 'Smith 12', not an id")
    assert told == f"column 'age' holds '{KEY.hash('Smith 12')}', not an id"


class TestAKeyFile:
    def test_is_its_owners_alone_and_never_replaced(self, tmp_path: Path) -> None:
        key = make_key(tmp_path / "key")
        assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
        assert read_key(tmp_path / "key") == key
        with pytest.raises(UsageError, match="never replaced"):
            make_key(tmp_path / "key")
        assert read_key(tmp_path / "key") == key

    def test_keys_are_never_the_same(self, tmp_path: Path) -> None:
        assert make_key(tmp_path / "one") != make_key(tmp_path / "two")

    def test_does_not_show_in_what_is_printed_of_it(self) -> None:
        assert "kkk" not in repr(KEY)

    @pytest.mark.skipif(os.name != "posix", reason="modes of files are of posix")
    @pytest.mark.parametrize("mode", [0o644, 0o640, 0o620, 0o604])
    def test_that_others_can_read_or_change_is_refused(self, tmp_path: Path, mode: int) -> None:
        make_key(tmp_path / "key")
        (tmp_path / "key").chmod(mode)
        with pytest.raises(UsageError, match="chmod 600"):
            read_key(tmp_path / "key")

    @pytest.mark.parametrize(("text", "why"), [("short", "5 letters"), ("x" * 5_000, "no key"), ("  \n", "0 letters")])
    def test_that_is_no_key_is_refused(self, tmp_path: Path, text: str, why: str) -> None:
        (tmp_path / "key").write_text(text, encoding="utf-8")
        (tmp_path / "key").chmod(0o600)
        with pytest.raises(UsageError, match=why):
            read_key(tmp_path / "key")

    def test_of_one_line_is_told_to_who_asks_for_it(
        self, cli: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
    ) -> None:
        done = cli("hash-id", "nokey", "p10000032", code=2)
        assert done.stderr == "error: there is no key file nokey: `clear-kb make-key FILE` makes one\n"
        cli("make-key", "key")
        assert "never replaced" in cli("make-key", "key", code=2).stderr
        printed = cli("hash-id", "key", "p10000032", "--format", "csv").stdout.split()
        assert printed[1] == f"p10000032,{read_key(tmp_path / 'key').hash('10000032')}", "in its normal form"
