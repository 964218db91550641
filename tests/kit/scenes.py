"""What towns have been through, for tests of verification: each scene fills other tables.

A scene plays in a town of its own. Tests of what belongs to one scene tamper by hand; the drill
(tests/tamper_run.py) plays all of them and changes every value that it finds.
"""

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

import msgspec
import xlsxwriter

from loadtest.drills.bill_import import MERCHANTS
from loadtest.simulators.insured_region import Fault
from protocol.hub.clearing import DayList
from protocol.hub.messages import Kind as HubKind
from protocol.wechat.bills import FUND_COLUMNS, TRADE_COLUMNS, trade_summary, write_bill
from settlement.books.money_in import Subject
from settlement.books.payout import Kind
from settlement.channels.registry import NO_TILLS
from settlement.claim import AccountUse
from settlement.elsewhere.regional_clearing import Side
from settlement.elsewhere.regional_prepayment import PrepaidAct
from settlement.finance import bill_books
from settlement.finance.bill_import import Order
from settlement.finance.bill_import import take as take_bill
from settlement.finance.bill_sources import Claimed, Received
from settlement.finance.days import close_days
from settlement.finance.desk import act_on_month
from settlement.finance.institution_import import Claim
from settlement.finance.institution_import import take as take_file
from settlement.people.matter_states import Happening
from settlement.said import Said
from settlement.serve import regional_paying as clearing
from settlement.serve import regional_prepaid as prepaid
from settlement.serve.regional_desk import Named, acting_on
from settlement.serve.regional_files import keep_as_it_came
from settlement.serve.regional_periods import acting
from settlement.serve.regional_stating import state
from settlement.who import Who
from tests.kit.abroad import Abroad
from tests.kit.cashier import CASH, Cashier
from tests.kit.citizen_app import a_city_app
from tests.kit.clerks import Office as Clerks
from tests.kit.closing import CHEN, LIN, SIGNING, an_office
from tests.kit.importing import Office
from tests.kit.mobile import Platform
from tests.kit.money import Treasury
from tests.kit.payouts import Payouts, asked, assert_good, bank_row
from tests.kit.population import CLASS_A, CLASS_C, DEAR, PHARMACY, PLAIN, REGION, some
from tests.kit.regions import CHANGSHA, HUNAN, an_operator, treated_here
from tests.kit.reimbursing import WU, Counter
from tests.kit.reply import assert_done
from tests.kit.scanner import Scanner
from tests.kit.strangers import CHANGSHA as INSURED_THERE
from tests.kit.strangers import Elsewhere
from tests.kit.till import WALLET
from tests.kit.town import Town
from tests.kit.ward import admit

Scene = Callable[[Town, Path], Awaitable[None]]
FAMILY = "input.druginfo.acct_used_flag"
MONTH = date(2026, 11, 1)


async def counters(town: Town, _: Path) -> None:
    """A day at counters: sold, cancelled, reversed, helped by a relative, visited, listed."""
    sold = await town.pharmacy.sell(town.someone(), some(CLASS_A))
    assert_done(await town.pharmacy.send(town.pharmacy.cancel(sold)))
    sale = town.pharmacy.sale(town.someone(), some(DEAR))
    assert_done(await town.pharmacy.send(sale))
    patient, donor = town.people(2)
    await town.bind(patient, donor)
    shared = town.pharmacy.sale(patient, some(DEAR, 2)).edited({FAMILY: "2"})
    assert_done(await town.pharmacy.send(shared))
    basket = (some(CLASS_A), some(CLASS_C))
    visit = await town.hospital.open_visit(town.someone(), *basket)
    assert_done(await visit.settle(*basket))
    await town.switch("person", donor.number, on=True)
    await town.list_statements()


async def scans(town: Town, _: Path) -> None:
    """Paid by scan over a channel, a part given back; and one that is still looked after."""
    scanner = Scanner(PHARMACY, town.service)
    order = scanner.order(town.someone(), DEAR, 3, pay_code=WALLET)
    assert (await scanner.scan(order)).status == "settled"
    await scanner.refund(order["order_no"], "R1", lines=[{"feedetl_sn": "1", "cnt": 1}])


async def mobile(town: Town, _: Path) -> None:
    """An order of mobile payment that was paid, and one that waits."""
    platform = Platform(town, town.hospital)
    order = await platform.upload(town.someone(), some(DEAR, 2))
    assert_done(await order.pay())
    await platform.upload(town.someone(), some(CLASS_A))


async def carried(town: Town, directory: Path) -> None:
    """What the system before left: accumulators, a balance, a stay, an old settlement."""
    office = Office(town=town, directory=directory)
    one = town.someone()
    paid = "outpatient.paid.310102"
    openings = [
        {"psn_no": one.number, "year": 2026, "accumulators": f"{paid}:500.00", "source": "旧系统"},
        {"psn_no": town.someone().number, "year": 2026, "balance": "8.80", "source": "旧系统"},
    ]  # fmt: skip
    assert (await office.carry("openings", openings)).booked
    old = {
        "fixmedins_code": PHARMACY.code, "psn_no": one.number, "earlier_setl_id": "S-1",
        "infno": "2102", "setl_time": "2026-11-02 09:30:00", "insutype": "310", "psn_type": "11",
        "med_type": "41", "medfee_sumamt": "100.00", "preselfpay_amt": "8.00",
        "funds": "310102:60.00", "acct_pay": "25.00", "accumulators": f"{paid}:60.00",
        "source": "旧系统结算",
    }  # fmt: skip
    assert (await office.carry("settlements", [old])).booked
    stay = {
        "fixmedins_code": town.hospital.code, "psn_no": town.someone().number,
        "earlier_mdtrt_id": "Z1", "ipt_no": "Z-1", "insutype": "310", "med_type": "21",
        "begntime": town.clock.local - timedelta(20), "source": "旧系统在院",
    }  # fmt: skip
    assert (await office.carry("stays", [stay])).booked


async def deposits(town: Town, _: Path) -> None:
    """One stay: two deposits, parts of them given back, the rest used, twice."""
    cashier = Cashier(town.service)
    stay = await admit(town.hospital, town.someone(), some(DEAR, 2))
    first = await cashier.pay_in(stay.mdtrt_id, "500", pay_code=WALLET)
    second = await cashier.pay_in(stay.mdtrt_id, "300", tender=CASH)
    await cashier.refund(first["order_no"], "VR1", amount="100")
    await cashier.refund(second["order_no"], "VR2", amount="50")
    assert_done(await town.hospital.send(stay.discharge()))
    settled = await stay.settle(Decimal("4000.00"), account=False)
    assert_done(await town.hospital.send(stay.cancel(settled)))
    assert_done(await stay.settle(Decimal("4000.00"), account=False))


async def matters(town: Town, _: Path) -> None:
    """Transfers of personal accounts out and in, and a filing that was taken back."""
    async with a_city_app(town) as app:
        office = Clerks(town)
        who, other = town.people(2)
        out = await app.post(who, "transfers", {"direction": "out", "region": "430100"})
        for happening in (Happening.TAKEN_OUT, Happening.PAID):
            await office.book(out.said["matter_no"], happening, 1_234, "LX-1", months=7)
        await office.book(await office.bring_in(other), Happening.PAID, 4_321, "测试“LX”-2")
        number = (await app.file(who, reason="测试\"'\\")).said["matter_no"]
        await app.post(who, f"matters/{number}/cancel", {"note": "测试\n\"撤销\""})
        await app.file(other, "resident")


async def money(town: Town, directory: Path) -> None:
    """Something was allotted, and clawed back beyond what was there; and income."""
    treasury = Treasury(town=town, directory=directory)
    one, other = town.someone(), town.someone()
    base = {"fund_pay_type": "", "reference": ""}
    await treasury.book(treasury.sent(Subject.ACCOUNTS, [
        {"psn_no": one.number, "amount": "10.00", "source": "contribution", **base},
        {"psn_no": other.number, "amount": "99999.00", "source": "claw_back", **base},
    ]))  # fmt: skip
    await treasury.book(treasury.sent(Subject.INCOME, [
        {"insutype": "310", "fund_pay_type": "310102", "amount": "5.00",
         "source": "contribution", "reference": "1"},
    ]))  # fmt: skip


async def payouts(town: Town, directory: Path) -> None:
    """The pharmacy was paid for a month, a deduction less."""
    code = town.pharmacy.code
    paying = Payouts(town)
    await paying.account(code)
    assert_done(await town.pharmacy.sell(town.someone(), some(CLASS_A)))
    assert_good(await paying.state())
    await paying.adjusted(asked(code, Kind.DEDUCTION, 100))
    assert_good(await paying.confirm(code))
    assert_good(await paying.propose(code))
    assert_good(await paying.order(directory, code))
    order = (await paying.found(code)).now.order
    assert order is not None
    fen = order.amounts.total_fen
    await paying.banked(
        bank_row(order.reference, fen, "B1"), bank_row(order.reference, fen, "B2", paid=False)
    )


async def regions(town: Town, _: Path) -> None:
    """Hunan paid for a month, and paid in its prepayment. A file of Changsha's was taken."""
    who, other = Who(actor="陈会计", reason="月度清算"), Who(actor="林科长", reason="复核")
    sold = await town.pharmacy.sell(town.someone(), some(CLASS_A))
    leg = await treated_here(town, sold.setl_id, CHANGSHA)
    town.clock.move_to(datetime(2026, 12, 8, 9, 0))
    books = await an_operator(town)
    await state(books, MONTH, None, who, None)
    named = Named(month=MONTH, party=HUNAN, side=Side.TREATMENT)
    for said in (
        await acting_on(books, named, lambda b, f: clearing.confirm(b, f, who)),
        await acting_on(books, named, lambda b, f: clearing.notify(b, f, "N", leg.owed_fen, who)),
        await acting_on(books, named, lambda b, f: clearing.propose(b, f, "V", who)),
        await acting_on(books, named, lambda b, f: clearing.settle(b, f, "V", other)),
    ):
        assert said.status == 0, said.text
    day = DayList(
        told_by=CHANGSHA, treated=REGION, insured=CHANGSHA, day=date(2026, 12, 7), rows=()
    )
    await keep_as_it_came(books, Said(0, "compared"), {"day.json": msgspec.json.encode(day)}, who)
    args = (books, HUNAN, Side.TREATMENT, PrepaidAct.IN, 100, "P")
    await acting(books, HUNAN, lambda: prepaid.propose(*args, who))
    said = await acting(books, HUNAN, lambda: prepaid.move(*args, other))
    assert said.status == 0, said.text


async def reimbursements(town: Town, directory: Path) -> None:
    """One bill was reimbursed and paid, and another taken back."""
    counter = Counter(town)
    paid = await counter.settled(
        counter.papers(town.someone(), DEAR, nights=2, account=AccountUse.OWN)
    )
    amounts = paid.kept.steps[-1].amounts
    order = await counter.ordered(directory, paid.filed.number)
    await counter.banked(
        bank_row(order, amounts.total_fen, "B1"),
        bank_row(order, amounts.total_fen, "B2", paid=False),
    )
    taken = await counter.settled(counter.papers(town.someone(), DEAR, nights=1))
    assert_good(await counter.cancel(taken.filed.number))
    assert_good(await counter.cancel(taken.filed.number, WU, confirm=True))


async def sealed(town: Town, _: Path) -> None:
    """November is sealed."""
    for day in (24, 30):
        town.clock.move_to(datetime(2026, 11, day, 9, 0))
        assert_done(await town.pharmacy.sell(town.someone(), some(CLASS_A)))
    town.clock.move_to(datetime(2026, 12, 1, 9, 0))
    office = await an_office(town)
    await close_days(
        town.owner, office.home, through=date(2026, 11, 30), at=town.clock(), key=SIGNING
    )
    await town.list_statements()
    for act, who, confirm in (
        ("begin", CHEN, False), ("verify", CHEN, False), ("close", CHEN, False),
        ("close", LIN, True), ("seal", CHEN, False),
    ):  # fmt: skip
        said = await act_on_month(office, MONTH, act, who, confirm=confirm)
        assert said.status == 0, said.text


async def treated_elsewhere(town: Town, _: Path) -> None:
    """Somebody of ours was treated in another region."""
    abroad = Abroad(town.service, town.clock)
    case = abroad.case(town.someone())
    await abroad.settle(case)


async def strangers(town: Town, _: Path) -> None:
    """Somebody of another region was treated here, and a case waits for its answer."""
    there = Elsewhere(town, INSURED_THERE)
    await there.open()
    _, shown = await there.arrives()
    assert_done(await there.pharmacy.sell(shown, some(PLAIN[3])))
    _, waiting = await there.arrives()
    there.region.fail(HubKind.SETTLE, Fault.LOST)
    assert (await there.pharmacy.sell(waiting, some(PLAIN[3]))).err_code


async def bills(town: Town, directory: Path) -> None:
    """A bill of WeChat with a payment and a refund, one of its funds, and a pharmacy's own file."""
    sold = await town.pharmacy.sell(town.someone(), some(CLASS_A))
    books = await bill_books.open_books(town.owner, NO_TILLS, clock=town.clock)
    order = Order(actor="zhang", reason="测试导入")
    for content in (wechat_trade(town.clock.local.date()), wechat_funds(town.clock.local.date())):
        received = Received(name="bill", open=partial(io.BytesIO, content))
        await take_bill(books, received, Claimed(merchant=MERCHANTS["wechat"]), order)
    path = directory / "pharmacy.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ("结算ID", "医疗费总额", "基金支付总额", "个人账户支出",
                               "退费结算标志"))  # fmt: skip
        amounts = (sold.money(name) for name in ("medfee_sumamt", "fund_pay_sumamt", "acct_pay"))
        sheet.write_row(1, 0, (sold.setl_id, *map(str, amounts), "0"))
    day = town.clock.local.date()
    await take_file(books, path, Claim(institution=PHARMACY.code, first=day, last=day), order)


def wechat_trade(day: date) -> bytes:
    """A payment of 12.34 yuan, and 2.00 of another given back."""
    paid = dict.fromkeys(TRADE_COLUMNS, "") | {
        "交易时间": f"{day} 10:00:01", "商户号": MERCHANTS["wechat"], "特约商户号": "0",
        "微信订单号": f"42000{1:023d}", "商户订单号": "X1", "交易状态": "SUCCESS",
        "应结订单金额": "12.34", "代金券金额": "0.00", "微信退款单号": "0", "商户退款单号": "0",
        "退款金额": "0.00", "充值券退款金额": "0.00", "商品名称": "测试药店",
        "手续费": "0.07404", "订单金额": "12.34", "申请退款金额": "0.00",
    }  # fmt: skip
    back = paid | {
        "交易状态": "REFUND", "应结订单金额": "0.00", "订单金额": "0.00", "退款金额": "2.00",
        "申请退款金额": "2.00", "微信退款单号": "500002", "商户退款单号": "R2",
        "商户订单号": "X2", "退款状态": "SUCCESS", "手续费": "-0.01200",
    }  # fmt: skip
    return write_bill(TRADE_COLUMNS, (paid, back), trade_summary((paid, back), "0.06204"))


def wechat_funds(day: date) -> bytes:
    """What came in by a payment, and went out as its fee."""
    rows = [
        dict.fromkeys(FUND_COLUMNS, "") | {
            "记账时间": f"{day} 11:00:00", "微信支付业务单号": "4200", "资金流水单号": str(number),
            "业务类型": why, "收支类型": way, "收支金额(元)": amount, "账户结余(元)": left,
            "业务凭证号": "X1",
        }
        for number, (why, way, amount, left) in enumerate(
            (("交易", "收入", "12.34", "100.00"), ("扣除交易手续费", "支出", "0.07", "99.93"))
        )
    ]  # fmt: skip
    return write_bill(FUND_COLUMNS, rows, {
        "资金流水总笔数": "2", "收入笔数": "1", "收入金额": "12.34", "支出笔数": "1",
        "支出金额": "0.07",
    })  # fmt: skip


SCENES: Mapping[str, Scene] = {
    "counters": counters, "scans": scans, "mobile": mobile, "carried": carried,
    "deposits": deposits, "matters": matters, "money": money, "payouts": payouts,
    "regions": regions, "reimbursements": reimbursements, "sealed": sealed,
    "treated elsewhere": treated_elsewhere, "strangers": strangers, "bills": bills,
}  # fmt: skip
