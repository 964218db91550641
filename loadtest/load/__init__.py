"""A city, a province or the country at work against a server, by the clock and in fast motion.

**What a day looks like.** Institutions are of very different sizes: a few large hospitals see most
patients, many pharmacies sell a little each (Zipf's law, flatter for pharmacies). Outpatients come
in the morning, with a second, lower hill after lunch; pharmacies and scanned payments have a hill
in the late morning and a higher one after work; wards discharge before noon; people pay on the
phone in the evening. At night almost nobody does anything. Mondays are the fullest, Sundays the
emptiest; in the last three days of a month wards discharge and settle more than usual. In a flu
season half as many outpatients come again, and pharmacies sell a quarter more.

**What people do there.** Shares are of settlements, and are assumptions of ours (`presets.MIX`):
pharmacy sales of three lines; outpatient visits of six messages and eight lines; stays of several
days, each day with its eight lines; and sales paid by scanning a wallet's code. People who are
insured elsewhere have a share too (one settlement in a hundred): as long as only one region is
started, the other kinds come in their place, and `make drill-regions` plays them. Two of a hundred
settlements are taken back, one is sent twice, and of a thousand one loses its connection before the
answer and is sent again, unchanged, until its outcome is known.

**How much.** A preset says how many settlements a month; one number scales it. A month, a day or
its fullest hour is played in as many hours as one likes; the server's own clock is not touched, so
everything is booked today. Everything random comes from a seed.

**When a run counts.** In the end the client's own book, which learns from answers alone, must be
the ledger's and the simulators', settlement by settlement and fen by fen, and the hash chains must
verify; else the run is void, and says so.
"""
