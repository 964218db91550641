"""RFC 6962 trees: known roots, every leaf provable, nothing else provable."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.proof import EMPTY_ROOT, inclusion, is_included, root

# The eight inputs of the tree that certificate transparency implementations test themselves with.
INPUTS = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657",
          "606162636465666768696a6b6c6d6e6f")  # fmt: skip
LEAVES = [sha256(b"\x00" + bytes.fromhex(text)).digest() for text in INPUTS]
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)


@pytest.mark.parametrize("count", range(1, 9))
def test_the_known_trees_have_the_known_roots(count: int) -> None:
    assert root(LEAVES[:count]).hex() == ROOTS[count - 1]


def test_the_empty_tree_is_the_hash_of_nothing() -> None:
    assert root([]) == EMPTY_ROOT == sha256().digest()


@given(st.integers(1, 70), st.data())
def test_every_leaf_and_only_that_leaf_is_provable(count: int, data: st.DataObject) -> None:
    leaves = [sha256(bytes([number])).digest() for number in range(count)]
    index = data.draw(st.integers(0, count - 1))
    path, top = inclusion(leaves, index), root(leaves)

    def proves(leaf: bytes, at: int, steps: tuple[bytes, ...]) -> bool:
        return is_included(leaf=leaf, index=at, count=count, path=steps, expected_root=top)

    assert proves(leaves[index], index, path)
    assert not proves(sha256(b"other").digest(), index, path)
    assert not proves(leaves[index], index, (*path, bytes(32)))
    assert not proves(leaves[index], count, path)
    if path:
        assert not proves(leaves[index], index, path[:-1])
        assert not proves(leaves[index], index ^ 1, path)


def test_an_index_outside_the_tree_is_a_mistake() -> None:
    with pytest.raises(IndexError):
        inclusion(LEAVES, 8)
