create function settlement.grant_rights(p_application name) returns void
language plpgsql as $$
-- The application owns nothing, deletes nothing but stop switches, sessions and files that have
-- expired, and never edits what was booked.
begin
    execute format('grant usage on schema settlement to %I', p_application);
    execute format('grant select on all tables in schema settlement to %I', p_application);
    execute format(
        'grant insert on settlement.settlement, settlement.settlement_detail, settlement.message,'
        ' settlement.visit, settlement.visit_event, settlement.filing, settlement.upload,'
        ' settlement.item_mapping, settlement.drug_trace, settlement.audit, settlement.sign_in,'
        ' settlement.token, settlement.listing, settlement.statement_row, settlement.file,'
        ' settlement.clearing_application, settlement.clearing_cancel, settlement.undertaking,'
        ' settlement.family_share, settlement.family_move, settlement.pay_order,'
        ' settlement.payment, settlement.payment_event, settlement.payment_due,'
        ' settlement.mobile_order, settlement.mobile_event, settlement.mobile_due,'
        ' settlement.outbox, settlement.outbox_due, settlement.outbox_attempt,'
        ' settlement.remote_case, settlement.remote_event, settlement.remote_due,'
        ' settlement.insured_elsewhere, settlement.home_case, settlement.cross_city_step,'
        ' settlement.import_job, settlement.matter, settlement.matter_event,'
        ' settlement.invoice_row, settlement.console_user, settlement.console_attempt,'
        ' settlement.console_session, settlement.day_end, settlement.seal,'
        ' settlement.seal_list, settlement.sheet_print, settlement.day_total,'
        ' settlement.day_leaves, settlement.region_paper to %I',
        p_application
    );
    execute format(
        'grant delete on settlement.file, settlement.token,'
        ' settlement.payment_due, settlement.mobile_due, settlement.remote_due,'
        ' settlement.outbox_due, settlement.console_attempt, settlement.console_session to %I',
        p_application
    );
    execute format(
        'grant update on settlement.console_user, settlement.console_attempt,'
        ' settlement.console_session to %I', p_application
    );
    execute format(
        'grant update (due_at, attempts) on settlement.outbox_due to %I', p_application
    );
    execute format('grant update (due_at) on settlement.mobile_due to %I', p_application);
    execute format('grant update (due_at) on settlement.remote_due to %I', p_application);
    execute format('grant update (due_at, channel) on settlement.payment_due to %I', p_application);
    execute format(
        'grant update (version, accumulators, latest_row, latest_visit, open_stay, filings,'
        ' undertaking) on settlement.person to %I', p_application
    );
    execute format('grant update (signed_out_at) on settlement.sign_in to %I', p_application);
    execute format(
        'grant insert, delete, update (reason) on settlement.suspension to %I', p_application
    );
    execute format(
        'grant insert, update (version) on settlement.reference_version to %I', p_application
    );
    execute format(
        'grant usage on sequence settlement.number_block, settlement.import_job_no to %I',
        p_application
    );
    execute format(
        'grant execute on all functions in schema settlement to %I', p_application
    );
    execute format(
        'revoke execute on function settlement.change_persons from public, %I', p_application
    );
    execute format(
        'revoke execute on function settlement.freeze_year, settlement.drop_year from public, %I',
        p_application
    );
end;
$$;
comment on function settlement.grant_rights(name) is 'The application''s rights on this schema.';
