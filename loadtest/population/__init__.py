"""The people, institutions and catalogue of the demonstration region: pure, and made from a seed.

Everything is a function of a seed and an ordinal, so the ten-thousandth person can be had without
the others, and two programs that name the same seed speak of the same people. All of it is visibly
synthetic: names begin with 测试, identity numbers lie in region 999999, which is nobody's, and
institution codes carry a 99 where real ones count. Nothing here knows a database, a key or a clock.
"""

from loadtest.population.institutions import (
    Credential,
    make_credential,
    make_institution,
    make_institutions,
)
from loadtest.population.items import DemoItem, make_item, make_items
from loadtest.population.persons import InsuredPerson, card_of, make_person, make_persons

__all__ = [
    "Credential",
    "DemoItem",
    "InsuredPerson",
    "card_of",
    "make_credential",
    "make_institution",
    "make_institutions",
    "make_item",
    "make_items",
    "make_person",
    "make_persons",
]
