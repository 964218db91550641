"""The desk: takes commands to their use cases, with the clock and the reference data of the moment.

A batch is decided in waves: each wave has at most one command of a person, so that the second one
sees what the first one does. Within a wave persons do not concern each other, so commands of one
kind are decided together, and what is decided in steps a step at a time (usecases/steps.py).

Pure but for the clock it is given. A use case that raises is our own fault: that one case is
refused and reported, its batch goes on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

from settlement import clock
from settlement.clock import Clock, Moment
from settlement.commands import (
    AdmitStay,
    Cancel,
    ChangeStay,
    CheckEntitlement,
    Command,
    DescribeVisit,
    DischargeStay,
    EndUndertaking,
    FilePerson,
    FindAccumulators,
    FindFilings,
    FindMedicines,
    FindSettlement,
    FindVisits,
    HoldForRelative,
    KeepList,
    KeepUpload,
    LookUpPerson,
    MapItems,
    Purchase,
    RegisterVisit,
    ResolveHold,
    ReturnPayment,
    Reverse,
    SettleStay,
    SettleVisit,
    UnmapItem,
    UploadLines,
    UploadStayLines,
    WithdrawAdmission,
    WithdrawDischarge,
    WithdrawFiling,
    WithdrawLines,
    WithdrawStayLines,
    WithdrawVisit,
)
from settlement.decision import Decision
from settlement.elsewhere.home_commands import (
    CancelCase,
    FindCase,
    LookUpInsured,
    ReverseCase,
    ShareCase,
)
from settlement.elsewhere.remote_commands import KeepStranger, ReportCase
from settlement.keyring import ErasedError
from settlement.payments.mobile_commands import (
    CloseOrder,
    ConfirmOrder,
    FindMobileOrder,
    PlaceOrder,
    RefundMobileOrder,
    UploadOrder,
)
from settlement.payments.pay_commands import (
    ConfirmAdmission,
    ExpireRequest,
    FindDeposits,
    FindOrder,
    HoldDeposit,
    HoldPlainSale,
    HoldSale,
    HoldStay,
    HoldVisit,
    PayOnPhone,
    Report,
    RequestAdmission,
    TakeBack,
)
from settlement.people.my_commands import (
    ApplyOffSite,
    AskTransfer,
    Authorise,
    ChangeMatter,
    MoveAccount,
    ShowMine,
    TellPapers,
)
from settlement.refusal import Refusal
from settlement.usecases import (
    account_transfers,
    admissions,
    authorisations,
    cancel,
    deposits,
    enquire,
    family,
    filings,
    home_cases,
    home_persons,
    home_undo,
    mappings,
    matter_changes,
    matters,
    mobile,
    mobile_ending,
    off_site_filings,
    papers_told,
    past_care,
    paying,
    persons,
    refunding,
    relatives,
    remote_report,
    sale,
    settle,
    settle_stay,
    stay_lines,
    stays,
    strangers,
    uploads,
    visit_lines,
    visit_pay,
    visits,
    webhooks,
)
from settlement.usecases.steps import Steps
from settlement.view import View
from settlement.world import World

UseCase = Callable[[Any, View, World, Moment], Decision]

USE_CASES: dict[type[Command], UseCase] = {
    Purchase: sale.purchase,
    SettleVisit: settle.settle_visit,
    Cancel: cancel.cancel,
    Reverse: cancel.reverse,
    RegisterVisit: visits.register,
    WithdrawVisit: visits.withdraw,
    DescribeVisit: visits.describe,
    UploadLines: visit_lines.upload,
    WithdrawLines: visit_lines.withdraw_lines,
    AdmitStay: stays.admit,
    ChangeStay: stays.change,
    DischargeStay: stays.discharge,
    WithdrawDischarge: stays.withdraw_discharge,
    WithdrawAdmission: stays.withdraw_admission,
    UploadStayLines: stay_lines.upload,
    WithdrawStayLines: stay_lines.withdraw_lines,
    SettleStay: settle_stay.settle_stay,
    FilePerson: filings.file_person,
    WithdrawFiling: filings.withdraw,
    FindFilings: filings.find_filings,
    KeepUpload: uploads.keep,
    KeepList: uploads.keep_list,
    MapItems: mappings.map_items,
    UnmapItem: mappings.unmap_item,
    CheckEntitlement: persons.check_entitlement,
    LookUpPerson: persons.look_up,
    FindSettlement: enquire.find_settlement,
    FindVisits: enquire.find_visits,
    FindMedicines: past_care.find_medicines,
    FindAccumulators: past_care.find_accumulators,
    HoldForRelative: relatives.hold,
    ResolveHold: relatives.resolve,
    ReturnPayment: relatives.give_back,
    EndUndertaking: family.end_undertaking,
    HoldSale: paying.hold_sale,
    HoldPlainSale: paying.hold_plain_sale,
    Report: webhooks.told(paying.report),
    PayOnPhone: paying.pay_on_phone,
    FindOrder: paying.find_order,
    TakeBack: refunding.take_back,
    UploadOrder: mobile.upload,
    PlaceOrder: mobile.place,
    ConfirmOrder: mobile.confirm,
    FindMobileOrder: mobile.find,
    CloseOrder: mobile_ending.close,
    RefundMobileOrder: mobile_ending.refund,
    HoldDeposit: deposits.hold_deposit,
    FindDeposits: deposits.find_deposits,
    RequestAdmission: admissions.request,
    ConfirmAdmission: admissions.confirm,
    ExpireRequest: admissions.expire,
    HoldVisit: visit_pay.hold_visit,
    HoldStay: visit_pay.hold_stay,
    ApplyOffSite: off_site_filings.apply,
    Authorise: authorisations.authorise,
    AskTransfer: account_transfers.ask,
    TellPapers: papers_told.tell,
    MoveAccount: account_transfers.move,
    ChangeMatter: matter_changes.change,
    ShowMine: matters.show,
    LookUpInsured: home_persons.look_up,
    ShareCase: home_cases.share,
    FindCase: home_cases.find,
    CancelCase: home_undo.cancel,
    ReverseCase: home_undo.reverse,
    KeepStranger: strangers.keep,
    ReportCase: webhooks.told_of_case(remote_report.report),
}
"""Every command and the use case that decides it."""

IN_STEPS: dict[type[Command], Steps] = {
    Purchase: sale.STEPS,
    SettleVisit: settle.STEPS,
    UploadLines: visit_lines.STEPS,
}
"""Those of them that a wave decides a step at a time."""

OnFailure = Callable[[Command, Exception], None]


class DecisionDesk:
    """Decides commands against a world that is replaced as a whole when reference data changes."""

    def __init__(
        self, world: World, *, read_clock: Clock, day_cut: timedelta, failed: OnFailure
    ) -> None:
        self.world = world
        self.closed_through: date | None = None
        self._clock = read_clock
        self._day_cut = day_cut
        self._failed = failed

    def decide_all(self, commands: Sequence[Command], view: View, moment: Moment) -> list[Decision]:
        """The decisions on the commands of a batch, in their order; `view` is left as they leave
        it. A use case that raises becomes an INTERNAL refusal."""
        decisions: dict[int, Decision] = {}
        for wave in _waves(commands):
            for kind, alike in _by_kind(wave, commands).items():
                if kind in IN_STEPS:
                    decisions |= IN_STEPS[kind].decide_all(
                        alike, view, self.world, moment, self._refused
                    )
                    continue
                for n, command in alike.items():
                    decisions[n] = self._decide(command, view, moment)
            for n in wave:
                effects = decisions[n].effects
                if effects is not None:
                    view.apply(effects)
        return [decisions[n] for n in range(len(commands))]

    def _decide(self, command: Command, view: View, moment: Moment) -> Decision:
        try:
            return USE_CASES[type(command)](command, view, self.world, moment)
        except Exception as exc:
            return self._refused(command, exc)

    def _refused(self, command: Command, exc: Exception) -> Decision:
        if isinstance(exc, ErasedError):
            return Decision(Refusal(code="DATA_ERASED"))
        self._failed(command, exc)
        return Decision(Refusal(code="INTERNAL"))

    def now(self) -> Moment:
        """The clock, with the first business day that is still open."""
        not_before = None if self.closed_through is None else self.closed_through + timedelta(1)
        return clock.moment(self._clock, day_cut=self._day_cut, not_before=not_before)


def _waves(commands: Sequence[Command]) -> list[list[int]]:
    """Numbers of the commands; a person's first one is in the first wave, and so on."""
    waves: list[list[int]] = []
    met: dict[str, int] = {}
    for number, command in enumerate(commands):
        person_no = command.asked.person_no
        wave = 0
        if type(command) is not LookUpPerson:  # it names nobody, and changes nothing
            wave = met.get(person_no, 0)
            met[person_no] = wave + 1
        if wave == len(waves):
            waves.append([])
        waves[wave].append(number)
    return waves


def _by_kind(
    wave: Sequence[int], commands: Sequence[Command]
) -> dict[type[Command], dict[int, Command]]:
    """The commands of a wave by number, those of one kind together."""
    kinds: defaultdict[type[Command], dict[int, Command]] = defaultdict(dict)
    for number in wave:
        command = commands[number]
        kinds[type(command)][number] = command
    return kinds
