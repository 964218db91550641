"""How much a city, a province and the country settle, and of what: data, with where it is from."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

DAYS = 30
"""Of a month that is played."""


class Kind(StrEnum):
    """What somebody comes for."""

    PHARMACY = "pharmacy"
    """药店购药: 2102, three lines"""
    OUTPATIENT = "outpatient"
    """门诊: 1101, 2201, 2203, 2204 with eight lines, 2206, 2207"""
    SCAN = "scan"
    """扫码付: POST /pay/scan, the rest from a wallet"""
    INPATIENT = "inpatient"
    """住院: 2401, 2301 day by day, 2402, 2303, 2304"""
    PHONE = "phone"
    """移动支付: 6201 with eight lines, 6202; the hospital collects the rest"""
    AWAY = "away"
    """异地: a visit of somebody insured in another region; where there is no other region, somebody
    else comes instead"""


class Period(StrEnum):
    """What is played."""

    MONTH = "month"
    DAY = "day"
    """an ordinary Tuesday"""
    HOUR = "hour"
    """the fullest hour of that day"""


class Season(StrEnum):
    """Of the year."""

    ORDINARY = "ordinary"
    FLU = "flu"


class Pace(StrEnum):
    """How the hours of a period share the time that it is played in."""

    LIFE = "life"
    """each hour as long as the others, as in life: nights are idle, mornings are full"""
    EVEN = "even"
    """each hour as long as it has work for: the same rate all the time, what people come for
    still follows the hours"""


class Preset(Struct, frozen=True, kw_only=True):
    """A population at work."""

    name: str
    chinese: str
    settlements_a_month: int
    period: Period
    """what is played where nothing else is asked for"""
    source: str


class UnknownPresetError(ValueError):
    """There is no preset of this name; the text names those that are."""


PRESETS = (
    Preset(
        name="dongguan", chinese="一个城市（东莞）", settlements_a_month=1_530_000,
        period=Period.MONTH, source="1.53 million settlements a month, as the city has published",
    ),
    Preset(
        name="guangdong", chinese="一个省（广东）", settlements_a_month=75_900_000,
        period=Period.DAY,
        source="the country's rate for 127 of its 1,405 million people: higher than Dongguan's "
               "rate for them, and so on the safe side",
    ),
    Preset(
        name="nation", chinese="全国", settlements_a_month=28_000_000 * DAYS,
        period=Period.HOUR, source="28 million settlements a day",
    ),
)  # fmt: skip

MIX: Mapping[Kind, int] = {
    Kind.PHARMACY: 4_300,
    Kind.OUTPATIENT: 3_000,
    Kind.SCAN: 2_100,
    Kind.INPATIENT: 300,
    Kind.PHONE: 200,
    Kind.AWAY: 100,
}
"""Of ten thousand settlements. Scanned payments: the city's platform is used eight million times a
year; about half of these are taken to pay for a settlement, that is a fifth of all. The rest are
assumptions."""

CANCELS_BP, DUPLICATES_BP, TIMEOUTS_BP = 200, 100, 10
"""Of settlements: taken back, sent twice, and those whose connection is lost before the answer."""


def preset_named(name: str) -> Preset:
    """Raises UnknownPresetError."""
    for one in PRESETS:
        if one.name == name:
            return one
    raise UnknownPresetError(
        f"there is no preset {name!r}; there are {', '.join(one.name for one in PRESETS)}"
    )
