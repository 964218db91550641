"""Mail of institutions with registered keys: opened before it joins the others in the inbox.

An SM2 signature costs some four settlements' worth of processor time, so it is checked in a thread
of its own, during which the event loop goes on with other people's mail (ADR 0017). What to do with
a message is `settlement.seals`' business, what to answer the service's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from settlement import seals
from settlement.gateway import Unavailable
from settlement.refusal import Refusal
from settlement.seals import Keys, SealRules, Unsealed
from settlement.serve.inbox import Mail

Seen = Unsealed | Refusal | None
"""None: it could not be read at all."""


class SealedMail:
    """Opens mail, puts it into the inbox, and seals the answers to what came encrypted."""

    def __init__(
        self,
        *,
        rules: Callable[[], SealRules],
        put: Callable[[Mail], None],
        refuse: Callable[[Mail, Refusal], None],
        explain: Callable[[Mail], None],
    ) -> None:
        self._rules = rules
        self._put = put
        self._refuse = refuse
        self._explain = explain
        self._thread: ThreadPoolExecutor | None = None

    def take(self, mail: Mail, keys: Keys) -> None:
        """Open it, at once or, where there is a signature to check, a little later."""
        if keys.signer.public_key is None:
            self._opened(mail, keys, _look(mail.body, keys, self._rules()))
            return
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="signatures")
        loop = asyncio.get_running_loop()
        looking = loop.run_in_executor(self._thread, _look, mail.body, keys, self._rules())
        looking.add_done_callback(lambda looked: self._looked(mail, keys, looked))

    def stop(self) -> None:
        """Give the thread up; what it has not begun may be sent again."""
        if self._thread is not None:
            self._thread.shutdown(wait=False, cancel_futures=True)

    def _looked(self, mail: Mail, keys: Keys, looked: asyncio.Future[Seen]) -> None:
        if looked.cancelled():
            mail.fail(Unavailable("later"))
            return
        error = looked.exception()
        if isinstance(error, Exception):
            mail.fail(error)
            return
        self._opened(mail, keys, looked.result())

    def _opened(self, mail: Mail, keys: Keys, seen: Seen) -> None:
        if mail.reply.done():
            return
        match seen:
            case Refusal():
                self._refuse(mail, seen)
            case Unsealed(encrypted=False):
                self._put(mail)
            case Unsealed():
                self._put(_answered_sealed(mail, seen.body, keys, self._rules()))
            case None:
                self._explain(mail)


def _look(body: bytes, keys: Keys, rules: SealRules) -> Seen:
    try:
        return seals.unseal(body, keys, rules)
    except (ValueError, RecursionError):
        return None


def _answered_sealed(mail: Mail, body: bytes, keys: Keys, rules: SealRules) -> Mail:
    """The plain message, whose answer reaches the sender encrypted."""
    plain: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def answered(answer: asyncio.Future[bytes]) -> None:
        if answer.cancelled():
            mail.reply.cancel()
            return
        error = answer.exception()
        if isinstance(error, Exception):
            mail.fail(error)
        else:
            mail.answer(seals.seal_answer(answer.result(), keys, rules))

    plain.add_done_callback(answered)
    mail.reply.add_done_callback(lambda reply: plain.cancel() if reply.cancelled() else None)
    return Mail(mail.infno, body, mail.caller, mail.received, plain)
