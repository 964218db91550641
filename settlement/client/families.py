"""Messages by family: a pharmacy's, an outpatient department's, a ward's, files. They make, nobody
sends.

Every method gives a `Message` with a new msgid: keep it, then `Institution.send` it.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from msgspec import Struct

from settlement.client import inputs
from settlement.client.inputs import ALL_LINES, Line, Named, Patient
from settlement.client.message import Input, Message
from settlement.client.outcome import Done, Settlement

MakeMessage = Callable[[str, Input], Message]
Now = Callable[[], str]


class Pharmacy:
    """2101 to 2103."""

    def __init__(self, message: MakeMessage, now: Now) -> None:
        self._message = message
        self._now = now

    def quote(
        self, patient: Patient, lines: Sequence[Line], *, at: str | None = None,
        account: bool = True,
    ) -> Message:  # fmt: skip
        """2101: who would pay what; no effect."""
        content = inputs.purchase(patient, lines, at=at or self._now(), account=account)
        return self._message("2101", content)

    def sale(
        self, patient: Patient, lines: Sequence[Line], *, at: str | None = None,
        account: bool = True,
    ) -> Message:  # fmt: skip
        """2102. `account`: the personal account may pay."""
        content = inputs.purchase(patient, lines, at=at or self._now(), account=account)
        return self._message("2102", content)

    def cancel(self, settled: Settlement, *, psn_no: str) -> Message:
        """2103."""
        return self._message(
            "2103", inputs.named(psn_no=psn_no, mdtrt_id=settled.mdtrt_id, setl_id=settled.setl_id)
        )


class Place(Struct, frozen=True, kw_only=True):
    """Where and by whom somebody is treated, and of what."""

    department: Named = Named("0300", "内科")
    doctor: Named
    disease: Named
    bed: str = "1"


class Outpatient:
    """2201 to 2208: register, diagnose, upload, quote, settle."""

    def __init__(self, message: MakeMessage, now: Now) -> None:
        self._message = message
        self._now = now

    def registration(
        self, patient: Patient, place: Place, *, visit_no: str, at: str | None = None
    ) -> Message:
        """2201; `data.mdtrt_id` of the answer names the visit."""
        content = inputs.registration(
            patient, visit_no=visit_no, at=at or self._now(), department=place.department,
            doctor=place.doctor,
        )  # fmt: skip
        return self._message("2201", content)

    def withdrawal(self, patient: Patient, mdtrt_id: str, *, visit_no: str) -> Message:
        """2202."""
        data = {"psn_no": patient.psn_no, "mdtrt_id": mdtrt_id, "ipt_otp_no": visit_no}
        return self._message("2202", {"data": data})

    def diagnosis(
        self, patient: Patient, place: Place, mdtrt_id: str, *, care_type: str = "11",
        at: str | None = None,
    ) -> Message:  # fmt: skip
        """2203."""
        content = inputs.diagnosis(
            patient, mdtrt_id=mdtrt_id, at=at or self._now(), disease=place.disease,
            department=place.department, doctor=place.doctor, care_type=care_type,
        )  # fmt: skip
        return self._message("2203", content)

    def lines(
        self, patient: Patient, place: Place, mdtrt_id: str, lines: Mapping[str, Line], *,
        batch: str, at: str | None = None,
    ) -> Message:  # fmt: skip
        """2204: lines by their serial, into one charge batch."""
        content = inputs.visit_lines(
            patient, lines, mdtrt_id=mdtrt_id, batch=batch, at=at or self._now(),
            department=place.department, doctor=place.doctor,
        )  # fmt: skip
        return self._message("2204", content)

    def withdrawal_of_lines(
        self, patient: Patient, mdtrt_id: str, *, batch: str = ALL_LINES
    ) -> Message:
        """2205."""
        data = {"mdtrt_id": mdtrt_id, "chrg_bchno": batch, "psn_no": patient.psn_no}
        return self._message("2205", {"data": data})

    def quote(
        self, patient: Patient, mdtrt_id: str, amount: Decimal, *, batch: str,
        account: bool = True, care_type: str = "11",
    ) -> Message:  # fmt: skip
        """2206."""
        content = inputs.visit_quote(
            patient, amount, mdtrt_id=mdtrt_id, batch=batch, account=account, care_type=care_type
        )
        return self._message("2206", content)

    def settlement(self, quoted: Done) -> Message:
        """2207: what was quoted, for good."""
        content = inputs.as_quoted(quoted.message.input, quoted.node("setlinfo"))
        return self._message("2207", content)

    def cancel(self, settled: Settlement, *, psn_no: str) -> Message:
        """2208."""
        return self._message(
            "2208", inputs.named(psn_no=psn_no, mdtrt_id=settled.mdtrt_id, setl_id=settled.setl_id)
        )


class Files:
    """9101 and 9102."""

    def __init__(self, message: MakeMessage, code: str) -> None:
        self._message = message
        self._code = code

    def upload(self, content: bytes, *, filename: str) -> Message:
        """9101; `file_qury_no` of the answer names the file."""
        node = {
            "in": b64encode(content).decode(), "filename": filename, "fixmedins_code": self._code,
        }  # fmt: skip
        return self._message("9101", {"fsUploadIn": node})

    def download(self, file_no: str, *, filename: str) -> Message:
        """9102; `Done.file` has the bytes."""
        node = {"file_qury_no": file_no, "filename": filename, "fixmedins_code": self._code}
        return self._message("9102", {"fsDownloadIn": node})


class Inpatient:
    """2301 to 2305 and 2401 to 2405: admit, charge, discharge, quote, settle."""

    def __init__(self, message: MakeMessage, now: Now, region: str) -> None:
        self._message = message
        self._now = now
        self._region = region

    def admission(
        self, patient: Patient, place: Place, *, stay_no: str, care_type: str = "21",
        at: str | None = None,
    ) -> Message:  # fmt: skip
        """2401; `result.mdtrt_id` of the answer names the stay."""
        content = inputs.admission(
            patient, stay_no=stay_no, at=at or self._now(), region=self._region,
            disease=place.disease, department=place.department, doctor=place.doctor,
            bed=place.bed, care_type=care_type,
        )  # fmt: skip
        return self._message("2401", content)

    def change(
        self, patient: Patient, place: Place, mdtrt_id: str, *, stay_no: str,
        care_type: str = "21", at: str | None = None,
    ) -> Message:  # fmt: skip
        """2403: `at` is the admission."""
        content = inputs.change(
            patient, mdtrt_id=mdtrt_id, stay_no=stay_no, at=at or self._now(),
            disease=place.disease, department=place.department, doctor=place.doctor,
            bed=place.bed, care_type=care_type,
        )  # fmt: skip
        return self._message("2403", content)

    def lines(
        self, patient: Patient, place: Place, mdtrt_id: str, lines: Mapping[str, Line], *,
        originals: Mapping[str, str] | None = None, care_type: str = "21", at: str | None = None,
    ) -> Message:  # fmt: skip
        """2301: lines by their serial; `originals` says which line a negative one takes back."""
        content = inputs.stay_lines(
            patient, lines, mdtrt_id=mdtrt_id, at=at or self._now(), department=place.department,
            doctor=place.doctor, care_type=care_type, originals=originals or {},
        )  # fmt: skip
        return self._message("2301", content)

    def withdrawal_of_lines(
        self, patient: Patient, mdtrt_id: str, serials: Sequence[str] = (ALL_LINES,)
    ) -> Message:
        """2302."""
        named = {"mdtrt_id": mdtrt_id, "psn_no": patient.psn_no}
        return self._message("2302", {"data": [{"feedetl_sn": one, **named} for one in serials]})

    def discharge(
        self, patient: Patient, place: Place, mdtrt_id: str, *, at: str | None = None
    ) -> Message:
        """2402."""
        content = inputs.discharge(
            patient, mdtrt_id=mdtrt_id, at=at or self._now(), disease=place.disease,
            department=place.department, doctor=place.doctor,
        )  # fmt: skip
        return self._message("2402", content)

    def withdrawal(self, patient: Patient, mdtrt_id: str) -> Message:
        """2404: the admission back."""
        return self._message("2404", inputs.named(psn_no=patient.psn_no, mdtrt_id=mdtrt_id))

    def withdrawal_of_discharge(self, patient: Patient, mdtrt_id: str) -> Message:
        """2405."""
        return self._message("2405", inputs.named(psn_no=patient.psn_no, mdtrt_id=mdtrt_id))

    def quote(
        self, patient: Patient, mdtrt_id: str, amount: Decimal, *, account: bool = True,
        mid_stay: bool = False,
    ) -> Message:  # fmt: skip
        """2303."""
        content = inputs.stay_quote(
            patient, amount, mdtrt_id=mdtrt_id, region=self._region, account=account,
            mid_stay=mid_stay,
        )  # fmt: skip
        return self._message("2303", content)

    def settlement(self, quoted: Done) -> Message:
        """2304: what was quoted, for good."""
        content = inputs.as_quoted(quoted.message.input, quoted.node("setlinfo"))
        return self._message("2304", content)

    def cancel(self, settled: Settlement, *, psn_no: str) -> Message:
        """2305."""
        return self._message(
            "2305", inputs.named(psn_no=psn_no, mdtrt_id=settled.mdtrt_id, setl_id=settled.setl_id)
        )
