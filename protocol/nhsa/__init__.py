"""The NHSA designated-institution interface (定点医药机构接口): bytes to typed messages and back.

Pure: no I/O, no clock. `codec.decode` reads requests, `envelope` writes replies, `registry` lists
the transactions. Nothing here knows prices, benefits or books.
"""
