"""When each channel is asked again and when an attempt is given up, by what its owner advises.

Data: what a merchant has unless its configuration says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping

from settlement.payments.payment import ChannelName, Timers

PHONE_TIMERS = Timers(
    query_after=(5.0, 5.0, 10.0),
    payer_query_after=(5.0, 5.0, 10.0, 20.0),
    undo_after=30.0,
    payer_undo_after=300.0,
)
"""Of a payment on the payer's phone, at every channel. They notify; the queries are for where they
do not. The last figure is only what an order has at the most: payments/payment_states.py ends it
sooner."""
TIMERS: Mapping[ChannelName, Timers] = {
    ChannelName.WECHAT: Timers(
        query_after=(5.0, 5.0, 10.0), payer_query_after=(5.0, 5.0, 10.0),
        undo_after=30.0, payer_undo_after=45.0, undo_not_before=15.0,
    ),
    ChannelName.ALIPAY: Timers(
        query_after=(5.0, 3.0, 5.0), payer_query_after=(5.0, 5.0),
        undo_after=30.0, payer_undo_after=60.0,
    ),
    ChannelName.UNIONPAY: Timers(
        query_after=(1.0, 2.0, 4.0, 8.0, 16.0, 32.0),
        payer_query_after=(1.0, 2.0, 4.0, 8.0, 16.0, 32.0),
        undo_after=40.0, payer_undo_after=40.0,
    ),
    # Nobody published any for one-code payment: careful ones, so that a verdict is there in time.
    ChannelName.ONECODE: Timers(
        query_after=(3.0, 3.0, 5.0), payer_query_after=(5.0, 5.0, 10.0),
        undo_after=30.0, payer_undo_after=45.0,
    ),
}  # fmt: skip
