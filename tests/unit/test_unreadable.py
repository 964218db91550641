"""What cannot be read is told in the reader's words, with the field."""

from __future__ import annotations

import msgspec
import pytest

from protocol.my import FilingRequest
from protocol.nhsa.errors import WireError, WireErrorCode
from protocol.scan import ScanRequest
from settlement.unreadable import unread

_LINE = '{"med_list_codg":"A","medins_list_codg":"B","cnt":"1","pric":1}'
_SCAN = f'{{"order_no":"A","operator":"1","lines":[{_LINE}],'

TOLD = [
    ('{"order_no":"A"}', "operator", "缺少必填字段operator"),
    ('{"order_no":1}', "order_no", "order_no应为文本，收到整数"),
    ('{"order_no":"A B"}', "order_no", "order_no格式不正确"),
    ('{"order_no":"A","operator":""}', "operator", "operator至少1个字符"),
    ('{"order_no":"A","operator":"1","lines":[]}', "lines", "lines至少1项"),
    (_SCAN + '"other":1}', "other", "没有other这个字段"),
    (_SCAN + '"acct_used_flag":"9"}', "acct_used_flag", "acct_used_flag没有'9'这个取值"),
    (_SCAN.replace('"cnt":"1"', '"cnt":"x"'), "lines[0].cnt", "lines[0].cnt不是数字"),
    (_SCAN.replace(',"pric":1', ""), "lines[0].pric", "缺少必填字段lines[0].pric"),
    ("[]", "", "请求应为对象，收到数组"),
    ("{", "", "不是合法的JSON"),
]


@pytest.mark.parametrize(("body", "field", "text"), TOLD, ids=[text for *_, text in TOLD])
def test_field_and_what_it_should_be(body: str, field: str, text: str) -> None:
    with pytest.raises(msgspec.MsgspecError) as caught:
        msgspec.json.decode(body, type=ScanRequest)
    told = unread(caught.value)
    assert (told.field, told.text) == (field, text)


def test_date_that_is_none() -> None:
    content = b'{"request_no":"1","kind":"other","place":"510000","begins_on":"2026-13-01"}'
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.json.decode(content, type=FilingRequest)
    assert unread(caught.value).text == "begins_on不是日期，格式 yyyy-MM-dd"


def test_other_encoding_and_other_words() -> None:
    with pytest.raises(UnicodeDecodeError) as caught:
        b"\xff".decode("utf-8")
    assert unread(caught.value).text == "不是UTF-8编码"
    assert unread(msgspec.ValidationError("something else - at `$.lines`")).field == "lines"
    error = WireError(WireErrorCode.AMOUNT_SCALE, "amount")
    assert unread(error).field == "amount"
