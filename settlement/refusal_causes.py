"""What each refusal means, in English: for a programmer, beside the text for a cashier.

Made from docs/reference/errors.md by tools/causes.py; a tidy test keeps both equal.
"""

from __future__ import annotations

from collections.abc import Mapping

CAUSES: Mapping[str, str] = {
    "NOT_UTF8": "The body is in another encoding, mostly GBK.",
    "TOO_DEEP": "JSON nested too deep to be read.",
    "MALFORMED_JSON": "The body is no JSON.",
    "NOT_AN_ENVELOPE": "JSON, but no object.",
    "UNKNOWN_TRANSACTION": "infno is none that is served.",
    "INFNO_MISMATCH": "Address and body name different transactions.",
    "FIELD_MISSING": "A required field or node is absent or empty.",
    "FIELD_TYPE": "A text where a number or object belongs, or the reverse.",
    "FIELD_TOO_LONG": "More characters than the field holds.",
    "FIELD_FORMAT": "A date, time or other text of a fixed form is not in that form.",
    "CODE_UNKNOWN": "A value outside the field's code list.",
    "AMOUNT_NOT_FINITE": "NaN or infinite.",
    "AMOUNT_TOO_LARGE": "More digits than the field holds.",
    "AMOUNT_SCALE": "More decimals than the field holds.",
    "AMOUNT_NEGATIVE": "Negative where it cannot be.",
    "LINES_NONE": "A list that needs a row is empty.",
    "LINES_TOO_MANY": "More lines than one message may have.",
    "DUPLICATE_LINE": "Two lines of a message have one serial.",
    "BODY_KEY_MISSING": "`enc_type` is SM4 and no SM4 key is registered.",
    "BODY_UNDECIPHERABLE": (
        "Another key, mode, padding or encoding, or the plaintext is no JSON object."
    ),
    "MESSAGE_CONFLICT": "The same institution, infno and msgid had an effect with other content.",
    "MESSAGE_REVERSED": "2601 took this msgid back, before or after it arrived.",
    "LINES_MISSING": "A claim without lines.",
    "TOTAL_MISMATCH": "Header total ≠ sum of the lines.",
    "LINE_AMOUNT_MISMATCH": "Line amount ≠ price × quantity within the region's tolerance.",
    "LINE_SIGN_MISMATCH": "A negative quantity with a positive amount, or the reverse.",
    "QUANTITY_NOT_POSITIVE": "Zero, or negative where refund lines are not allowed.",
    "PRICE_NEGATIVE": "A unit price below zero.",
    "REFUND_EXCEEDS_CHARGES": "Refund lines outweigh the charges of the claim.",
    "ITEM_CODE_MALFORMED": "The catalogue code has no known form.",
    "ITEM_NOT_IN_FORCE": "The code exists, but not on the fee date.",
    "ITEM_NOT_IN_CATALOGUE": "Unknown code in a region that refuses them.",
    "PERSON_UNKNOWN": "No such psn_no here.",
    "CREDENTIAL_MISMATCH": "The credential belongs to somebody else or is of an unknown kind.",
    "CREDENTIAL_CARD_SERIAL_MISSING": "Credential 03 without card_sn.",
    "TOKEN_UNKNOWN": "Credential 01 with a token that nobody issued.",
    "TOKEN_EXPIRED": "The token's time is over.",
    "TOKEN_OTHER_INSTITUTION": "The token was scanned elsewhere.",
    "IDENTITY_MISMATCH": "A name or certificate number was sent and differs.",
    "FAMILY_ACCOUNT_UNSUPPORTED": (
        "acct_used_flag 2, and the policy shares no accounts in the family."
    ),
    "SCHEME_NOT_ENROLLED": "The claim's insutype is none of the person's.",
    "NOT_ENROLLED": "Enrolled, but not on the fee date.",
    "NOT_ENTITLED": "No fund and no account may pay on the date.",
    "CARE_TYPE_NOT_COVERED": "No rule for this med_type in the scheme.",
    "PERSON_CATEGORY_NOT_COVERED": "No rule for this psn_type.",
    "NO_POLICY": "No policy in force for scheme and date.",
    "DISEASE_MISSING": "A claim for a chronic or special disease that names none.",
    "DISEASE_NOT_FILED": "No filing of the disease covers the ruling date.",
    "DISEASE_FILED_ELSEWHERE": (
        "The disease is filed, but neither found here nor to be treated here (`chronic_care_at`)."
    ),
    "INSTITUTION_NOT_CHOSEN": (
        "The region asks for a chosen institution (`chosen_institution`), and the policy pays "
        "nothing elsewhere."
    ),
    "PERSON_SUSPENDED": "An operator suspended the person.",
    "INSTITUTION_SUSPENDED": "An operator suspended the institution.",
    "INSTITUTION_AGREEMENT_SUSPENDED": "The agreement is suspended.",
    "INSTITUTION_AGREEMENT_NOT_IN_FORCE": "No agreement on the date.",
    "INSTITUTION_CARE_TYPE_NOT_APPROVED": "The agreement does not cover this med_type.",
    "DOCTOR_NOT_REGISTERED": (
        "The doctor named was never staff of this institution, where the region refuses that "
        "(`doctor_check`)."
    ),
    "DOCTOR_NOT_IN_FORCE": (
        "The doctor named is staff of this institution, but not on the day of the fee, or when "
        "the visit or stay begins."
    ),
    "DOCTOR_OF_OTHER_KIND": "Who is named as doctor is a pharmacist or nurse of this institution.",
    "FUND_SUSPENDED": "An operator suspended a fund, and nothing else may pay.",
    "FEE_DATE_IN_FUTURE": "A line is dated after today.",
    "FEE_DATE_TOO_OLD": "A line is older than may be settled on line.",
    "CARE_TYPE_MISMATCH": "med_type differs from the visit's or does not fit the transaction.",
    "CLAIM_ALREADY_SETTLED": "The same claim under another msgid.",
    "SETTLEMENT_UNKNOWN": "No such setl_id.",
    "SETTLEMENT_OF_OTHER_PERSON": "setl_id and psn_no do not belong together.",
    "SETTLEMENT_OF_OTHER_INSTITUTION": "Another institution made it.",
    "ALREADY_CANCELLED": "It was cancelled before.",
    "CANCEL_OF_CANCEL": "The setl_id is itself a cancel.",
    "LATER_SETTLEMENT_STANDS": "The region cancels latest first.",
    "CANCEL_WINDOW_PASSED": (
        "The month or fiscal year of the settlement's business day is over (`cancel_window`)."
    ),
    "CANCEL_NOT_APPROVED": (
        "The region's cancels need an approval (`cancel_window`), and there is none for this "
        "settlement."
    ),
    "VISIT_UNKNOWN": "No such mdtrt_id.",
    "DATA_ERASED": (
        "What it is about was erased when its time had come (docs/operating/personal-data.md)."
    ),
    "VISIT_WITHDRAWN": "2202 withdrew it.",
    "VISIT_OF_OTHER_PERSON": "mdtrt_id and psn_no do not belong together.",
    "VISIT_HAS_LINES": "2202, 2404 or a 2601 of 2401 with lines still there.",
    "VISIT_IS_STAY": "An outpatient transaction names a stay.",
    "VISIT_IS_NO_STAY": "An inpatient transaction names an outpatient visit.",
    "ADMISSION_IN_FUTURE": "The admission lies in the future.",
    "STAY_OVERLAPS": "The person is in hospital already, or left only after this stay begins.",
    "STAY_OPEN": (
        "A claim elsewhere during a stay, of a care type that the region does not allow then."
    ),
    "ALREADY_DISCHARGED": "A second discharge, or a mid-stay settlement after it.",
    "NOT_DISCHARGED": (
        "A final settlement, the quote of one for somebody insured elsewhere, or a cancel of a "
        "discharge, without one."
    ),
    "DISCHARGE_TIME_WRONG": "The discharge is before the admission or in the future.",
    "STAY_SETTLED": "Lines after the final settlement.",
    "STAY_HAS_NO_LINES": "A settlement or quote with nothing to settle.",
    "STAY_LINE_REPEATED": "A line number that the stay has already.",
    "STAY_LINE_UNKNOWN": "2302 names a line that does not stand.",
    "STAY_LINE_SETTLED": "2302 names a line that was settled.",
    "STAY_LINE_TAKEN_BACK": "2302 takes a line but leaves the one that takes it back.",
    "REFUND_LINE_UNNAMED": (
        "A negative line without its original, or an original on a positive line."
    ),
    "REFUND_ORIGINAL_UNKNOWN": "The original does not stand in this stay.",
    "REFUND_ITEM_DIFFERS": "Another item or price than the original's.",
    "REFUND_EXCEEDS_LINE": "More is taken back than is left of the original.",
    "VISIT_SETTLED": "A settlement of it stands.",
    "VISIT_NOT_DIAGNOSED": "2204 or 2206 before 2203.",
    "LINES_OF_SEVERAL_VISITS": "One 2204 names two mdtrt_id.",
    "STAY_TURNS": (
        "The region splits stays (`split_stay_at`), and the open fees lie before and after a "
        "change."
    ),
    "STAY_PART_OF_OTHER_SCHEME": (
        "The region splits stays, and another scheme ruled on the days of these fees."
    ),
    "STAY_UPLOAD_SPANS_TURN": (
        "One upload, from before the region split stays, has fees on both sides of a change."
    ),
    "SCHEME_DIFFERS": (
        "insutype differs from the registration's; of a stay, while the person has not left that "
        "scheme."
    ),
    "BATCH_UNKNOWN": "No lines under this chrg_bchno.",
    "BATCH_SETTLED": "The batch was settled.",
    "BATCH_LINE_REPEATED": "feedetl_sn uploaded before.",
    "BATCH_DISEASE_DIFFERS": "Lines of one batch name different diseases.",
    "QUOTE_STALE": "The amounts shown to the payer are not those computed now.",
    "FILING_DATES_WRONG": "A filing ends before it begins.",
    "FILING_INSTITUTION_UNKNOWN": (
        "2503 or 2505 names an institution that the region does not have."
    ),
    "FILING_OVERLAPS": "A filing about the same stands on some of the days.",
    "FILINGS_TOO_MANY": "As many filings stand for the person as may be.",
    "FILING_UNKNOWN": "No filing of this kind has the number.",
    "FILING_OF_OTHER_PERSON": "trt_dcla_detl_sn and psn_no do not belong together.",
    "FILING_OF_OTHER_INSTITUTION": "Another institution sent it.",
    "FILING_WITHDRAWN": "It was withdrawn before.",
    "FILING_USED": "A settlement of today that stands was decided by the filing.",
    "REVERSAL_NOT_SUPPORTED": "2601 of a transaction that cannot be reversed.",
    "REVERSAL_OF_CANCEL": "2601 of 2103, 2208 or 2305.",
    "REVERSAL_OF_CARRIED": (
        "2601 of a settlement that was brought along at the cut-over: reconciled there, it "
        "cannot be made never to have been."
    ),
    "REVERSAL_PERSON_DIFFERS": "2601 names another person.",
    "REVERSAL_ALREADY_CANCELLED": "2601 of a cancelled settlement.",
    "LIST_WITHOUT_SETTLEMENT": "4101 without setlinfo.setl_id.",
    "LIST_OF_CANCELLED": "4101 cites a settlement that was undone, or a cancel.",
    "LIST_AMOUNT_DIFFERS": "A sum of 4101 is not what the settlement has.",
    "SIGN_IN_UNKNOWN": "sign_no is not alive.",
    "MAPPING_UNKNOWN": "3302 of a mapping that does not stand, or of another institution.",
    "MAPPING_DATES_WRONG": "A row of 3301 without days.",
    "MAPPING_OVERLAPS": "3301: one own code, two catalogue codes on the same days.",
    "MAPPING_DIFFERS": (
        "A line's medins_list_codg is mapped to another med_list_codg, where the region refuses "
        "that (`mapping_check`)."
    ),
    "ITEM_UNMAPPED": (
        "A line's medins_list_codg has no mapping on its day, where the region refuses that "
        "(`unmapped_item`)."
    ),
    "TRACE_MISSING": (
        "A line of a drug without trace code, where the region refuses that (`trace_required`)."
    ),
    "TRACE_SOLD_BEFORE": (
        "The box was sold by a settlement that stands, or is on an earlier line of the same "
        "visit, where the region refuses that (`trace_repeated`)."
    ),
    "DICTIONARY_UNKNOWN": "1901 asks for a list that no request is checked against.",
    "CATALOGUE_VERSION_UNKNOWN": (
        "1301 and the other files: `ver` is not like v0007, or newer than the catalogue in force."
    ),
    "PAGE_WRONG": "A paged enquiry with a page below 1 or a size out of range.",
    "TRANSACTION_UNSUPPORTED": "Known, but not offered to this institution.",
    "CLEARING_OFFICE_UNKNOWN": (
        "setl_optins is not the region's office (`clr_optins` of the answers)."
    ),
    "PERIOD_WRONG": "The period ends before it begins, or is longer than a year.",
    "FILE_NOT_ZIP": (
        "9101: not Base64 of a zip, broken, encrypted, or packed by another method than deflate."
    ),
    "FILE_NOT_ONE": "9101: no file in the zip, or several.",
    "FILE_TOO_LARGE": "9101: it unpacks to more than 16 MiB, whatever it says itself.",
    "FILE_NOT_UTF8": "9101: another encoding, from this row on.",
    "FILE_ROWS_TOO_MANY": "3202: more than 100,000 rows, theirs or ours.",
    "FILE_COLUMNS_WRONG": (
        "3202: a row has more or fewer than seven columns; a tab inside a value makes one more."
    ),
    "FILE_VALUE_WRONG": (
        "3202: an empty or too long number, an amount that is none or has more than two "
        "decimals, a flag other than 0 and 1."
    ),
    "FILE_ROW_REPEATED": "3202: a settlement in two rows.",
    "FILE_TOTALS_DIFFER": "3202: totals or count are not those of its own file.",
    "FILE_UNKNOWN": "3202, 9102: no such file of this institution, or its seven days are over.",
    "FILE_OF_OTHER_INSTITUTION": "9101 in the name of another institution.",
    "CLEARING_PERIOD_WRONG": (
        "3203: begndate and enddate are not the first and last day of setlym."
    ),
    "CLEARING_MONTH_OPEN": "3203 before the month is over, and ten minutes more.",
    "CLEARING_TOTALS_DIFFER": (
        "3203: a figure is not ours; both are named, as many as there is room for."
    ),
    "CLEARING_ALREADY_APPLIED": (
        "3203: an application of the same month, clearing type and office stands."
    ),
    "CLEARING_APPLICATION_UNKNOWN": "3204: no such application of this institution.",
    "CLEARING_APPLICATION_CANCELLED": "3204: another message cancelled it before.",
    "CROSS_CITY_MONTH_WRONG": "3260 to 3262: trt_year and trt_month are no month.",
    "CROSS_CITY_START_WRONG": "3260: startrow is below the first row (`first_row` of the region).",
    "CROSS_CITY_MONTH_OPEN": "3261 before the month is over, and ten minutes more.",
    "CROSS_CITY_ROWS_TOO_MANY": "3261: more rows than the region takes at a time (`rows_max`).",
    "CROSS_CITY_COUNT_DIFFERS": "3261: totalrow is not the number of rows sent.",
    "CROSS_CITY_ROW_REPEATED": "3261: a settlement in two rows.",
    "CROSS_CITY_ROW_UNKNOWN": (
        "3261: 3260 does not list such a settlement for this institution and month."
    ),
    "CROSS_CITY_ROW_DIFFERS": "3261: a row is not what 3260 lists; the first field is named.",
    "CROSS_CITY_ALREADY_CONFIRMED": "3261: another message confirmed the row, and it stands.",
    "CROSS_CITY_NOTHING_CONFIRMED": "3262 of a whole month in which nothing stands.",
    "CROSS_CITY_CONFIRMATION_UNKNOWN": "3262: no such confirmation of this institution and month.",
    "CROSS_CITY_CONFIRMATION_WITHDRAWN": "3262: another message withdrew it before.",
    "FILES_TOO_MANY": (
        "9101, 3202, catalogue files: the institution has 200 files here, or 64 MiB of them."
    ),
    "LIST_FILE_TOO_LARGE": "1301 and the other files: the zip of a list is over 32 MiB.",
    "PERSON_CODE_UNDECODED": (
        "/pay/scan: whoever decodes the code did not answer, or answered what nobody knows. "
        "Nothing was charged, nobody is guessed."
    ),
    "UNDERTAKING_OPEN": (
        "A payment over a channel or an order of mobile payment is not at its end, or relatives' "
        "accounts are being asked to pay for this person, or to be paid back, or the region "
        "where they are insured has not answered."
    ),
    "UNDERTAKING_LAPSED": "Relatives' money was held and not used in time; it is released.",
    "FAMILY_CLAIM_CHANGED": (
        "While relatives' money was held, what they are to pay became another amount."
    ),
    "REGION_UNKNOWN": (
        "The region of insurance that the envelope names (insuplc_admdvs) is no counterpart of "
        "ours."
    ),
    "INSURED_REGION_DIFFERS": (
        "Every message about somebody insured elsewhere must name their region in "
        "insuplc_admdvs, and one about our own people none but ours; also where a stranger is to "
        "scan or to pay by phone, which is for our own people."
    ),
    "PERSON_NUMBER_TAKEN": (
        "1101: the other region told a person number that is one of our own people's, or of "
        "somebody of a third region."
    ),
    "REGION_NOTHING_TO_SHARE": "The lines of a case for another region come to nothing.",
    "REGION_INACTIVE": "The counterpart is switched off: nothing new is asked of it.",
    "REGION_NO_HUB": "This server has no line to other regions.",
    "REGION_REFUSED": (
        "The region of insurance refused; the text is its own, as where it demands a filing that "
        "does not stand. Nothing was booked on either side."
    ),
    "ONLY_AT_HOME": (
        "2001, filings, accumulators and settling a stay in segments, for somebody insured "
        "elsewhere."
    ),
    "REGION_REFUSED_LATER": "The same, and it says that it may be asked again.",
    "REGION_UNREACHABLE": (
        "The question never left for the other region: no connection, no route, no valid "
        "certificate. Nothing is held any more."
    ),
    "REGION_SILENT": (
        "1101 and quotes: no answer in time, or one that is worthless. They have no effect."
    ),
    "REGION_UNDONE": (
        "It did not answer in time, or its answer did not add up, and the case was reversed "
        "there and freed here."
    ),
    "REGION_ANSWER_WRONG": "A quote whose sums do not add up. Somebody is alerted.",
    "REGION_CASE_ENDED": "A cancel or reversal of a case that came to its end meanwhile.",
    "REGION_UNCLEAR": (
        "The region of insurance has not answered: the settlement, cancel or reversal may have "
        "had its effect there. It is asked about until that is known; the same message hears "
        "what became of it. 2601 gives a settlement up."
    ),
    "ORDER_CONFLICT": (
        "/pay/scan: the order number was used before with another person, other lines or another "
        "amount; codes and operator do not count."
    ),
    "SCAN_WITHOUT_CODES": "/pay/scan: neither person_code nor pay_code, so nobody pays.",
    "NOTHING_TO_COLLECT": "/pay/scan: a sale without a person whose lines come to nothing.",
    "PERSON_CODE_UNKNOWN": "/pay/scan: person_code has the shape of nothing that names a person.",
    "PERSON_CODE_NO_DECODER": (
        "/pay/scan: person_code is a 医保码, and nobody is configured who decodes it."
    ),
    "PERSON_CODE_INVALID": "/pay/scan: whoever issues such codes says that this is none (500159).",
    "PERSON_CODE_EXPIRED": (
        "/pay/scan: the code's time is over. Nothing is held; a fresh code under the same order "
        "number goes on."
    ),
    "PERSON_CODE_USED": (
        "/pay/scan: the code was decoded before, for another order or elsewhere. A fresh code "
        "under the same order number goes on."
    ),
    "PERSON_CODE_ELSEWHERE": (
        "/pay/scan: the code names somebody who is insured in another region."
    ),
    "PAY_CODE_UNKNOWN": "/pay/scan: prefix and length of pay_code belong to no channel.",
    "PAY_CODE_IS_PERSON": (
        "/pay/scan: an identity or social card number was scanned as a payment code; no channel "
        "hears of it."
    ),
    "PAY_CODE_IS_VOUCHER": (
        "/pay/scan: a 医保码 was scanned as a payment code, and no merchant of one-code payment is "
        "configured, or it is not the code that names the person."
    ),
    "CHANNEL_NOT_OPENED": (
        "/pay/scan: no merchant of that channel is configured for the institution."
    ),
    "ORDER_NOT_FOR_PHONES": (
        "/pay/{order_no}/phone: the order was not sent with pay_on_phone, or nothing was left to "
        "pay."
    ),
    "PAYER_UNKNOWN": (
        "The payment page: WeChat names nobody for the code with which the payer came back."
    ),
    "CHANNEL_SUSPENDED": "/pay/scan: an operator stopped the channel.",
    "REFUND_CONFLICT": (
        "/pay/{order_no}/refund: the refund number was used before for something else."
    ),
    "REFUND_NOT_SETTLED": (
        "/pay/{order_no}/refund: nothing was collected for this order, or not yet."
    ),
    "REFUND_TOO_MUCH": "/pay/{order_no}/refund: more than is left of the order.",
    "REFUND_BY_AMOUNT": (
        "/pay/{order_no}/refund: an amount was named for an order with an insurance leg (DOMAIN "
        "12)."
    ),
    "REFUND_LINE_UNKNOWN": "/pay/{order_no}/refund: the order has no such line, or fewer of it.",
    "REFUND_COSTS_MORE": (
        "/pay/{order_no}/refund: settled anew, what stays sold costs the payer more than all of "
        "it did (a discount or a bracket is lost)."
    ),
    "REFUND_VISIT_WHOLE": (
        "/pay/{order_no}/refund: lines of a stay were named; its bill is corrected after it was "
        "taken back whole."
    ),
    "PAY_CODE_MISSING": "/pay/deposit: neither pay_code nor tender, so nobody pays.",
    "DEPOSIT_AMOUNT_WRONG": "/pay/deposit: nothing, or less than nothing.",
    "REQUEST_ENDED": (
        "/pay/{order_no}/admit: the request was refused, its deposit went back, or 24 hours have "
        "passed."
    ),
    "REQUEST_UNPAID": "/pay/{order_no}/admit: its first deposit was never paid.",
    "REQUEST_REFUND_WHOLE": (
        "/pay/{order_no}/refund: a part of the deposit of a request; without its deposit it is "
        "none."
    ),
    "STAY_HAS_DEPOSITS": (
        "2404, and 2601 of a 2401: deposits of the stay are left; they go back first."
    ),
    "VISIT_FAMILY_ACCOUNT": (
        "/pay/visit: acct_used_flag 2. Relatives' accounts and a channel cannot pay one bill."
    ),
    "CANCEL_BY_REFUND": (
        "2103, 2208, 2305: the settlement was made by /pay/scan or /pay/visit; its refund also "
        "returns the money."
    ),
    "SCAN_UNREADABLE": "/pay: no JSON, an unknown field, a wrong type, a value out of its limits.",
    "ORDER_UNKNOWN": "/pay: no order with that number of this institution.",
    "ORDER_SETTLED": "/pay/{order_no}/cancel: paid and booked already.",
    "MOBILE_ORDER_CONFLICT": (
        "6201: medOrgOrd was used before with another person, other lines or another amount; "
        "tokens do not count."
    ),
    "MOBILE_LINES_DIFFER": (
        "6201: a line, or orgCodg, names somebody or something other than the order."
    ),
    "MOBILE_BATCH_TAKEN": (
        "6201: the charge batch of an earlier visit has lines already, of another order or of "
        "2204."
    ),
    "MOBILE_ORDER_UNKNOWN": "No order with that payOrdId of this institution.",
    "MOBILE_TOKEN_WRONG": "payToken is not that of the order.",
    "MOBILE_ORDER_OTHER_VISIT": "6202: mdtrtId or chrgBchno is not that of the order.",
    "MOBILE_AUTHORISATION_MISSING": (
        "6202: neither payAuthNo nor all three fields of the e-credential."
    ),
    "MOBILE_AUTHORISATION_USED": "6202: an authorisation pays for one order.",
    "MOBILE_WALLET_UNKNOWN": (
        "6202: `extData.thdPayType` names a wallet that no credential belongs to."
    ),
    "MOBILE_WALLET_DIFFERS": (
        "A wallet confirms or closes an order that names another wallet, or none."
    ),
    "MOBILE_SPLIT_DIFFERS": "A wallet confirms other amounts than those that are held.",
    "MOBILE_ORDER_EXPIRED": "6202, or a wallet: nobody paid in time, what was held is free again.",
    "MOBILE_ORDER_CLOSED": "6202, or a wallet: the order was withdrawn.",
    "MOBILE_ORDER_PAID": "6401: the insurance has paid.",
    "MOBILE_ORDER_NOT_PAID": "6203: the insurance has not paid.",
    "MOBILE_ORDER_REFUNDED": "6203: this part went back before, under another appRefdSn.",
    "MOBILE_ORDER_PARTLY_REFUNDED": "6203: ALL after one of the two parts went back.",
    "MOBILE_REFUND_CONFLICT": "6203: appRefdSn was used before with other content.",
    "MOBILE_REFUND_AMOUNTS": "6203: an amount is not that of the whole part (DOMAIN 12).",
    "MOBILE_REFUND_UNAUTHORISED": (
        "6203: ecToken is neither that of the upload, nor a live one of the person at this "
        "institution, nor the order's revsToken."
    ),
    "MOBILE_REVERSAL_LATE": "6203: more than an hour after the insurance paid.",
    "CANCEL_BY_MOBILE_REFUND": "2103, 2208: the settlement is that of a mobile order.",
    "MOBILE_WALLET_UNREADABLE": "A wallet's message has no payOrdId, or amounts that are none.",
    "MOBILE_ENVELOPE_UNREADABLE": (
        "/org/local/api: no JSON, no appId, or encData that our key does not open."
    ),
    "MOBILE_PLAIN_REFUSED": (
        "62xx under /hsa/hgs in a region whose profile takes them only in the signed envelope."
    ),
    "NOT_AUTHORISED": (
        "`/my`: no authorisation of this person stands for whoever acts, or what is done is not "
        "theirs to do."
    ),
    "REQUEST_CONFLICT": (
        "`/my`: the same app, person and `request_no` had an effect with other content."
    ),
    "MATTERS_TOO_MANY": "`/my`: 200 matters in all, or 10 that wait for somebody.",
    "MATTER_UNKNOWN": "No matter of that number is this person's.",
    "MATTER_OPEN_ALREADY": (
        "A filing of the same place waits for a clerk, a transfer the same way is not at its "
        "end, or an authorisation of the same agent stands."
    ),
    "MATTER_NOT_OF_THIS_KIND": (
        "Such a happening is none of this kind of matter (settlement/matter_states.py)."
    ),
    "MATTER_NOT_ACCEPTED": "A step that has another one before it.",
    "MATTER_ACCEPTED": "A clerk refuses what was accepted.",
    "MATTER_MONEY_MOVED": "A transfer is cancelled or refused after money moved.",
    "MATTER_CLOSED": "The matter was refused, cancelled, ended or returned.",
    "OFF_SITE_PLACE_LOCAL": "The place has the pooling area in it, or is it.",
    "OFF_SITE_BEGIN_WRONG": "Before today, or further ahead than `begins_days_max` of the region.",
    "OFF_SITE_END_WRONG": "A long-term filing with an end date.",
    "OFF_SITE_NOT_INSURED": "No membership has the status 1.",
    "OFF_SITE_OVERLAPS": (
        "A second long-term filing, or one of the same kind and place, while one stands."
    ),
    "OFF_SITE_LOCKED": (
        "A person cancels a long-term filing within `long_term_lock_days` of the region."
    ),
    "AUTHORISATION_OF_ONESELF": "`agent_no` is the person's own number.",
    "AUTHORISATION_NOT_YOURS": (
        "A relative was not authorised by the person, or a ward not asked for by the guardian."
    ),
    "AUTHORISATION_DATES_WRONG": (
        "It begins before today, ends before it begins, or lasts over five years."
    ),
    "TRANSFER_REGION_OWN": "The account would move within the pooling area.",
    "TRANSFER_EXCEEDS_BALANCE": "More would leave the account than is in it and not held.",
    "TRANSFER_AMOUNT_DIFFERS": "The end of a transfer has another amount than its beginning.",
    "TRANSFER_BOOKED_OTHERWISE": "The same step again, with another amount or reference.",
    "MY_REQUEST_UNREADABLE": (
        "`/my`: the body is no JSON of the documented form; the reply quotes what was found."
    ),
    "APP_TOKEN_MISSING": (
        "`/my/v1` without `Authorization: Bearer`, or the page without a session."
    ),
    "APP_TOKEN_WRONG": (
        "Another form, algorithm or audience, or a signature that is not the app's."
    ),
    "APP_TOKEN_EXPIRED": (
        "After `exp`, before `iat` by more than a minute, or valid for over five minutes."
    ),
    "APP_TOKEN_USED": "The same `jti` a second time.",
    "APP_UNKNOWN": "`kid` is no access key of an app, or it is under a stop switch.",
    "REIMBURSEMENT_TOO_LATE": (
        "`settlement reimburse`: the care, or the discharge, was longer ago than "
        "`claim_days_max`."
    ),
    "REIMBURSEMENT_INSTITUTION_UNKNOWN": (
        "The papers are of an institution that is not among ours."
    ),
    "REIMBURSEMENT_INVOICE_TAKEN": (
        "The invoice of this institution belongs to a reimbursement that is open or stands."
    ),
    "REIMBURSEMENT_SETTLED": (
        "A settlement that stands has the invoice number, the number on the sheet, the stay, the "
        "claim, or the same items on these days."
    ),
    "REIMBURSEMENT_STAY_REGISTERED": (
        "A stay of these days is registered at the institution and not settled."
    ),
    "REIMBURSEMENT_DATES_WRONG": (
        "`/my`: papers told in advance end before they begin, or in the future."
    ),
    "REIMBURSEMENT_CHANGED": (
        "Between calculation and confirmation something of the person's year moved."
    ),
    "TREATING_REGION_UNKNOWN": "No counterpart of this code is registered.",
    "REGION_CLOSED": "The counterpart is registered and not active: nothing new is taken from it.",
    "PERSON_NOT_INSURED_HERE": "Known here, but with no membership in this region.",
    "CASE_NUMBER_WRONG": "The case has no number, or one of more than 64 characters.",
    "CASE_NEGATIVE": "One of the four parts is below zero, or the total is not above it.",
    "CASE_SUM_DIFFERS": "Total ≠ sum of the four parts.",
    "CASE_LINES_DIFFER": (
        "A line is not the sum of its parts, or a part of the case not that of its lines."
    ),
    "CASE_CODE_WRONG": "A kind of care or a use of the account that does not exist.",
    "CASE_INSTITUTION_ELSEWHERE": "The institution lies in another region than the one that asks.",
    "CASE_DATES_WRONG": "A stay without admission or discharge, or discharged before it began.",
    "CASE_FILING_REQUIRED": (
        "The profile wants a filing for this kind of care (`elsewhere_needs_filing`), and none "
        "covers it."
    ),
    "CASE_FAMILY_ACCOUNT": "Accounts of relatives pay at home only.",
    "CASE_CONFLICT": "The number had an effect with other content.",
    "CASE_UNKNOWN": "A cancel of a case that never was settled here.",
    "CASE_REVERSED": (
        "The case was reversed, before or after it came; a cancel of a case that was refused "
        "hears it as well."
    ),
    "CASE_CANCELLED": "Another cancel took it back already.",
    "CASE_OTHER_SETTLEMENT": "The cancel names another settlement than the case's.",
    "CASE_OTHER_PERSON": "The case was settled for somebody else.",
    "PAGE_UNREADABLE": "`after` is no number of ours.",
    "INTERNAL": "One of our own rules was violated.",
    "HEADERS_MISSING": (
        "An authentication header is absent or empty, or a nonce over 128 characters."
    ),
    "ACCESS_KEY_UNKNOWN": "No such paasid or access key.",
    "CREDENTIAL_SUSPENDED": "An operator suspended the credential.",
    "TIMESTAMP_REFUSED": "Too far from our clock.",
    "SIGNATURE_WRONG": "Wrong secret or wrong sign text.",
    "NONCE_REUSED": "The nonce came with another body within the window.",
    "INSTITUTION_NOT_YOURS": "fixmedins_code is not the credential's institution.",
    "CAINFO_MISSING": "The credential or the region demands a signature, and there is none.",
    "CAINFO_TYPE_WRONG": "Signed as SM3 where an SM2 key is registered, or the other way round.",
    "CAINFO_WRONG": "Another key, another user id, an altered body, or no canonical signature.",
    "CAINFO_KEY_MISSING": "Only where the region refuses signatures that it cannot check.",
    "IMPORT_OPTION_WRONG": (
        "A parameter of the address is unknown, missing or has an impossible value."
    ),
    "IMPORT_DIGEST_DIFFERS": "What arrived is not the file that was announced and signed.",
    "IMPORT_HEADERS_MISSING": "A header of the signature is absent or malformed.",
    "IMPORT_KEY_UNKNOWN": "No import key has this name.",
    "IMPORT_NOT_FOR_INSTITUTIONS": "Signed with an institution's credential.",
    "IMPORT_KIND_NOT_ALLOWED": "The key was issued for other kinds.",
    "IMPORT_JOB_UNKNOWN": "No job has this number.",
    "IMPORT_TOO_LARGE": "Over 2 GiB; a workbook over 32 MiB.",
    "IMPORT_FORMAT_UNKNOWN": "Content-Type is none of the three.",
    "IMPORTS_TOO_MANY": "Too many files arrive or wait.",
    "HUB_VERSION_UNKNOWN": "The message says another version than 1.",
    "HUB_MALFORMED": (
        "No message: not JSON, a member missing, unknown or twice, an escape, a signature that "
        "is not last."
    ),
    "HUB_NOT_FOR_US": "`to` is another region; alarmed.",
    "HUB_NO_QUESTION": "An answer, sent by itself; alarmed.",
    "HUB_SEALED_FOR_ANOTHER": "`sealed_for` names no certificate of ours that holds; alarmed.",
    "HUB_UNOPENABLE": "The body was sealed with another key, or for another outside; alarmed.",
    "HUB_CONTENT_MALFORMED": "The body opens and is no question of this kind.",
    "HUB_CLEAR_DIFFERS": "The hub was shown another case or amount than we are; alarmed.",
    "HUB_CERTIFICATE_UNKNOWN": "Its serial was not imported here; alarmed.",
    "HUB_CERTIFICATE_NOT_THEIRS": "`from` and the certificate name two regions; alarmed.",
    "HUB_CERTIFICATE_WITHDRAWN": "The authority or an operator here withdrew it; alarmed.",
    "HUB_CERTIFICATE_NOT_VALID": "It had not begun, or had ended, when the message was sent.",
    "HUB_OUTSIDE_WINDOW": (
        "`sent_at` is too far from our clock: a recording, or a wrong clock; alarmed."
    ),
    "HUB_SIGNATURE_WRONG": "Forged, or changed on its way; alarmed.",
    "HUB_TOO_LARGE": "More than a mebibyte.",
    "NOT_FOUND": "No such address.",
    "METHOD_NOT_ALLOWED": "The address exists for another method.",
    "BODY_TOO_LARGE": "Over 1 MiB.",
    "TOO_MANY_AT_ONCE": (
        "The server is busy, and the institution asks far more at once than others do: a program "
        "that sends in a loop."
    ),
    "OVERLOADED": "A limit of ours is reached.",
    "UNAVAILABLE": "The database or a part of ours is away; nothing was booked.",
    "OUTCOME_UNKNOWN": "It may or may not have been booked.",
}
