create function settlement.json_text(p_text text) returns text
language sql stable as $$
    -- Text as settlement/rows.py writes it in JSON. Stable, as what it calls: else the planner
    -- could not inline it, and a verification would start an executor for every value.
    select to_json(p_text)::text;
$$;
comment on function settlement.json_text(text) is 'Text as JSON.';

create function settlement.json_time(p_at timestamp) returns text
language sql stable as $$
    -- Time as settlement/rows.py writes it in JSON: microseconds only where there are any.
    select '"' || to_char(p_at, 'YYYY-MM-DD"T"HH24:MI:SS')
        || case
            when p_at = date_trunc('second', p_at) then ''
            else to_char(p_at, '.US')
        end;
$$;
comment on function settlement.json_time(timestamp) is 'Time as JSON, without the closing quote.';

create function settlement.row_commitment(r settlement.settlement) returns bytea
language sql stable as $$
    -- What the row's ledger entry commits to; the same as settlement/rows.py computes.
    select sha256('\x03'::bytea || convert_to('[' || concat_ws(',',
        r.lane, r.setl_id, r.mdtrt_id, coalesce(r.undoes_setl_id::text, 'null'),
        coalesce(r.prior_row::text, 'null'), coalesce(r.prior_active::text, 'null'), r.kind,
        settlement.json_time(r.setl_time at time zone 'UTC') || 'Z"',
        settlement.json_time(r.service_at) || '"',
        '"' || to_char(r.business_day, 'YYYY-MM-DD') || '"', r.year,
        settlement.json_text(r.psn_no), settlement.json_text(r.institution),
        settlement.json_text(r.infno), settlement.json_text(r.msgid),
        settlement.json_text(r.scheme), settlement.json_text(r.category),
        settlement.json_text(r.care_type), settlement.json_text(r.clearing_type),
        settlement.json_text(r.credential_type),
        case when r.civil_servant then 'true' else 'false' end,
        settlement.json_text(r.invoice_no), settlement.json_text(r.policy),
        settlement.json_text(r.operator),
        r.total_fen, r.full_self_pay_fen, r.over_ceiling_fen, r.pre_self_pay_fen,
        r.in_scope_fen, r.deductible_fen, r.hifp_fen, r.cvlserv_fen, r.hifes_fen,
        r.hifmi_fen, r.hifob_fen, r.maf_fen, r.oth_fen, r.hifdm_fen, r.fund_fen,
        r.hospital_fen, r.personal_fen, r.account_fen, r.family_account_fen, r.cash_fen,
        r.balance_fen, r.pool_ratio_bp,
        settlement.json_text(r.shares), settlement.json_text(r.increments),
        settlement.json_text(r.explanation),
        '"' || encode(r.business_key, 'base64') || '"',
        '"' || encode(r.detail_commitment, 'base64') || '"'
    ) || ']', 'UTF8'));
$$;
comment on function settlement.row_commitment(settlement.settlement)
    is 'What the ledger entry of a settlement commits to.';

create function settlement.move_commitment(r settlement.family_move) returns bytea
language sql stable as $$
    -- What the ledger entry of a move commits to; the same as settlement/rows.py computes.
    select sha256('\x05'::bytea || convert_to('[' || concat_ws(',',
        r.lane, r.hold_id, r.kind, r.entry_id, r.account, settlement.json_text(r.psn_no),
        r.patient_lane, settlement.json_text(r.patient_no), r.undertaking_id,
        coalesce(r.setl_id::text, 'null'), settlement.json_text(r.institution),
        r.amount_fen, r.balance_fen
    ) || ']', 'UTF8'));
$$;
comment on function settlement.move_commitment(settlement.family_move)
    is 'What the ledger entry of a move commits to.';

create function settlement.payment_commitment(r settlement.payment) returns bytea
language sql stable as $$
    -- What the entry that opens a payment commits to; as payments/payment_rows.py computes.
    select sha256('\x06'::bytea || convert_to('[' || concat_ws(',',
        r.lane, r.pay_no, r.kind, settlement.json_time(r.opened_at at time zone 'UTC') || 'Z"',
        coalesce(r.setl_id::text, 'null'), coalesce(r.parent::text, 'null'),
        coalesce(r.mdtrt_id::text, 'null'), settlement.json_text(r.psn_no),
        settlement.json_text(r.institution), settlement.json_text(r.order_no), r.amount_fen,
        '"' || encode(substr(r.plan, 3, 32), 'base64') || '"'
    ) || ']', 'UTF8'));
$$;
comment on function settlement.payment_commitment(settlement.payment)
    is 'What the entry that opens a payment commits to.';

create function settlement.step_text(r settlement.payment_event) returns text
language sql stable as $$
    -- What the digest of a step is made of; as settlement/payments/payment_rows.py writes it.
    select concat_ws('/',
        r.lane, r.pay_no, r.event_no, r.kind, r.attempt,
        (extract(epoch from r.recorded_at) * 1000000)::bigint, coalesce(r.order_no, ''),
        coalesce(r.entry_id::text, ''), r.content
    );
$$;
comment on function settlement.step_text(settlement.payment_event)
    is 'What the keyed digest of a step of a payment is made of.';

create function settlement.mobile_commitment(r settlement.mobile_event) returns bytea
language sql stable as $$
    -- What the entry that holds for an order commits to; as payments/mobile_rows.py computes.
    select sha256('\x08'::bytea || convert_to('[' || concat_ws(',',
        r.lane, r.order_no, r.event_no, r.kind,
        settlement.json_time(r.recorded_at at time zone 'UTC') || 'Z"',
        coalesce(r.setl_id::text, 'null'), settlement.json_text(r.content),
        '"' || encode(substr(r.payload, 3, 32), 'base64') || '"'
    ) || ']', 'UTF8'));
$$;
comment on function settlement.mobile_commitment(settlement.mobile_event)
    is 'What the entry that holds for an order of mobile payment commits to.';

create function settlement.matter_commitment(r settlement.matter_event) returns bytea
language sql stable as $$
    -- What the entry of a transfer commits to; as settlement/people/matter_rows.py computes.
    select sha256('\x09'::bytea || convert_to('[' || concat_ws(',',
        r.lane, r.matter_no, r.event_no, r.kind,
        settlement.json_time(r.recorded_at at time zone 'UTC') || 'Z"',
        '"' || to_char(r.business_day, 'YYYY-MM-DD') || '"',
        coalesce(r.entry_id::text, 'null'), r.amount_fen, settlement.json_text(r.actor),
        settlement.json_text(r.through), settlement.json_text(r.reference), r.coverage_months,
        settlement.json_text(r.note)
    ) || ']', 'UTF8'));
$$;
comment on function settlement.matter_commitment(settlement.matter_event)
    is 'What the entry of a transfer of a personal account commits to.';

create function settlement.case_commitment(r settlement.remote_case) returns bytea
language sql stable as $$
    -- What the entry that holds for a case commits to; as elsewhere/remote_rows.py computes it.
    select sha256('\x0b'::bytea || convert_to('[' || concat_ws(',',
        r.lane, r.case_no, r.hold_id,
        settlement.json_time(r.opened_at at time zone 'UTC') || 'Z"',
        settlement.json_text(r.psn_no), settlement.json_text(r.institution),
        settlement.json_text(r.insured_region), settlement.json_text(r.infno),
        settlement.json_text(r.msgid), r.mdtrt_id, r.total_fen,
        '"' || encode(substr(r.payload, 3, 32), 'base64') || '"'
    ) || ']', 'UTF8'));
$$;
comment on function settlement.case_commitment(settlement.remote_case)
    is 'What the entry that holds for a case of another region''s person commits to.';

create function settlement.keep_strangers(/*cluster p_lane smallint,*/ p_strangers json)
returns void
language plpgsql volatile security definer set search_path = pg_catalog as $$
-- People of other regions (异地参保人), as their region tells of them: made, or told anew. The
-- application may write no identities; it comes in here, and never at our own people.
begin
    insert into settlement.person (
        account, lane, key_version, psn_no, identity, enrolments, home_region
    )
    select 0, /*lane*/ n.lane, n.key_version, n.psn_no, decode(n.identity, 'base64'),
           n.enrolments, n.home_region
    from json_to_recordset(p_strangers) as n (
        /*lanes*/ lane smallint, key_version smallint, psn_no text, identity text,
        enrolments text, home_region text
    )
    where n.home_region <> ''
    on conflict (lane, psn_no) do update
        set key_version = excluded.key_version,
            identity = excluded.identity,
            enrolments = excluded.enrolments
        where person.home_region = excluded.home_region;
end;
$$;
comment on function settlement.keep_strangers is
    'Makes or changes the rows of people insured in another region.';

create function settlement.slice(p_bytes bytea, p_ends integer[], p_number integer) returns bytea
language sql immutable as $$
    -- The bytes of one among many that lie one behind the other.
    select substr(
        p_bytes, coalesce(p_ends[p_number - 1], 0) + 1,
        p_ends[p_number] - coalesce(p_ends[p_number - 1], 0)
    );
$$;
comment on function settlement.slice(bytea, integer[], integer) is
    'The bytes of one among many that lie one behind the other.';

create function settlement.write_batch(
    -- the block: as ledger.append_block
    p_journal smallint, p_format smallint, p_business_day date, p_booked_at timestamptz,
    /*lanes*/ p_entry_lanes smallint[], /*cluster p_lane smallint,*/
    p_entries bigint[], p_entry_kinds smallint[], p_entry_codes smallint[],
    p_pending bigint[], p_leg_ends integer[],
    p_debits bigint[], p_credits bigint[], p_amounts bigint[],
    p_commitments bytea, p_leaves bytea,
    /*lanes*/ p_balance_lanes smallint[], p_balance_accounts bigint[],
    p_balance_debits bigint[], p_balance_credits bigint[],
    p_balance_debits_pending bigint[], p_balance_credits_pending bigint[],
    -- persons: what they were when read, and what they become
    /*lanes*/ p_person_lanes smallint[], p_persons text[], p_versions bigint[],
    p_accumulators text[], p_latest_rows bigint[], p_latest_visits bigint[],
    p_open_stays bigint[], p_standing_filings text[], p_undertakings bigint[],
    -- settlements: p_money holds 21 amounts a row, in column order; bytes of one length lie one
    -- behind the other, of many lengths too, with where each ends
    /*lanes*/ p_lanes smallint[], p_setl_ids bigint[], p_mdtrt_ids bigint[], p_undoes bigint[],
    p_prior_rows bigint[], p_prior_active bigint[], p_kinds smallint[], p_service_at timestamp[],
    p_years smallint[], p_person_nos text[], p_institutions text[], p_infnos text[],
    p_msgids text[],
    p_schemes text[], p_categories text[], p_care_types text[], p_clearing_types text[],
    p_credential_types text[], p_civil_servants boolean[], p_invoice_nos text[], p_policies text[],
    p_operators text[], p_money bigint[], p_pool_ratios integer[],
    p_shares text[], p_increments text[], p_explanations text[], p_business_keys bytea,
    p_detail_commitments bytea,
    -- details
    p_key_versions smallint[], p_salts bytea, p_payloads bytea, p_payload_ends integer[],
    -- messages
    /*lanes*/ p_message_lanes smallint[], p_message_keys bytea, p_message_outcomes smallint[],
    p_message_refs bigint[], p_fingerprints bytea, p_fingerprint_ends integer[],
    -- visits and what happened to them, filings: JSON, null where there are none; what is sealed
    -- of visits and events lies one behind the other, with where each ends, and is named by number
    p_visits json, p_events json, p_sealed bytea, p_sealed_ends integer[], p_filings json,
    -- uploads that are only stored, mappings of items, drug trace codes: JSON, null where none
    p_uploads json, p_mappings json, p_traces json,
    -- undertakings, what relatives pay, and what becomes of their money: JSON, null where none
    p_opened json, p_family_shares json, p_family_moves json,
    -- payments over channels, what happened to them, when to look next: JSON, null where none
    p_payments json, p_payment_events json, p_payment_due json,
    -- orders of mobile payment, what happened to them, when they end; what is owed to others
    p_mobile_orders json, p_mobile_events json, p_mobile_due json, p_outbox json,
    -- what persons have done for them, and what happened to it: JSON, null where none
    p_matters json, p_matter_events json,
    -- what lies beside settlements of people of ours who were treated elsewhere
    p_home_cases json,
    -- people insured elsewhere: who they are, their cases, what happened to these, when to look
    -- next, and what lies beside their settlements; JSON, null where none
    p_strangers json, p_remote_cases json, p_remote_events json, p_remote_due json,
    p_elsewhere json
) returns void
language plpgsql volatile as $$
-- Writes one batch of one journal: everything, or nothing where a person changed since they were
-- read (MS001). Read committed: the statements after the lock see what the last batch committed.
declare
    v_head    ledger.block;
    v_changed integer;
begin
    v_head := ledger.lock_head(/*cluster p_lane,*/ p_journal);

    if p_strangers is not null then
        perform settlement.keep_strangers(/*cluster p_lane,*/ p_strangers);
    end if;

    update settlement.person p
    set version = p.version + 1,
        accumulators = n.accumulators,
        latest_row = n.latest_row,
        latest_visit = n.latest_visit,
        open_stay = n.open_stay,
        filings = n.filings,
        undertaking = n.undertaking
    from unnest(/*lanes*/ p_person_lanes, p_persons, p_versions, p_accumulators, p_latest_rows,
                p_latest_visits, p_open_stays, p_standing_filings, p_undertakings)
        as n (
            /*lanes*/ lane, psn_no, version, accumulators, latest_row, latest_visit, open_stay,
            filings, undertaking
        )
    where p.lane = /*lane*/ n.lane and p.psn_no = n.psn_no and p.version = n.version;
    get diagnostics v_changed = row_count;
    if v_changed <> cardinality(p_persons) then
        raise exception 'persons of the batch have changed' using errcode = 'MS001';
    end if;

    if cardinality(p_setl_ids) > 0 then
        insert into settlement.settlement (
            lane, setl_id, mdtrt_id, undoes_setl_id, prior_row, prior_active, kind, setl_time,
            service_at, business_day, year, psn_no, institution, infno, msgid, scheme, category,
            care_type, clearing_type, credential_type, civil_servant, invoice_no, policy, operator,
            total_fen, full_self_pay_fen, over_ceiling_fen, pre_self_pay_fen, in_scope_fen,
            deductible_fen, hifp_fen, cvlserv_fen, hifes_fen, hifmi_fen, hifob_fen, maf_fen,
            oth_fen, hifdm_fen, fund_fen, hospital_fen, personal_fen, account_fen,
            family_account_fen, cash_fen, balance_fen, pool_ratio_bp, shares, increments,
            explanation, business_key, detail_commitment
        )
        select /*lane*/ n.lane, n.setl_id, n.mdtrt_id, n.undoes, n.prior_row, n.prior_active,
               n.kind, p_booked_at, n.service_at, p_business_day, n.year, n.psn_no, n.institution,
               n.infno, n.msgid, n.scheme, n.category, n.care_type, n.clearing_type,
               n.credential_type, n.civil_servant, n.invoice_no, n.policy, n.operator,
               p_money[o + 1], p_money[o + 2], p_money[o + 3], p_money[o + 4], p_money[o + 5],
               p_money[o + 6], p_money[o + 7], p_money[o + 8], p_money[o + 9], p_money[o + 10],
               p_money[o + 11], p_money[o + 12], p_money[o + 13], p_money[o + 14],
               p_money[o + 15], p_money[o + 16], p_money[o + 17], p_money[o + 18],
               p_money[o + 19], p_money[o + 20], p_money[o + 21],
               n.pool_ratio, n.shares, n.increments, n.explanation,
               substr(p_business_keys, 16 * m.z + 1, 16),
               substr(p_detail_commitments, 32 * m.z + 1, 32)
        from unnest(/*lanes*/ p_lanes, p_setl_ids, p_mdtrt_ids, p_undoes, p_prior_rows,
                    p_prior_active, p_kinds, p_service_at, p_years, p_person_nos, p_institutions,
                    p_infnos, p_msgids, p_schemes, p_categories, p_care_types, p_clearing_types,
                    p_credential_types, p_civil_servants, p_invoice_nos, p_policies, p_operators,
                    p_pool_ratios, p_shares, p_increments, p_explanations)
            with ordinality as n (
                /*lanes*/ lane, setl_id, mdtrt_id, undoes, prior_row, prior_active, kind,
                service_at, year, psn_no, institution, infno, msgid, scheme, category, care_type,
                clearing_type, credential_type, civil_servant, invoice_no, policy, operator,
                pool_ratio, shares, increments, explanation, i
            )
        cross join lateral (values (21 * (n.i::integer - 1), n.i::integer - 1)) as m (o, z);

        insert into settlement.settlement_detail (setl_id, lane, key_version, salt, payload)
        select p_setl_ids[i], /*lane*/ p_lanes[i], p_key_versions[i],
               substr(p_salts, 16 * (i - 1) + 1, 16),
               settlement.slice(p_payloads, p_payload_ends, i)
        from generate_series(1, cardinality(p_setl_ids)) as i;
    end if;

    if cardinality(p_entries) > 0 then
        perform ledger.write_block(
            v_head, p_format, p_business_day, p_booked_at,
            /*lanes*/ p_entry_lanes, /*cluster p_lane,*/ p_entries, p_entry_kinds, p_entry_codes,
            p_pending, p_leg_ends, p_debits, p_credits, p_amounts, p_commitments, p_leaves,
            /*lanes*/ p_balance_lanes, p_balance_accounts, p_balance_debits, p_balance_credits,
            p_balance_debits_pending, p_balance_credits_pending
        );
    end if;

    if p_visits is not null then
        insert into settlement.visit (
            mdtrt_id, prior_visit, begun_at, registered_at, lane, psn_no, institution, scheme,
            payload, kind
        )
        select n.mdtrt_id, n.prior_visit, n.begun_at, p_booked_at, /*lane*/ n.lane, n.psn_no,
               n.institution, n.scheme, settlement.slice(p_sealed, p_sealed_ends, n.payload),
               n.kind
        from json_to_recordset(p_visits) as n (
            mdtrt_id bigint, prior_visit bigint, begun_at timestamp, /*lanes*/ lane smallint,
            psn_no text, institution text, scheme text, payload integer, kind smallint
        );
    end if;

    if p_events is not null then
        insert into settlement.visit_event (
            mdtrt_id, setl_id, recorded_at, lane, event_no, kind, batch_no, payload, head
        )
        select n.mdtrt_id, n.setl_id, p_booked_at, /*lane*/ n.lane, n.event_no, n.kind, n.batch_no,
               settlement.slice(p_sealed, p_sealed_ends, n.payload), n.head
        from json_to_recordset(p_events) as n (
            mdtrt_id bigint, setl_id bigint, /*lanes*/ lane smallint, event_no smallint,
            kind smallint, batch_no text, payload integer, head text
        );
    end if;

    if p_filings is not null then
        insert into settlement.filing (
            filing_no, withdraws, recorded_at, begins_on, ends_on, lane, kind, psn_no,
            institution, payload
        )
        select n.filing_no, n.withdraws, p_booked_at, n.begins_on, n.ends_on, /*lane*/ n.lane,
               n.kind, n.psn_no, n.institution, decode(n.payload, 'base64')
        from json_to_recordset(p_filings) as n (
            filing_no bigint, withdraws bigint, begins_on date, ends_on date,
            /*lanes*/ lane smallint, kind smallint, psn_no text, institution text, payload text
        );
    end if;

    if p_uploads is not null then
        insert into settlement.upload (
            upload_id, setl_id, recorded_at, lane, institution, infno, psn_no, payload
        )
        select n.upload_id, n.setl_id, p_booked_at, /*lane*/ n.lane, n.institution, n.infno,
               n.psn_no, decode(n.payload, 'base64')
        from json_to_recordset(p_uploads) as n (
            upload_id bigint, setl_id bigint, /*lanes*/ lane smallint, institution text,
            infno text, psn_no text, payload text
        );
    end if;

    if p_mappings is not null then
        insert into settlement.item_mapping (
            mapping_id, recorded_at, begins_on, ends_on, lane, kind, institution, own_code,
            list_type, item_code, content
        )
        select n.mapping_id, n.recorded_at, n.begins_on, n.ends_on, /*lane*/ n.lane, n.kind,
               n.institution, n.own_code, n.list_type, n.item_code, n.content
        from json_to_recordset(p_mappings) as n (
            mapping_id bigint, recorded_at timestamptz, begins_on date, ends_on date,
            /*lanes*/ lane smallint, kind smallint, institution text, own_code text,
            list_type text, item_code text, content text
        );
    end if;

    if p_traces is not null then
        insert into settlement.drug_trace (setl_id, lane, whole, key)
        select n.setl_id, /*lane*/ n.lane, n.whole, decode(n.key, 'base64')
        from json_to_recordset(p_traces) as n (
            setl_id bigint, /*lanes*/ lane smallint, whole boolean, key text
        );
    end if;

    if p_opened is not null then
        insert into settlement.undertaking (
            undertaking_id, amount_fen, opened_at, lane, kind, psn_no, institution, infno, msgid
        )
        select n.undertaking_id, n.amount_fen, p_booked_at, /*lane*/ n.lane, n.kind, n.psn_no,
               n.institution, n.infno, n.msgid
        from json_to_recordset(p_opened) as n (
            undertaking_id bigint, amount_fen bigint, /*lanes*/ lane smallint, kind smallint,
            psn_no text, institution text, infno text, msgid text
        );
    end if;

    if p_family_shares is not null then
        insert into settlement.family_share (setl_id, hold_id, amount_fen, lane, donor_no)
        select n.setl_id, n.hold_id, n.amount_fen, /*lane*/ n.lane, n.donor_no
        from json_to_recordset(p_family_shares) as n (
            setl_id bigint, hold_id bigint, amount_fen bigint, /*lanes*/ lane smallint,
            donor_no text
        );
    end if;

    if p_family_moves is not null then
        insert into settlement.family_move (
            hold_id, entry_id, account, undertaking_id, setl_id, amount_fen, balance_fen, moved_at,
            lane, kind, patient_lane, psn_no, patient_no, institution
        )
        select n.hold_id, n.entry_id, n.account, n.undertaking_id, n.setl_id, n.amount_fen,
               n.balance_fen, p_booked_at, /*lane*/ n.lane, n.kind, n.patient_lane, n.psn_no,
               n.patient_no, n.institution
        from json_to_recordset(p_family_moves) as n (
            hold_id bigint, entry_id bigint, account bigint, undertaking_id bigint, setl_id bigint,
            amount_fen bigint, balance_fen bigint, /*lanes*/ lane smallint, kind smallint,
            patient_lane smallint, psn_no text, patient_no text, institution text
        );
    end if;

    if p_payments is not null then
        insert into settlement.payment (
            pay_no, setl_id, parent, mdtrt_id, amount_fen, opened_at, lane, kind, psn_no,
            institution, order_no, plan
        )
        select n.pay_no, n.setl_id, n.parent, n.mdtrt_id, n.amount_fen, n.opened_at,
               /*lane*/ n.lane, n.kind, n.psn_no, n.institution, n.order_no,
               decode(n.plan, 'base64')
        from json_to_recordset(p_payments) as n (
            pay_no bigint, setl_id bigint, parent bigint, mdtrt_id bigint, amount_fen bigint,
            opened_at timestamptz, /*lanes*/ lane smallint, kind smallint, psn_no text,
            institution text, order_no text, plan text
        );
    end if;

    if p_payment_events is not null then
        insert into settlement.payment_event (
            pay_no, entry_id, recorded_at, lane, event_no, kind, attempt, order_no, content,
            digest, exchange
        )
        select n.pay_no, n.entry_id, n.recorded_at, /*lane*/ n.lane, n.event_no, n.kind,
               n.attempt, n.order_no, n.content, decode(n.digest, 'base64'),
               decode(n.exchange, 'base64')
        from json_to_recordset(p_payment_events) as n (
            pay_no bigint, entry_id bigint, recorded_at timestamptz, /*lanes*/ lane smallint,
            event_no smallint, kind smallint, attempt smallint, order_no text, content text,
            digest text, exchange text
        );
    end if;

    if p_payment_due is not null then
        insert into settlement.payment_due (pay_no, due_at, lane, channel)
        select n.pay_no, n.due_at, /*lane*/ n.lane, n.channel
        from json_to_recordset(p_payment_due) as n (
            pay_no bigint, /*lanes*/ lane smallint, due_at timestamptz, channel text
        )
        where n.due_at is not null
        on conflict (lane, pay_no) do update
            set due_at = excluded.due_at, channel = excluded.channel;

        delete from settlement.payment_due d
        using json_to_recordset(p_payment_due) as n (
            pay_no bigint, /*lanes*/ lane smallint, due_at timestamptz
        )
        where d.lane = /*lane*/ n.lane and d.pay_no = n.pay_no and n.due_at is null;
    end if;

    if p_mobile_orders is not null then
        insert into settlement.mobile_order (
            order_no, mdtrt_id, total_fen, opened_at, lane, psn_no, institution,
            institution_order_no, batch_no, payload
        )
        select n.order_no, n.mdtrt_id, n.total_fen, n.opened_at, /*lane*/ n.lane, n.psn_no,
               n.institution, n.institution_order_no, n.batch_no, decode(n.payload, 'base64')
        from json_to_recordset(p_mobile_orders) as n (
            order_no bigint, mdtrt_id bigint, total_fen bigint, opened_at timestamptz,
            /*lanes*/ lane smallint, psn_no text, institution text, institution_order_no text,
            batch_no text, payload text
        );
    end if;

    if p_mobile_events is not null then
        insert into settlement.mobile_event (
            order_no, setl_id, recorded_at, lane, event_no, kind, content, payload
        )
        select n.order_no, n.setl_id, n.recorded_at, /*lane*/ n.lane, n.event_no, n.kind,
               n.content, decode(n.payload, 'base64')
        from json_to_recordset(p_mobile_events) as n (
            order_no bigint, setl_id bigint, recorded_at timestamptz, /*lanes*/ lane smallint,
            event_no smallint, kind smallint, content text, payload text
        );
    end if;

    if p_mobile_due is not null then
        insert into settlement.mobile_due (order_no, due_at, lane)
        select n.order_no, n.due_at, /*lane*/ n.lane
        from json_to_recordset(p_mobile_due) as n (
            order_no bigint, /*lanes*/ lane smallint, due_at timestamptz
        )
        where n.due_at is not null
        on conflict (lane, order_no) do update set due_at = excluded.due_at;

        delete from settlement.mobile_due d
        using json_to_recordset(p_mobile_due) as n (
            order_no bigint, /*lanes*/ lane smallint, due_at timestamptz
        )
        where d.lane = /*lane*/ n.lane and d.order_no = n.order_no and n.due_at is null;
    end if;

    if p_outbox is not null then
        insert into settlement.outbox (
            case_no, notice_no, told_at, lane, kind, topic, institution, payload
        )
        select n.case_no, n.notice_no, n.told_at, /*lane*/ n.lane, n.kind, n.topic,
               n.institution, decode(n.payload, 'base64')
        from json_to_recordset(p_outbox) as n (
            case_no bigint, notice_no integer, told_at timestamptz, /*lanes*/ lane smallint,
            kind text, topic text, institution text, payload text
        );

        insert into settlement.outbox_due (case_no, notice_no, after_case, due_at, lane)
        select n.case_no, n.notice_no, n.after_case, n.told_at, /*lane*/ n.lane
        from json_to_recordset(p_outbox) as n (
            case_no bigint, notice_no integer, after_case bigint, /*lanes*/ lane smallint,
            told_at timestamptz
        );
    end if;

    if p_matters is not null then
        insert into settlement.matter (
            matter_no, opened_at, lane, kind, psn_no, agent_no, payload
        )
        select n.matter_no, n.opened_at, /*lane*/ n.lane, n.kind, n.psn_no, n.agent_no,
               decode(n.payload, 'base64')
        from json_to_recordset(p_matters) as n (
            matter_no bigint, opened_at timestamptz, /*lanes*/ lane smallint, kind smallint,
            psn_no text, agent_no text, payload text
        );
    end if;

    if p_matter_events is not null then
        insert into settlement.matter_event (
            matter_no, entry_id, amount_fen, recorded_at, business_day, coverage_months, lane,
            event_no, kind, actor, through, reference, note
        )
        select n.matter_no, n.entry_id, n.amount_fen, n.recorded_at, n.business_day,
               n.coverage_months, /*lane*/ n.lane, n.event_no, n.kind, n.actor, n.through,
               n.reference, n.note
        from json_to_recordset(p_matter_events) as n (
            matter_no bigint, entry_id bigint, amount_fen bigint, recorded_at timestamptz,
            business_day date, coverage_months integer, /*lanes*/ lane smallint,
            event_no smallint, kind smallint, actor text, through text, reference text, note text
        );
    end if;

    if p_home_cases is not null then
        insert into settlement.home_case (
            setl_id, setl_on, lane, treated_region, case_no, institution, institution_name,
            visit_no, filing
        )
        select n.setl_id, n.setl_on, /*lane*/ n.lane, n.treated_region, n.case_no, n.institution,
               n.institution_name, n.visit_no, n.filing
        from json_to_recordset(p_home_cases) as n (
            setl_id bigint, setl_on date, /*lanes*/ lane smallint, treated_region text,
            case_no text, institution text, institution_name text, visit_no text, filing text
        );
    end if;

    if p_remote_cases is not null then
        insert into settlement.remote_case (
            case_no, hold_id, mdtrt_id, total_fen, opened_at, lane, psn_no, institution,
            insured_region, infno, msgid, payload
        )
        select n.case_no, n.hold_id, n.mdtrt_id, n.total_fen, n.opened_at, /*lane*/ n.lane,
               n.psn_no, n.institution, n.insured_region, n.infno, n.msgid,
               decode(n.payload, 'base64')
        from json_to_recordset(p_remote_cases) as n (
            case_no bigint, hold_id bigint, mdtrt_id bigint, total_fen bigint,
            opened_at timestamptz, /*lanes*/ lane smallint, psn_no text, institution text,
            insured_region text, infno text, msgid text, payload text
        );
    end if;

    if p_remote_events is not null then
        insert into settlement.remote_event (
            case_no, setl_id, recorded_at, lane, event_no, kind, reference, payload
        )
        select n.case_no, n.setl_id, n.recorded_at, /*lane*/ n.lane, n.event_no, n.kind,
               n.reference, decode(n.payload, 'base64')
        from json_to_recordset(p_remote_events) as n (
            case_no bigint, setl_id bigint, recorded_at timestamptz, /*lanes*/ lane smallint,
            event_no smallint, kind smallint, reference text, payload text
        );
    end if;

    if p_remote_due is not null then
        insert into settlement.remote_due (case_no, due_at, lane)
        select n.case_no, n.due_at, /*lane*/ n.lane
        from json_to_recordset(p_remote_due) as n (
            case_no bigint, /*lanes*/ lane smallint, due_at timestamptz
        )
        where n.due_at is not null
        on conflict (lane, case_no) do update set due_at = excluded.due_at;

        delete from settlement.remote_due d
        using json_to_recordset(p_remote_due) as n (
            case_no bigint, /*lanes*/ lane smallint, due_at timestamptz
        )
        where d.lane = /*lane*/ n.lane and d.case_no = n.case_no and n.due_at is null;
    end if;

    if p_elsewhere is not null then
        insert into settlement.insured_elsewhere (
            setl_id, setl_on, lane, paid_in_advance, institution, insured_region, visit_no,
            settlement_no, certificate
        )
        select n.setl_id, n.setl_on, /*lane*/ n.lane, n.paid_in_advance, n.institution,
               n.insured_region, n.visit_no, n.settlement_no, decode(n.certificate, 'base64')
        from json_to_recordset(p_elsewhere) as n (
            setl_id bigint, setl_on date, /*lanes*/ lane smallint, paid_in_advance boolean,
            institution text, insured_region text, visit_no text, settlement_no text,
            certificate text
        );
    end if;

    insert into settlement.message (ref, recorded_at, lane, outcome, key, fingerprint)
    select p_message_refs[i], p_booked_at, /*lane*/ p_message_lanes[i], p_message_outcomes[i],
           substr(p_message_keys, 16 * (i - 1) + 1, 16),
           settlement.slice(p_fingerprints, p_fingerprint_ends, i)
    from generate_series(1, cardinality(p_message_refs)) as i;
end;
$$;
comment on function settlement.write_batch is
    'Writes one batch of one journal, all or nothing; MS001 where a person is stale.';

create function settlement.drop_token_lookups(p_lanes smallint[], p_keys bytea[]) returns void
language sql volatile security definer set search_path = pg_catalog as $$
    -- The ways from dead tokens to their persons. The application may take back no other key that
    -- leads to a person: it comes in here, and never at certificates and cards.
    delete from settlement.lookup l
    using unnest(p_lanes, p_keys) as d (lane, key)
    where l.lane = d.lane and l.kind = 3 and l.key = d.key;
$$;
comment on function settlement.drop_token_lookups is
    'Takes back the ways from tokens of e-credentials to persons.';

create function settlement.change_persons(
    p_journal smallint, /*lanes*/ p_lanes smallint[], /*cluster p_lane smallint,*/
    p_persons text[], p_key_versions smallint[], p_identities bytea[], p_enrolments text[],
    p_families text[], p_changed_days text[], p_changed_at timestamptz
) returns integer
language plpgsql volatile as $$
-- Changes what an agency says of persons of one journal (import): how many were changed. It takes
-- the head first, as every batch does, so it waits for the batch that is being written and the next
-- one waits for it; a batch that has read these persons already finds another version, and is
-- decided again. The identity is sealed with memberships and relatives, and comes with them. Where
-- somebody has settled already, the days for which claims would be decided otherwise are kept with
-- the newest row that there is under the head: that one and those before it were decided on what
-- was said until now. So was an order that waits for its payer, whose row is still to come: what is
-- under way is kept, too.
declare
    v_changed integer;
begin
    perform ledger.lock_head(/*cluster p_lane,*/ p_journal);
    insert into settlement.person_change (
        version, through_row, undertaking, changed_at, days, lane, psn_no
    )
    select p.version + 1, p.latest_row, p.undertaking, p_changed_at, n.days::datemultirange,
           /*lane*/ p.lane, p.psn_no
    from unnest(/*lanes*/ p_lanes, p_persons, p_changed_days) as n (/*lanes*/ lane, psn_no, days)
    join settlement.person p on p.lane = /*lane*/ n.lane and p.psn_no = n.psn_no
    where n.days is not null and num_nonnulls(p.latest_row, p.undertaking) > 0;

    update settlement.person p
    set version = p.version + 1,
        key_version = n.key_version,
        identity = n.identity,
        enrolments = n.enrolments,
        family = n.family
    from unnest(/*lanes*/ p_lanes, p_persons, p_key_versions, p_identities, p_enrolments,
                p_families)
        as n (/*lanes*/ lane, psn_no, key_version, identity, enrolments, family)
    where p.lane = /*lane*/ n.lane and p.psn_no = n.psn_no;
    get diagnostics v_changed = row_count;
    return v_changed;
end;
$$;
comment on function settlement.change_persons is
    'Changes identity, memberships and relatives of persons of one journal, under its head.';
