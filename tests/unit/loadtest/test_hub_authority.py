"""The simulated authority: what it issues is believed, and every region is told of all others."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtest.simulators.hub_authority import main
from protocol.hub.certificates import read_certificate, request_of
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
