"""Message numbers, signatures and framing of what a desk sends."""

from __future__ import annotations

import hashlib
import json

from loadtest.desk import MessageNumbers, spoken_time

from .worlds import FROM_SECOND, make_desk


def test_message_numbers_are_thirty_long_and_never_repeat_when_the_counter_is_full() -> None:
    numbers = MessageNumbers("P99999900001", FROM_SECOND)
    given = [numbers.next() for _ in range(25_000)]
    assert len(set(given)) == len(given)
    assert {len(number) for number in given} == {30}
    assert given[9_999].endswith(b"9999")
    assert given[10_000].endswith(b"0000")
    assert given == sorted(given)


def test_a_request_is_framed_signed_and_names_its_own_institution() -> None:
    payload = make_desk().request("2102", b'{"druginfo":{}}')
    head, _, body = payload.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    fields = dict(line.split(": ", 1) for line in lines[1:])
    envelope = json.loads(body)
    stamp, nonce = fields["x-tif-timestamp"], fields["x-tif-nonce"]
    text = f"{stamp}secret-pharmacy-1{nonce}{stamp}"
    assert lines[0] == "POST /hsa/hgs/2102 HTTP/1.1"
    assert int(fields["Content-Length"]) == len(body)
    assert fields["x-tif-signature"] == hashlib.sha256(text.encode()).hexdigest()
    assert fields["x-tif-paasid"] == "demo-pharmacy-1"
    assert envelope["msgid"] == nonce
    assert envelope["fixmedins_code"] == envelope["msgid"][:12] == "P99999900001"
    assert envelope["infno"] == "2102"
    assert envelope["input"] == {"druginfo": {}}


def test_every_required_field_of_the_envelope_is_sent() -> None:
    body = make_desk().request("2102", b"{}").partition(b"\r\n\r\n")[2]
    required = {
        *("infno", "msgid", "mdtrtarea_admvs", "insuplc_admdvs", "recer_sys_code", "infver"),
        *("opter_type", "opter", "opter_name", "inf_time", "fixmedins_code", "fixmedins_name"),
        "input",
    }
    assert required <= json.loads(body).keys()


def test_times_are_china_s_whatever_the_machine_is_set_to() -> None:
    assert spoken_time(0) == b"1970-01-01 08:00:00"
    assert MessageNumbers("P99999900001", 0).next()[12:26] == b"19700101080000"


def test_serial_numbers_of_a_desk_never_repeat() -> None:
    desk = make_desk()
    assert len({desk.serial() for _ in range(100)}) == 100
