"""Every address of the console with the one right that it needs.

A test walks this table and tries each address with each role from outside.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from msgspec import Struct

from settlement.console import (
    audit_pages,
    bill_pages,
    bill_taking_pages,
    case_pages,
    choosing,
    clearing_pages,
    close_pages,
    difference_pages,
    doubt_pages,
    filing_pages,
    fund_payer_pages,
    institution_file_pages,
    institution_pages,
    money_extra_pages,
    money_pages,
    notice_pages,
    payee_pages,
    payout_pages,
    place_pages,
    policy_pages,
    region_file_pages,
    regional_act_pages,
    regional_day_pages,
    regional_pages,
    regional_prepaid_pages,
    reimbursement_case_pages,
    reimbursement_pages,
    seal_pages,
    search_pages,
    sheet_pages,
    sign_in,
    statement_pages,
    today_pages,
    user_pages,
    work_pages,
)
from settlement.console.asking import Answer
from settlement.console.rights import Right
from settlement.console.visits import Visit

Handler = Callable[[Visit], Awaitable[Answer]]
NUMBER = r"([0-9]{19})"
SHORT = r"([0-9]{1,9})"
DAY = r"(20[0-9]{2}-(?:0[1-9]|1[0-2])-[0-3][0-9])"
CODE = r"([A-Z][0-9]{11})"
FUND = r"([0-9]{6})"
SHA = r"([0-9a-f]{64})"
SUBJECT = r"(income|accounts)"
FILE_NO = r"([0-9]{5,15})"
PARTY = r"([0-9]{6})"
SIDE = r"(receivable|payable)"
MONTH = r"(20[0-9]{2}-(?:0[1-9]|1[0-2]))"


class Route(Struct, frozen=True, kw_only=True):
    """One address. `form` is the page that an action's form stands on, where it is not the action's
    own address: what was typed is shown there again."""

    method: str
    pattern: str
    right: Right
    handler: Handler
    form: str | None = None
    """what of the action's address to keep, as a pattern with one group"""
    before_change: bool = False
    """open to whoever has to choose a password first"""
    takes_file: bool = False

    def page_of(self, path: str) -> str:
        """The page whose form was sent to `path`."""
        if self.form is None:
            return path
        found = re.match(self.form, path)
        return path if found is None else found.group(1)


def _get(
    pattern: str, right: Right, handler: Handler, *, before_change: bool = False
) -> Route:
    return Route(
        method="GET", pattern=pattern, right=right, handler=handler, before_change=before_change
    )


def _post(
    pattern: str, right: Right, handler: Handler, form: str | None = None, *,
    before_change: bool = False,
) -> Route:  # fmt: skip
    return Route(
        method="POST", pattern=pattern, right=right, handler=handler, form=form,
        before_change=before_change,
    )  # fmt: skip


def _file(pattern: str, right: Right, handler: Handler, form: str) -> Route:
    """An action whose form brings a file."""
    return Route(
        method="POST", pattern=pattern, right=right, handler=handler, form=form, takes_file=True
    )


_PARENT = r"(.*)/[a-z-]+$"

_REIMBURSEMENT_ACTS = tuple(
    _post(f"/console/reimbursements/{NUMBER}/{act}", right, handler, _PARENT)
    for act, right, handler in (
        ("calculate", Right.REIMBURSE, reimbursement_case_pages.calculate),
        ("confirm", Right.CONFIRM_REIMBURSE, reimbursement_case_pages.confirm),
        ("refuse", Right.REIMBURSE, reimbursement_case_pages.refuse),
        ("propose", Right.REIMBURSE, reimbursement_case_pages.propose),
        ("order", Right.CONFIRM_REIMBURSE, reimbursement_case_pages.order),
        ("ask-cancel", Right.REIMBURSE, reimbursement_case_pages.ask_cancel),
        ("cancel", Right.CONFIRM_REIMBURSE, reimbursement_case_pages.cancel),
    )
)

_REGION_ACTS = tuple(
    _post(f"/console/regions/{MONTH}/{PARTY}/{SIDE}/{act}", right, handler, _PARENT)
    for act, right, handler in (
        ("object", Right.CLEAR_REGIONS, regional_act_pages.dispute),
        ("withdraw", Right.CLEAR_REGIONS, regional_act_pages.withdraw),
        ("postpone", Right.CLEAR_REGIONS, regional_act_pages.postpone),
        ("confirm", Right.CLEAR_REGIONS, regional_act_pages.confirm),
        ("send", Right.CLEAR_REGIONS, regional_act_pages.send),
        ("notify", Right.CLEAR_REGIONS, regional_act_pages.notify),
        ("propose", Right.CLEAR_REGIONS, regional_act_pages.propose),
        ("settle", Right.CONFIRM_REGIONS, regional_act_pages.settle),
        ("close", Right.CLEAR_REGIONS, regional_act_pages.close),
    )
)

ROUTES = (
    _get("/console/sign-in", Right.ANYBODY, sign_in.form),
    _post("/console/sign-in", Right.ANYBODY, sign_in.submit),
    _post("/console/language", Right.ANYBODY, today_pages.set_language),
    _post("/console/sign-out", Right.OWN, sign_in.leave, before_change=True),
    _post("/console/sign-out-everywhere", Right.OWN, sign_in.leave_everywhere,
          "(/console/)", before_change=True),
    _get("/console/password", Right.OWN, sign_in.password_form, before_change=True),
    _post("/console/password", Right.OWN, sign_in.change_password, before_change=True),
    _get("/console/second-factor", Right.OWN, sign_in.factor_form),
    _post("/console/second-factor", Right.OWN, sign_in.set_factor),

    _get("/console/", Right.TODAY, today_pages.today),

    _get("/console/doubt", Right.DOUBT, doubt_pages.worklist),
    _get(f"/console/payments/{NUMBER}", Right.PAYMENT, doubt_pages.payment),
    _post(f"/console/payments/{NUMBER}/retry", Right.RETRY, doubt_pages.retry, _PARENT),
    _post(f"/console/payments/{NUMBER}/propose", Right.PROPOSE, doubt_pages.propose, _PARENT),
    _post(f"/console/payments/{NUMBER}/confirm", Right.CONFIRM, doubt_pages.confirm, _PARENT),
    _post(f"/console/notices/{NUMBER}/resend", Right.RESEND, doubt_pages.resend_notice,
          "(/console/)notices/"),

    _get("/console/differences", Right.DIFFERENCES, difference_pages.worklist),
    _get(f"/console/differences/{NUMBER}", Right.DIFFERENCES, difference_pages.difference),
    _post(f"/console/differences/{NUMBER}/assign", Right.CORRECT, difference_pages.assign, _PARENT),
    _post(f"/console/differences/{NUMBER}/propose", Right.CORRECT, difference_pages.propose,
          _PARENT),
    _post(f"/console/differences/{NUMBER}/reject", Right.CORRECT, difference_pages.reject, _PARENT),
    _post(f"/console/differences/{NUMBER}/note", Right.CORRECT, difference_pages.note, _PARENT),
    _post(f"/console/differences/{NUMBER}/confirm", Right.CONFIRM_CORRECTION,
          difference_pages.confirm, _PARENT),

    _get("/console/clearing", Right.CLEARING, clearing_pages.overview_page),
    _get("/console/clearing/day", Right.CLEARING, clearing_pages.day_page),

    _get("/console/search", Right.SEARCH, search_pages.search),
    _post("/console/search/person", Right.PERSON, search_pages.find_person, _PARENT),
    _post("/console/search/name", Right.PERSON, search_pages.find_named, _PARENT),
    _get("/console/people/([0-9A-Za-z_-]{20,400})", Right.PERSON, search_pages.person),
    _get(f"/console/settlements/{NUMBER}", Right.CASE, case_pages.case),

    _get(f"/console/settlements/{NUMBER}/sheet", Right.SHEET, sheet_pages.sheet),
    _get(f"/console/settlements/{NUMBER}/sheet.pdf", Right.SHEET, sheet_pages.pdf),
    _post(f"/console/settlements/{NUMBER}/sheet/print", Right.PRINT, sheet_pages.print_it,
          _PARENT),
    _get("/console/sheet-check", Right.SHEET, sheet_pages.check_form),
    _post("/console/sheet-check", Right.SHEET, sheet_pages.check),

    _get("/console/statements", Right.STATEMENT, statement_pages.statements),
    _get("/console/statements/download", Right.STATEMENT, statement_pages.download),

    _get("/console/payouts", Right.PAYOUTS, payout_pages.periods),
    _post("/console/payouts/state", Right.PAY, payout_pages.state, _PARENT),
    _file("/console/payouts/bank", Right.PAY, payout_pages.read_bank, _PARENT),
    _post("/console/payouts/bank/confirm", Right.CONFIRM_PAY, payout_pages.book_bank,
          "(/console/payouts)/"),
    _get("/console/payouts/vouchers", Right.PAY_FILES, payout_pages.vouchers),
    _get("/console/payouts/payers", Right.MONEY, fund_payer_pages.overview),
    _get(f"/console/payouts/{DAY}/funds/{FUND}", Right.MONEY, fund_payer_pages.due),
    _get(f"/console/payouts/{DAY}/funds/{FUND}/([0-9A-Za-z]{{1,30}})", Right.MONEY,
         fund_payer_pages.settlements),
    _get(f"/console/payouts/{DAY}", Right.PAYOUTS, payout_pages.period),
    _post(f"/console/payouts/{DAY}/confirm", Right.PAY, payout_pages.confirm, _PARENT),
    _post(f"/console/payouts/{DAY}/propose", Right.PAY, payout_pages.propose, _PARENT),
    _post(f"/console/payouts/{DAY}/order", Right.CONFIRM_PAY, payout_pages.order, _PARENT),
    _post(f"/console/payouts/{DAY}/close", Right.PAY, payout_pages.close, _PARENT),
    _post(f"/console/payouts/{DAY}/batch", Right.CONFIRM_PAY, payout_pages.book_batch, _PARENT),
    _file(f"/console/payouts/{DAY}/adjust", Right.PAY, payout_pages.adjust_file, _PARENT),
    _file(f"/console/payouts/{DAY}/deposits", Right.PAY, payout_pages.deposits, _PARENT),
    _get(f"/console/payouts/{DAY}/bank-files", Right.PAY_FILES, payout_pages.bank_files),
    _get(f"/console/payouts/{DAY}/{CODE}", Right.PAYOUTS, payee_pages.payout),
    _get(f"/console/payouts/{DAY}/{CODE}/notice", Right.PAYOUTS, payee_pages.notice),
    _post(f"/console/payouts/{DAY}/{CODE}/confirm", Right.PAY, payee_pages.confirm, _PARENT),
    _post(f"/console/payouts/{DAY}/{CODE}/propose", Right.PAY, payee_pages.propose, _PARENT),
    _post(f"/console/payouts/{DAY}/{CODE}/order", Right.CONFIRM_PAY, payee_pages.order, _PARENT),
    _post(f"/console/payouts/{DAY}/{CODE}/close", Right.PAY, payee_pages.close, _PARENT),
    _post(f"/console/payouts/{DAY}/{CODE}/adjust", Right.PAY, payee_pages.adjust, _PARENT),
    _post(f"/console/payouts/{DAY}/{CODE}/withdraw", Right.PAY, payee_pages.withdraw, _PARENT),
    _get(f"/console/payees/{CODE}", Right.PAY_FILES, payee_pages.account),
    _post(f"/console/payees/{CODE}/propose", Right.PAY, payee_pages.propose_account, _PARENT),
    _post(f"/console/payees/{CODE}/confirm", Right.CONFIRM_PAY, payee_pages.confirm_account,
          _PARENT),

    _get("/console/regions", Right.REGIONS, regional_pages.overview),
    _get("/console/regions/files", Right.REGIONS, region_file_pages.files),
    _get(f"/console/regions/files/{NUMBER}/file", Right.REGIONS, region_file_pages.as_it_came),
    _get(f"/console/regions/{MONTH}/{PARTY}/{SIDE}", Right.REGIONS, regional_pages.period),
    _get(f"/console/regions/{MONTH}/{PARTY}/{SIDE}/legs", Right.REGIONS, regional_pages.legs),
    _get(f"/console/regions/{MONTH}/{PARTY}/{SIDE}/papers", Right.REGIONS,
         regional_pages.papers_to_carry),
    _post("/console/regions/state", Right.CLEAR_REGIONS, regional_act_pages.state, _PARENT),
    _post("/console/regions/try", Right.CLEAR_REGIONS, regional_act_pages.try_to_state, _PARENT),
    _file("/console/regions/take", Right.CLEAR_REGIONS, regional_act_pages.take, _PARENT),
    _get(f"/console/regions/{MONTH}/checked/{SHA}", Right.CLEAR_REGIONS,
         regional_act_pages.checked),
    _post(f"/console/regions/{MONTH}/checked/{SHA}/take", Right.CLEAR_REGIONS,
          regional_act_pages.keep, _PARENT),
    *_REGION_ACTS,
    _get("/console/regions/prepayments", Right.REGIONS, regional_prepaid_pages.prepayments),
    _post("/console/regions/prepayments/quota", Right.CLEAR_REGIONS,
          regional_prepaid_pages.fix_quota, _PARENT),
    _post("/console/regions/prepayments/try", Right.CLEAR_REGIONS,
          regional_prepaid_pages.try_quota, _PARENT),
    _post("/console/regions/prepayments/propose", Right.CLEAR_REGIONS,
          regional_prepaid_pages.propose, _PARENT),
    _post("/console/regions/prepayments/confirm", Right.CONFIRM_REGIONS,
          regional_prepaid_pages.confirm, _PARENT),
    _get(f"/console/regions/days/{DAY}/{PARTY}/{SIDE}", Right.REGIONS, regional_day_pages.day),
    _post(f"/console/regions/days/{DAY}/{PARTY}/{SIDE}/propose", Right.CORRECT,
          regional_day_pages.propose, _PARENT),
    _post(f"/console/regions/days/{DAY}/{PARTY}/{SIDE}/send-back", Right.CORRECT,
          regional_day_pages.send_back, _PARENT),
    _post(f"/console/regions/days/{DAY}/{PARTY}/{SIDE}/confirm", Right.CONFIRM_CORRECTION,
          regional_day_pages.confirm, _PARENT),

    _get("/console/reimbursements", Right.REIMBURSEMENTS, reimbursement_pages.overview),
    _get("/console/reimbursements/papers.csv", Right.REIMBURSE, reimbursement_pages.blank),
    _get("/console/reimbursements/bank-files", Right.PAY_FILES, reimbursement_pages.bank_files),
    _post("/console/reimbursements/person", Right.REIMBURSEMENTS,
          reimbursement_pages.find_person, _PARENT),
    _get("/console/reimbursements/of/([0-9A-Za-z_-]{20,400})", Right.REIMBURSEMENTS,
         reimbursement_pages.of_person),
    _file("/console/reimbursements/accept", Right.REIMBURSE, reimbursement_pages.accept, _PARENT),
    _post("/console/reimbursements/propose", Right.REIMBURSE, reimbursement_pages.propose,
          _PARENT),
    _post("/console/reimbursements/order", Right.CONFIRM_REIMBURSE, reimbursement_pages.order,
          _PARENT),
    _get(f"/console/reimbursements/{NUMBER}", Right.REIMBURSEMENTS,
         reimbursement_case_pages.case),
    *_REIMBURSEMENT_ACTS,
    _file(f"/console/reimbursements/{NUMBER}/amend", Right.REIMBURSE,
          reimbursement_case_pages.amend, _PARENT),
    _post(f"/console/reimbursements/{NUMBER}/account", Right.REIMBURSE,
          reimbursement_case_pages.account, _PARENT),

    _get("/console/close", Right.CLOSE, close_pages.months),
    _get(f"/console/close/{MONTH}", Right.CLOSE, close_pages.month),
    _get(f"/console/close/{MONTH}/report", Right.CLOSE, close_pages.report),
    _post(f"/console/close/{MONTH}/begin", Right.CLOSE_MONTH, close_pages.begin, _PARENT),
    _post(f"/console/close/{MONTH}/days", Right.CLOSE_MONTH, close_pages.days, _PARENT),
    _post(f"/console/close/{MONTH}/verify", Right.CLOSE_MONTH, close_pages.verify, _PARENT),
    _post(f"/console/close/{MONTH}/propose", Right.CLOSE_MONTH, close_pages.propose, _PARENT),
    _post(f"/console/close/{MONTH}/confirm", Right.CONFIRM_CLOSE, close_pages.confirm, _PARENT),
    _post(f"/console/close/{MONTH}/seal", Right.CONFIRM_CLOSE, close_pages.seal, _PARENT),
    _get("/console/seals", Right.SEALS, seal_pages.sealed_months),
    _get(f"/console/seals/{MONTH}", Right.SEALS, seal_pages.sealed_month),
    _get(f"/console/seals/{MONTH}/published", Right.SEALS, seal_pages.published),
    _get(f"/console/seals/{MONTH}/proof", Right.SEALS, seal_pages.proof),

    _get("/console/money", Right.MONEY, money_pages.files),
    _file("/console/money/check", Right.MONEY_FILE, money_pages.check, _PARENT),
    _get(f"/console/money/checked/{SHA}", Right.MONEY_FILE, money_pages.checked),
    _post(f"/console/money/checked/{SHA}/propose", Right.MONEY_FILE, money_pages.propose,
          _PARENT),
    _get("/console/money/interest", Right.MONEY_FILE, money_extra_pages.interest),
    _post("/console/money/interest/compute", Right.MONEY_FILE, money_extra_pages.compute,
          _PARENT),
    _post(f"/console/money/interest/check/{SHA}", Right.MONEY_FILE, money_extra_pages.check,
          "(/console/money/interest)/"),
    _get("/console/money/report", Right.MONEY, money_extra_pages.report),
    _get(f"/console/money/{SUBJECT}/{FILE_NO}", Right.MONEY, money_pages.file),
    _post(f"/console/money/{SUBJECT}/{FILE_NO}/confirm", Right.CONFIRM_MONEY, money_pages.confirm,
          _PARENT),
    _post(f"/console/money/{SUBJECT}/{FILE_NO}/reject", Right.MONEY_FILE, money_pages.reject,
          _PARENT),

    _get("/console/works", Right.WORKS, work_pages.works),
    _get(f"/console/works/{SHORT}", Right.WORKS, work_pages.work),
    _post(f"/console/works/{SHORT}/cancel", Right.CANCEL_WORK, work_pages.cancel, _PARENT),

    _get("/console/institutions", Right.INSTITUTIONS, institution_pages.institutions),
    _get("/console/institution-choices", Right.INSTITUTIONS, choosing.choices),
    _get("/console/institutions/([0-9A-Za-z]{1,30})", Right.INSTITUTIONS,
         institution_pages.institution),
    _get("/console/switches", Right.SWITCHES, place_pages.switches),
    _post("/console/switches", Right.SWITCH, place_pages.turn),

    _get("/console/bills", Right.BILLS, bill_pages.bills),
    _file("/console/bills/check", Right.TAKE_BILL, bill_taking_pages.check, _PARENT),
    _get(f"/console/bills/checked/{SHA}", Right.TAKE_BILL, bill_taking_pages.checked),
    _post(f"/console/bills/checked/{SHA}/take", Right.TAKE_BILL, bill_taking_pages.keep,
          _PARENT),
    _get(f"/console/bills/{NUMBER}", Right.BILLS, bill_pages.bill),
    _get(f"/console/bills/{NUMBER}/file", Right.BILL_FILE, bill_pages.bill_file),

    _get("/console/institution-files", Right.INSTITUTION_FILES, institution_file_pages.files),
    _file("/console/institution-files/check", Right.TAKE_INSTITUTION_FILE,
          institution_file_pages.check, _PARENT),
    _get(f"/console/institution-files/checked/{SHA}", Right.TAKE_INSTITUTION_FILE,
         institution_file_pages.checked),
    _post(f"/console/institution-files/checked/{SHA}/take", Right.TAKE_INSTITUTION_FILE,
          institution_file_pages.keep, _PARENT),
    _get(f"/console/institution-files/{NUMBER}", Right.INSTITUTION_FILES,
         institution_file_pages.file),
    _get(f"/console/institution-files/{NUMBER}/file", Right.INSTITUTION_FILES,
         institution_file_pages.as_it_came),

    _get("/console/policy", Right.POLICY, policy_pages.policy),
    _get("/console/policy/difference", Right.POLICY, policy_pages.difference),
    _get("/console/catalogue", Right.CATALOGUE, policy_pages.catalogue),

    _get("/console/filings", Right.FILINGS, filing_pages.filings),
    _post("/console/filings/person", Right.FILINGS, filing_pages.find_person, _PARENT),
    _get("/console/filings/of/([0-9A-Za-z_-]{20,400})", Right.FILINGS, filing_pages.of_person),
    _get(f"/console/filings/{NUMBER}", Right.FILINGS, filing_pages.filing),

    _get("/console/notices", Right.NOTICES, notice_pages.notices),
    _get(f"/console/notices/{NUMBER}", Right.NOTICES, notice_pages.notice),

    _get("/console/audit", Right.AUDIT, audit_pages.audit),

    _get("/console/users", Right.SEE_USERS, user_pages.users_page),
    _post("/console/users/add", Right.USERS, user_pages.add, _PARENT),
    _post("/console/users/change", Right.USERS, user_pages.change, _PARENT),
)  # fmt: skip
