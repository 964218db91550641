"""Whether the code that named the person also pays the rest (一码付), and through which till.

Asked before anything is held: where nobody signed, or nobody says, the payer shows a wallet's own
code, as always. Nothing here moves money.
"""

from __future__ import annotations

from protocol import paycode
from protocol.scan import ScanRequest
from settlement.channels.port import OneCode
from settlement.channels.registry import Tills
from settlement.institution import Institution
from settlement.payments.pay_commands import Shown, Till
from settlement.payments.payment import ChannelName
from settlement.world import Suspensions


def shows_one_code(request: ScanRequest, institution: Institution, tills: Tills) -> bool:
    """Whether the code that was shown for paying is the 医保码 that names the person, at an
    institution where it may pay."""
    shown = request.pay_code.strip()
    opened = tills.place(institution.code, ChannelName.ONECODE) is not None
    is_same = shown == request.person_code.strip()
    return opened and is_same and paycode.read(shown).is_voucher


async def one_code_till(
    request: ScanRequest, institution: Institution, shown: Shown, tills: Tills,
    suspensions: Suspensions,
) -> Till | None:  # fmt: skip
    """The till where the holder's wallet pays; None where it does not."""
    scanned = paycode.read(request.person_code)
    place = tills.place(institution.code, ChannelName.ONECODE)
    if place is None or not scanned.is_voucher or shown.undecoded is not None:
        return None
    if request.tender is not None or ChannelName.ONECODE.value in suspensions.channels:
        return None
    merchant = tills.merchant(ChannelName.ONECODE, place.merchant_no)
    if not isinstance(merchant, OneCode) or not await merchant.wallet(scanned.code):
        return None
    return Till(
        channel=ChannelName.ONECODE, merchant_no=place.merchant_no, custody=place.custody,
        timers=merchant.timers, code_shown=scanned.masked, implied=not request.pay_code,
    )  # fmt: skip
