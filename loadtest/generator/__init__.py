"""A load generator lean enough to share two cores with what it measures.

One thread, plain sockets and epoll, ready-made request bytes, replies judged by looking for a few
bytes. It knows HTTP framing and how to count; it knows no medical insurance: what to send and how
to judge a sampled reply come from `loadtest.workload` and `loadtest.audit`.
"""
