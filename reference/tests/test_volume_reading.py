"""Images on several volumes are read as if they had one (chapter 35)."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.cutting import cut, store
from support.images import encode
from support.strategies import trees
from test_round_trip import check_same

from darimage.image.reader import Image
from darimage.volumes.cut import Cut

RELAXED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
RECORD = 1024
CAPACITIES = st.sampled_from([10, 20, 30, 40, 70, 150, 400])


@RELAXED
@given(trees(), CAPACITIES, st.booleans())
def test_a_tree_comes_back_from_volumes(tree, capacity, sequential):
    volumes = cut(encode(tree), capacity)
    with Image.open(b"".join(volumes), sequential=sequential) as image:
        assert image.access == ("sequential" if sequential else "direct")
        assert image.volume.cut == Cut(capacity)
        check_same(image, tree)


@RELAXED
@given(trees(), CAPACITIES)
def test_a_set_of_files_is_found_by_its_first(tmp_path_factory, tree, capacity):
    folder = tmp_path_factory.mktemp("set")
    paths = store(cut(encode(tree), capacity), folder / "set")
    for name in (paths[0], folder / "set", paths[-1], paths):
        with Image.open(name) as image:
            check_same(image, tree)
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
