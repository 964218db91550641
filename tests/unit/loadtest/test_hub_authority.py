"""The simulated authority: what it issues is believed, and every region is told of all others."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtest.simulators.hub_authority import Issuer, main
from protocol.hub.certificates import HUB, Purpose, read_certificate, request_of
from settlement.clock import system_clock
from tests.kit.hub import INSURED, TREATED, keys_of


def test_authority_is_a_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(tmp_path / "authority")
    main([folder, "root"])
    root = bytes.fromhex(capsys.readouterr().out.strip())
    request = tmp_path / "request"
    request.write_text(request_of(keys_of("them"), INSURED, at=system_clock()))
    main([folder, "issue", str(request), "--days", "30"])
    certificate = read_certificate(capsys.readouterr().out, root)
    assert (certificate.serial, certificate.region) == (f"{INSURED}-1", INSURED)
    main([folder, "withdraw", certificate.serial, "--reason", "测试"])
    assert capsys.readouterr().out.startswith("HUBREV1.")
    main([folder, "counterparts", TREATED])
    told = capsys.readouterr().out
    assert told.count("HUBCERT1.") == told.count("HUBREV1.") == 1


def test_the_hub_has_keys_and_a_certificate_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    issuer, at = Issuer(tmp_path / "authority"), system_clock()
    assert issuer.hub_post() is None, "an older hub"
    main([str(tmp_path / "authority"), "hub"])
    text = capsys.readouterr().out.strip()
    certificate = read_certificate(text, issuer.root)
    assert (certificate.serial, certificate.purpose) == (f"{HUB}-1", Purpose.HUB)
    assert issuer.certify_hub(at) == text, "it holds"
    assert "省际平台" in issuer.counterparts(TREATED) and text in issuer.counterparts(TREATED)
    post = issuer.hub_post()
    assert post is not None and post.region == HUB

    issuer.withdraw(f"{HUB}-1", at=at, reason="测试")
    swapped = read_certificate(issuer.certify_hub(at), issuer.root)
    assert swapped.serial == f"{HUB}-2" and swapped.signing_key != certificate.signing_key
    assert not (tmp_path / "authority" / "hub.keys").stat().st_mode & 0o077
