"""Other doors to WeChat: a partner's, one with a certificate, one that fetches certificates."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from loadtest.simulators.channel_book import ChannelBook
from loadtest.simulators.channel_faults import Fault, Operation, Plan, Rule
from loadtest.simulators.payer_codes import Behaviour
from loadtest.simulators.virtual_clock import VirtualClock
from loadtest.simulators.wechat import WechatSimulator
from settlement.channels.line import Answered, Line, NoAnswer
from settlement.channels.signer import Signer
from settlement.channels.waiting import waited
from settlement.channels.wechat import WechatChannel
from settlement.channels.wechat_config import MerchantConfigError, WechatMerchant, load_keys
from settlement.clock import monotonic, system_clock
from settlement.payments.payment import Advice, OrderKey, PayOrder, Verdict
from tests.kit.wechat import (
    MCHID,
    NOON,
    Api,
    door,
    key_of,
    known_keys,
    refund_of,
    wechat_stage,
)

SUB_MCHID = "1900000009"


@pytest.mark.parametrize("api", ["v3", "v2"])
async def test_partner_collects_for_its_merchant(tmp_path: Path, api: Api) -> None:
    async with wechat_stage(tmp_path, api) as stage:
        signer = Signer(1)
        one = door(
            stage.simulator, stage.simulator.url, api, signer, sub_mchid=SUB_MCHID,
            sub_appid="wxsub",
        )  # fmt: skip
        order = stage.order()
        paid = await one.pay(order)
        assert (paid.verdict, one.merchant_no) == (Verdict.SUCCESS, SUB_MCHID)
        assert (await one.query(key_of(order))).verdict is Verdict.SUCCESS
        refund = refund_of(order, paid.reference, amount_fen=34)
        assert (await one.refund(refund)).verdict is Verdict.PAYER_ACTION
        await stage.move(20)
        assert (await one.query_refund(refund)).verdict is Verdict.SUCCESS
        other = stage.order()
        await one.pay(other)
        await stage.move(20)
        assert (await one.undo(key_of(other))).verdict is Verdict.SUCCESS
        assert {entry.merchant_no for entry in stage.simulator.book.entries} == {SUB_MCHID}
        # The partner itself has no such order.
        assert (await stage.channel.query(key_of(order))).verdict is Verdict.UNKNOWN
        await one.close()
        signer.close()


async def test_certificates_are_fetched_where_no_public_key_is_configured(tmp_path: Path) -> None:
    async with wechat_stage(tmp_path, "v3") as stage:
        signer = Signer(1)
        one = door(stage.simulator, stage.simulator.url, "v3", signer, platform_public_key_id="")
        one._keys.platform.clear()
        paid = await asyncio.gather(*[one.pay(stage.order()) for _ in range(3)])
        assert [each.verdict for each in paid] == [Verdict.SUCCESS] * 3
        assert one.v3 is not None and await one.v3.refresh_certificates() == 1
        # They hold for five years, not longer.
        await stage.move(timedelta(days=2_000).total_seconds())
        with pytest.raises(ValueError, match="unknown_key"):
            await one.v3.refresh_certificates()
        await one.close()
        signer.close()


@pytest.mark.parametrize("fault", [Fault.LOST_BEFORE, Fault.BUSY, Fault.NOT_JSON])
async def test_certificates_that_do_not_come_leave_it_open_and_are_asked_for_once_a_minute(
    tmp_path: Path, fault: Fault, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    async with wechat_stage(tmp_path, "v3") as stage:
        signer = Signer(1)
        one = door(stage.simulator, stage.simulator.url, "v3", signer, platform_public_key_id="")
        one._keys.platform.clear()
        assert one.v3 is not None
        fetched, fetch = [0], one.v3.refresh_certificates

        async def counted() -> int:
            fetched[0] += 1
            stage.fault(fault, times=2)
            return await fetch()

        monkeypatch.setattr(one.v3, "refresh_certificates", counted)
        order = stage.order()
        for paid in (await one.pay(order), await one.pay(stage.order())):
            assert (paid.verdict, paid.code) == (Verdict.UNKNOWN, "SIGNATURE_UNKNOWN_KEY")
        assert fetched == [1]
        assert [one.levelname for one in caplog.records if "certificates" in one.message]
        stage.simulator.faults.replace(Plan())
        await stage.move(60)
        monkeypatch.setattr(one.v3, "refresh_certificates", fetch)
        assert (await one.query(key_of(order))).verdict is Verdict.SUCCESS
        await one.close()
        signer.close()


async def test_certificates_are_believed_under_the_public_key_that_is_configured(
    tmp_path: Path,
) -> None:
    async with wechat_stage(tmp_path, "v3") as stage:
        assert stage.channel.v3 is not None
        assert await stage.channel.v3.refresh_certificates() == 1


async def test_certificates_under_another_key_are_refused(tmp_path: Path) -> None:
    async with wechat_stage(tmp_path, "v3") as stage:
        assert stage.channel.v3 is not None
        stage.channel._keys.apiv3_key = b"x" * 32
        with pytest.raises(ValueError, match="not under this APIv3 key"):
            await stage.channel.v3.refresh_certificates()


async def test_unsigned_refusal_is_unknown_unless_the_merchant_says_otherwise(
    tmp_path: Path,
) -> None:
    async with wechat_stage(tmp_path, "v3") as stage:
        signer = Signer(1)
        trusting = door(
            stage.simulator, stage.simulator.url, "v3", signer, unsigned_refusals=True
        )
        for channel, verdict in ((stage.channel, Verdict.UNKNOWN), (trusting, Verdict.FAILED)):
            stage.simulator.faults.add(_unsigned())
            paid = await channel.pay(stage.order(Behaviour.NOT_ENOUGH))
            assert paid.verdict is verdict
        await trusting.close()
        signer.close()


async def test_reversal_of_v2_shows_the_merchants_certificate(tmp_path: Path) -> None:
    """双向证书: without one WeChat does not reverse, and that is ours to mend."""
    paths = Certificates(tmp_path)
    platform, merchant = known_keys()
    simulator = WechatSimulator(
        clock=VirtualClock(NOON), book=ChannelBook(tmp_path / "book"), platform=platform
    )
    simulator.shop.merchants[MCHID] = merchant
    url = await simulator.start(tls=paths.server_context())
    (tmp_path / "apiv2.key").write_text(merchant.apiv2_key)
    signer = Signer(1)

    def made(**told: str) -> WechatChannel:
        config = WechatMerchant(
            mchid=MCHID, appid=merchant.appid, base_url=url, backup_url="",
            apiv2_key_file="apiv2.key", ca_file="ca.crt", **told,
        )  # fmt: skip
        return WechatChannel(
            config, load_keys(config, tmp_path), signer=signer, clock=simulator.clock
        )

    bare = made()
    shown = made(
        merchant_certificate_file="merchant.crt", merchant_private_key_file="merchant.key"
    )
    order = PayOrder(
        order_no="T000000001", sent_at=NOON, amount_fen=1234, subject="测试药店",
        code=simulator.codes.test_codes()["ok"],
    )  # fmt: skip
    key = OrderKey(order_no=order.order_no, sent_at=NOON, amount_fen=1234)
    assert (await bare.pay(order)).verdict is Verdict.SUCCESS
    await simulator.clock.advance(20)
    refused = await bare.undo(key)
    assert (refused.verdict, refused.advice) == (Verdict.UNKNOWN, Advice.OPERATOR)
    assert (await shown.undo(key)).verdict is Verdict.SUCCESS
    for one in (bare, shown):
        await one.close()
    await simulator.stop()
    signer.close()


async def test_host_with_an_unknown_certificate_is_never_sent_anything(tmp_path: Path) -> None:
    paths = Certificates(tmp_path)
    simulator = WechatSimulator(
        clock=VirtualClock(NOON), book=ChannelBook(tmp_path / "book"), platform=known_keys()[0]
    )
    url = await simulator.start(tls=paths.server_context())
    line = Line(url, connect_seconds=2, answer_seconds=2)
    reply = await line.ask("POST", "/pay/micropay", body=b"<xml></xml>", headers={})
    assert isinstance(reply, NoAnswer) and reply.code == "NOT_SENT"
    await line.close()
    await simulator.stop()


async def test_answer_that_is_too_large_is_no_answer(tmp_path: Path) -> None:
    async with wechat_stage(tmp_path, "v3") as stage:
        line = Line(stage.simulator.url, connect_seconds=2, answer_seconds=2)
        whole = await line.ask("GET", "/_sim/faults", headers={})
        assert isinstance(whole, Answered) and whole.status == 200
        cut = await line.ask("GET", "/_sim/faults", headers={}, bytes_max=10)
        assert isinstance(cut, NoAnswer) and cut.code == "LOST"
        await line.close()


def test_missing_certificate_is_said_at_the_start(tmp_path: Path) -> None:
    config = WechatMerchant(
        mchid=MCHID, appid="wx", merchant_certificate_file="none.crt",
        merchant_private_key_file="",
    )  # fmt: skip
    with pytest.raises(MerchantConfigError, match="merchant_certificate_file"):
        load_keys(config, tmp_path)


class Certificates:
    """An authority, a host and a merchant, for one test."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        platform, merchant = known_keys()
        self._ca = platform.signing.rsa
        self._write("ca", "Test CA", self._ca, is_ca=True)
        self._write("host", "127.0.0.1", merchant.signing.rsa)
        self._write("merchant", MCHID, merchant.signing.rsa)

    def server_context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._folder / "host.crt", self._folder / "host.key")
        context.load_verify_locations(self._folder / "ca.crt")
        context.verify_mode = ssl.CERT_OPTIONAL
        return context

    def _write(self, file: str, common_name: str, key: object, *, is_ca: bool = False) -> None:
        now = system_clock()
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        authority = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test CA")])
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(authority)
            .public_key(key.public_key())  # type: ignore[attr-defined]
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([address]), critical=False)
            .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
            .sign(self._ca, SHA256())
        )
        crt, pem = self._folder / f"{file}.crt", self._folder / f"{file}.key"
        crt.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        pem.write_bytes(
            key.private_bytes(  # type: ignore[attr-defined]
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )  # fmt: skip


def _unsigned() -> Rule:
    return Rule(fault=Fault.NO_SIGNATURE, operation=Operation.PAY)


async def test_wait_for_the_channel_is_told_from_our_own_time(tmp_path: Path) -> None:
    async with wechat_stage(tmp_path, "v3") as stage:
        began = monotonic()
        with waited() as wait:
            await stage.channel.pay(stage.order())
            paid_seconds = wait.seconds
            await stage.channel.query(key_of(stage.order()))
        assert 0 < paid_seconds < wait.seconds < monotonic() - began
        nobody = Line("http://127.0.0.1:9", connect_seconds=1.0, answer_seconds=1.0)
        with waited() as wait:
            assert isinstance(await nobody.ask("GET", "/", headers={}), NoAnswer)
        seconds = wait.seconds
        assert seconds > 0
        await stage.channel.pay(stage.order())
        assert wait.seconds == seconds  # nobody counts any more
        await nobody.close()
