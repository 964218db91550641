"""People from elsewhere: a settlement that is on the books of a town, as of somebody insured in
another region.

The row beside the settlement is put there by hand, as whoever settles with another region will
write it; the settlement itself is a real one.
"""

from __future__ import annotations

from itertools import count

from settlement.storage.cross_city import certificate_record
from tests.kit.population import REGION
from tests.kit.reply import Reply
from tests.kit.townhall import Townhall

GUANGZHOU, CHANGSHA, SAME_CITY = "440100", "430100", "441999"
CERTIFICATE = "999999198001019999"
_NUMBERS = count(1)

Listed = dict[str, object]
"""A row of 3260."""


async def insured_elsewhere(
    town: Townhall, settled: Reply, *, region: str = GUANGZHOU, paid_in_advance: bool = False,
    number: int | None = None,
) -> Listed:  # fmt: skip
    """The person of a settlement or a cancel is from another region. The row of 3260 for it, but
    for its number. `number`, where it must be the same each time, is the case's in that region."""
    setl_id = int(settled.setl_id)
    row = await town.owner.fetchrow(
        "select t.lane, t.institution, t.setl_time + interval '8 hours' as local_at,"
        " t.total_fen, t.fund_fen + t.account_fen as agency_fen"
        " from settlement.settlement t where t.setl_id = $1",
        setl_id,
    )
    assert row is not None
    lane, at = row["lane"], row["local_at"]
    serial = f"{region}{at:%y%m%d}{number or next(_NUMBERS):07d}"
    sealed = town.keyring.seal(CERTIFICATE.encode(), certificate_record(lane, setl_id))
    await town.owner.execute(
        "insert into settlement.insured_elsewhere (setl_id, setl_on, lane, paid_in_advance,"
        " institution, insured_region, visit_no, settlement_no, certificate)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        setl_id, at.date(), lane, paid_in_advance, row["institution"], region, f"S{serial}",
        f"A{serial}", town.keyring.version.to_bytes(2, "big") + sealed,
    )  # fmt: skip
    return {
        "mdtrtarea": REGION,
        "medins_no": row["institution"],
        "certno": CERTIFICATE,
        "mdtrt_id": f"S{serial}",
        "mdtrt_setl_time": f"{at:%Y-%m-%d %H:%M:%S}",
        "setl_sn": f"A{serial}",
        "fulamt_advpay_flag": "1" if paid_in_advance else "0",
        "medfee_sumamt": settled.money("medfee_sumamt"),
        "optins_pay_sumamt": settled.money("fund_pay_sumamt") + settled.money("acct_pay"),
    }
