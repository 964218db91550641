"""What docs/reference/hub.md says of contents and of the example, made from the code.

After a change of protocol/hub: `python -m tests.unit.protocol.hub_page` writes the page anew.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import msgspec

from protocol.hub.sealing import bound
from tests.kit.hub import AUTHORITY
from tests.unit.protocol import hub_golden

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs/reference/hub.md"
MESSAGES = ROOT / "protocol/hub/messages.py"
_JSON = {
    "str": "text", "int": "number", "bool": "true or false", "date": "date", "datetime": "time",
    "msgspec.Raw": "any JSON", "PaperNo": "text", "Sha256": "text", "Place": "number",
    "Bytes": "base64",
}  # fmt: skip
MEANINGS = {
    ("PersonAsked", "number"): "what was shown: token, identity number or card number",
    ("PersonAsked", "name"): "name on it; compared where it is told",
    ("PersonAsked", "on"): "day of treatment, on which membership must hold",
    ("EnrolmentTold", "status"): "psn_insu_stas: 1 normal, 2 suspended, 4 ended",
    ("EnrolmentTold", "region"): "insuplc_admdvs, the area of the membership",
    ("FilingTold", "kind"): "kind of filing, as I's policies call it; T shows it",
    ("PersonTold", "name"): "psn_name",
    ("InstitutionTold", "code"): "fixmedins_code",
    ("InstitutionTold", "name"): "fixmedins_name",
    ("InstitutionTold", "region"): "its area, six digits",
    ("Case", "institution"): "who treats",
    ("Case", "lines"): "fee lines; empty for a stay",
    ("CaseTold", "case_no"): "the case it answers",
    ("CaseTold", "shares"): "fund by fund, what the hospital bears among them",
    ("ShareTold", "name"): "of the fund, in Chinese",
    ("ShareTold", "amount_fen"): "what it pays",
    ("StatusTold", "state"): "unknown, settled, cancelled or reversed",
    ("StatusTold", "case"): "its answer; null where it never was settled",
    ("StatusTold", "cancel"): "the cancel; null where there is none",
    ("BookAsked", "day"): "of the hub's clock, in China's time",
    ("BookAsked", "treated"): "T",
    ("BookAsked", "insured"): "I",
    ("BookAsked", "after"): "the hub's number of the last row that is there; 0 at first",
    ("BookRow", "number"): "the hub's, rising with every message that passes",
    ("BookRow", "reversal"): "true: it takes back the case of that number",
    ("BookTold", "day"): "as it was asked",
    ("BookTold", "treated"): "as it was asked",
    ("BookTold", "insured"): "as it was asked",
    ("BookTold", "rows"): "in the order of their numbers",
    ("BookTold", "more"): "whether there are rows after these",
    ("ReconcileAsked", "after"): "I's settlement number of the last row that T has; empty at first",
    ("RowTold", "reversal"): "true: it takes back the case of that number",
    ("PaperAsked", "part"): "from 1",
    ("PaperAsked", "parts"): "256 at most",
    ("PaperTold", "number"): "of the paper that it answers",
    ("PaperTold", "digest"): "of the paper that it answers",
    ("PaperTold", "state"): "kept, taken or refused",
    ("ReconcileTold", "rows"): "in the order of I's numbers",
    ("ReconcileTold", "more"): "whether there are rows after these",
    ("", "account_fen"): "what personal accounts pay",
    ("", "account_use"): "acct_used_flag: whose accounts may pay",
    ("", "admitted_on"): "first day of a stay; else null",
    ("", "amount_fen"): "of the line",
    ("", "balance_fen"): "of the personal account afterwards",
    ("", "begins_on"): "first day",
    ("", "benefit_from"): "first day on which funds pay",
    ("", "born_on"): "brdy",
    ("", "business_day"): "I's business day on which it is booked",
    ("", "cancel_no"): "T's number of the cancel, which is also the correlation number",
    ("", "card_serial"): "card_sn, where the card's chip was read",
    ("", "care_type"): "med_type",
    ("", "cash_fen"): "what the person pays",
    ("", "case_no"): "T's number of the case",
    ("", "category"): "psn_type",
    ("", "certificate_no"): "certno",
    ("", "certificate_type"): "psn_cert_type",
    ("", "charge_kind"): "med_chrgitm_type",
    ("", "civil_servant"): "cvlserv_flag",
    ("", "clearing_type"): "clr_type",
    ("", "credential_kind"): "mdtrt_cert_type",
    ("", "day"): "I's business day",
    ("", "deductible_fen"): "act_pay_dedc, what of the deductible the case used",
    ("", "deductible_level"): "dedc_hosp_lv",
    ("", "discharged_on"): "last day of a stay; else null",
    ("", "disease"): "dise_codg; empty where there is none",
    ("", "ends_on"): "last day; null for no end",
    ("", "enrolled_on"): "psn_insu_date",
    ("", "enrolments"): "memberships, one a scheme",
    ("", "ethnic_group"): "naty",
    ("", "family_account_fen"): "of that, from relatives' accounts (acct_mulaid_pay)",
    ("", "field"): "the field at fault; empty where none is",
    ("", "filings"): "those that stand",
    ("", "full_self_pay_fen"): "fulamt_ownpay_amt",
    ("", "fund_fen"): "what funds pay",
    ("", "hospital_fen"): "hosp_part_amt, what the hospital bears",
    ("", "hospital_level"): "hosp_lv",
    ("", "in_scope_fen"): "inscp_scp_amt",
    ("", "item_class"): "chrgitm_lv",
    ("", "item_code"): "med_list_codg",
    ("", "line_no"): "number of the line at T",
    ("", "occurred_on"): "fee_ocur_time, the day",
    ("", "over_ceiling_fen"): "overlmt_selfpay",
    ("", "person_no"): "psn_no at I",
    ("", "policy"): "the policy version that shared it",
    ("", "pool_ratio_bp"): "pool_prop_selfpay, in basis points",
    ("", "pre_self_pay_fen"): "preselfpay_amt",
    ("", "price_e6"): "a unit, in millionths of a yuan",
    ("", "quantity_e4"): "cnt, in ten-thousandths",
    ("", "referral"): "referred by a hospital at home",
    ("", "scheme"): "insutype",
    ("", "service_at"): "when the care that is settled ended: decides policy and year",
    ("", "settlement_no"): "I's number of the settlement",
    ("", "sex"): "gend",
    ("", "suspended_on"): "paus_insu_date; null where it is not",
    ("", "told_at"): "when I decided it, the same in every repetition",
    ("", "total_fen"): "medfee_sumamt",
    ("", "visit_no"): "mdtrt_id at T",
}
"""Of a form's field, or of a field of that name in any form, where the code has no words."""


def fields_text() -> str:
    """A table a form, in the order of the code."""
    tree = ast.parse(MESSAGES.read_text("utf-8"))
    forms = [node for node in tree.body if isinstance(node, ast.ClassDef) and _is_form(node)]
    return "\n".join(_table(form) for form in forms)


def example_text() -> str:
    """The exchange, a step below the other."""
    question, answer, status = hub_golden.question(), hub_golden.answer(), hub_golden.status()
    steps = (
        ("The authority's public key:", AUTHORITY.root.hex()),
        ("T's certificate:", hub_golden.ASKING.content),
        ("I's certificate:", hub_golden.ANSWERING.content),
        ("The content of the question:", msgspec.json.encode(hub_golden.CASE).decode()),
        ("Bound to it (`\\n` is a line feed):",
         bound(question.envelope).decode().replace("\n", "\\n")),
        ("The question, in one line:", question.message.decode()),
        ("Its SHA-256, which the answer names:", question.digest),
        ("The content of the answer:", msgspec.json.encode(hub_golden.TOLD).decode()),
        ("The answer:", answer.decode()),
        ("Later T asks what became of the case:", status.message.decode()),
    )  # fmt: skip
    return "\n".join(f"{about}\n\n    {text}\n" for about, text in steps)


def page_text() -> str:
    """The page with both parts as they should be."""
    text = PAGE.read_text("utf-8")
    for name, made in (("fields", fields_text()), ("example", example_text())):
        pattern = rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)"
        text = re.sub(pattern, lambda found, made=made: f"{found[1]}\n{made}\n{found[2]}", text,
                      flags=re.DOTALL)  # fmt: skip
    return text


def _is_form(node: ast.ClassDef) -> bool:
    return any(ast.unparse(base) == "Struct" for base in node.bases)


def _table(form: ast.ClassDef) -> str:
    about = (ast.get_docstring(form) or "").replace("\n", " ")
    array = any(keyword.arg == "array_like" for keyword in form.keywords)
    lines = [f"**{form.name}**{', an array' if array else ''}. {about}", ""]
    lines += ["| field | type | |", "|---|---|---|"]
    for node, after in zip(form.body, [*form.body[1:], None], strict=True):
        if not isinstance(node, ast.AnnAssign):
            continue
        told = ""
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            told = " ".join(str(after.value.value).split())
        name = ast.unparse(node.target)
        told = told or MEANINGS.get((form.name, name)) or MEANINGS["", name]
        lines.append(f"| `{name}` | {_json(node.annotation)} | {told} |")
    return "\n".join([*lines, ""])


def _json(annotation: ast.expr) -> str:
    """A type as JSON has it."""
    text = ast.unparse(annotation)
    if text.endswith(" | None"):
        return f"{_JSON.get(text[:-7], text[:-7])} or null"
    if text.startswith("tuple["):
        return f"array of {text[6:-6]}"
    return _JSON.get(text, text)


def main() -> None:
    """Write the page."""
    PAGE.write_text(page_text(), "utf-8")


if __name__ == "__main__":
    main()
