"""How long orders of mobile payment are waited for.

Data: what a region has unless its practice says otherwise. An authorisation of the payer lives
minutes, so a hold need not outlive it for long; meanwhile the person settles nothing else.
"""

from __future__ import annotations

SAVED_SECONDS = 24 * 3600.0
"""From the upload until an order that was never placed ends."""
HOLD_SECONDS = 600.0
"""From the hold until it is void: the payer confirms in the wallet."""
REVERSAL_SECONDS = 3600.0
"""How long revsToken is good for (6301, 6302)."""
