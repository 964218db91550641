"""The institutions' HTTP interface: who calls, how bytes become requests, what HTTP says back."""
