"""The names of shards: of their own URL alone, short, safe, without secrets."""

import re

from hypothesis import given
from hypothesis import strategies as st

from transforms.shards.naming import SHARDS, name_of, stem_of

SIGNED = "https://host/in/a.tar?X-Amz-Signature={0}&X-Amz-Date={0}&versionId=3"
SAS = "https://account/in/a.tar?sv={0}&sr=b&sig={0}&se={0}"


@given(st.text())
def test_any_path_gives_a_short_safe_name_that_holds_its_stem(path: str) -> None:
    name = name_of(f"/{path}.tar")
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*--[0-9a-f]{12}", name)
    assert len(f".{name}.part1234.parquet.{'0' * 32}.tmp") <= 120
    assert stem_of(name) == name[:-14]
    assert stem_of(stem_of(name)) == stem_of(name)


def test_paths_that_once_shared_a_name_or_hid_have_their_own() -> None:
    paths = [
        "/x/tokens=77/p/a.tar",
        "/x/tokens=77/q/a.tar",
        "/x/tokens=78/p/a.tar",
        "/x/p/a.tar",
        "/x/p/a.tar.gz",
        "/x/p__a.tar",
        f"/{'deep/' * 60}a.tar",
        "/x/.a.tar",
    ]
    names = {name_of(path) for path in paths}
    assert len(names) == len(paths)
    assert not any(name.startswith(".") for name in names)
    assert "77" not in "".join(name.partition("--")[0] for name in names)


def test_one_file_has_one_name_however_it_is_signed_and_spelled() -> None:
    for url in (SIGNED, SAS):
        assert name_of(url.format("t0k3n")) == name_of(url.format("other"))
    assert name_of(SIGNED) != name_of(SIGNED.replace("versionId=3", "versionId=4"))
    assert name_of("https://me:pw@HOST:443/a.tar") == name_of("https://host/a.tar")
    assert name_of("/x//./a.tar") == name_of("/x/a.tar")
    assert name_of("s3://b//a.tar") != name_of("s3://b/a.tar")
    assert name_of("https://host/get.tar?id=1") != name_of("https://host/get.tar?id=2")
    assert SHARDS.names(SIGNED)
    assert not SHARDS.names("/local/a.tar?X=1")


@given(st.lists(st.from_regex(r"[a-b_.-]{1,6}", fullmatch=True), min_size=2, max_size=6))
def test_shards_of_other_stems_keep_their_order_wherever_they_lie(files: list[str]) -> None:
    def order(folder: str) -> list[str]:
        names = {name_of(f"{folder}/{file}.tar") for file in files}
        return [stem_of(name) for name in sorted(names)]

    assert order("/here") == order("s3://there/of/all")
    assert order("/here") == sorted(order("/here"))
