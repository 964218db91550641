-- Spreads a database over the workers of a Citus cluster, by lane.
--
-- NOT RUN HERE. Our builds of PostgreSQL do not have the extension, so no test has executed this
-- file on a cluster; docs/adr/0015-two-shapes.md says what is proved and what is not. Tests prove
-- that it names every table and function there is, and that every key of a distributed table
-- contains its distribution column.
--
-- Run it once, as a superuser on the coordinator, with the workers added and no gateway running,
-- after `settlement serve --shape cluster` has made the schema and was stopped:
--
--     psql --single-transaction --set ON_ERROR_STOP=1 --file deploy/citus/distribute.sql
--
-- Every lane has one journal, so a batch touches the rows of one lane, which are in one shard.
-- Lanes are placed by the hash of their number: a shard may hold several of them, or none.

-- Distributed by lane, all in one group: what a batch reads and writes.

select create_distributed_table(
    'settlement.person', 'lane', colocate_with => 'none', shard_count => 64
);
select create_distributed_table('settlement.lookup', 'lane', colocate_with => 'settlement.person');
select create_distributed_table('settlement.token', 'lane', colocate_with => 'settlement.person');
select create_distributed_table('settlement.sign_in', 'lane', colocate_with => 'settlement.person');
select create_distributed_table('settlement.visit', 'lane', colocate_with => 'settlement.person');
select create_distributed_table(
    'settlement.visit_event', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table('settlement.erasure', 'lane', colocate_with => 'settlement.person');
select create_distributed_table(
    'settlement.key_rewriting', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table('settlement.filing', 'lane', colocate_with => 'settlement.person');
select create_distributed_table(
    'settlement.settlement', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.settlement_detail', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table('settlement.message', 'lane', colocate_with => 'settlement.person');
select create_distributed_table('settlement.upload', 'lane', colocate_with => 'settlement.person');
select create_distributed_table(
    'settlement.item_mapping', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.drug_trace', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.cancel_approval', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.statement_row', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.invoice_row', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.sheet_print', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table('settlement.file', 'lane', colocate_with => 'settlement.person');
select create_distributed_table(
    'settlement.clearing_application', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.clearing_cancel', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.undertaking', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.family_share', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.family_move', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.pay_order', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.payment', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.payment_event', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.payment_due', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.mobile_order', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.mobile_event', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.mobile_due', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table('settlement.matter', 'lane', colocate_with => 'settlement.person');
select create_distributed_table(
    'settlement.matter_event', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.remote_case', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.remote_event', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.remote_due', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table('settlement.outbox', 'lane', colocate_with => 'settlement.person');
select create_distributed_table(
    'settlement.outbox_due', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.outbox_attempt', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.insured_elsewhere', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.home_case', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.cross_city_step', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.region_clearing_step', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.region_clearing_leg', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.region_clearing_mark', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.region_prepayment', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table('settlement.seal', 'lane', colocate_with => 'settlement.person');
select create_distributed_table(
    'settlement.day_total', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.day_leaves', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.seal_list', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.month_step', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.bill_row', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.bill_file', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.bill_replaced', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.channel_row', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.difference', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.difference_step', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.channel_clearing_total', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.channel_clearing_step', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.bill_content', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.bill_fault', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.bill_movement', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.bill_begun', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.bill_asked', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.institution_row', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.institution_file', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.region_difference', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.region_difference_step', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.region_difference_end', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.region_paper', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.region_file', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.region_paper_end', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.region_paper_mark', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.region_comparison', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.payout_period', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.payout_step', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.payout_line', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.payout_adjustment', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.payout_adjustment_end', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.payout_account', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.payout_file', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.reimbursement', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.reimbursement_paper', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.reimbursement_step', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.reimbursement_invoice', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table('settlement.opening', 'lane', colocate_with => 'settlement.person');
select create_distributed_table(
    'settlement.opening_payable', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.opening_settlement', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.person_change', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.opening_stay', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table('ledger.journal', 'lane', colocate_with => 'settlement.person');
select create_distributed_table('ledger.lane', 'lane', colocate_with => 'settlement.person');
select create_distributed_table('ledger.balance', 'lane', colocate_with => 'settlement.person');
select create_distributed_table('ledger.block', 'lane', colocate_with => 'settlement.person');
select create_distributed_table('ledger.entry', 'lane', colocate_with => 'settlement.person');
select create_distributed_table(
    'settlement.money_file', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.money_file_step', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.money_row', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.money_taken', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.fund_due', 'lane', colocate_with => 'settlement.person'
);
select create_distributed_table(
    'settlement.fund_due_line', 'lane', colocate_with => 'settlement.person'
);

-- On every node: small, read everywhere, changed by operators. `closed_day` is read by every batch.

select create_reference_table('ledger.account');
select create_reference_table('ledger.closed_day');
select create_reference_table('settlement.installation');
select create_reference_table('settlement.institution');
select create_reference_table('settlement.counterpart');
select create_reference_table('settlement.hub_certificate');
select create_reference_table('settlement.hub_withdrawal');
select create_reference_table('settlement.hub_identity');
select create_reference_table('settlement.credential');
select create_reference_table('settlement.receiver');
select create_reference_table('settlement.staff');
select create_reference_table('settlement.catalogue_item');
select create_reference_table('settlement.list_entry');
select create_reference_table('settlement.suspension');
select create_reference_table('settlement.reference_version');
select create_reference_table('settlement.channel_day');
select create_reference_table('settlement.matched_day');
select create_reference_table('settlement.merchant_fee');
select create_reference_table('settlement.archived_year');

-- On the coordinator only, as they are: `ledger.fold`, `settlement.listing`,
-- `settlement.day_end`, `settlement.audit`,
-- `settlement.audit_link`, `settlement.console_user`, `settlement.console_attempt`,
-- `settlement.console_session`,
-- `settlement.policy_file`, `settlement.cutover_file`, `settlement.import_key`,
-- `settlement.import_job` and the sequences `settlement.number_block` and
-- `settlement.import_job_no`. No batch touches them. The views `settlement.statement_booked` and
-- `settlement.statement` join a local table with distributed ones.

-- Delegated to the worker that has the lane.

select create_distributed_function(
    'settlement.write_batch'::regproc::regprocedure, 'p_lane', colocate_with => 'settlement.person'
);
select create_distributed_function(
    'settlement.change_persons'::regproc::regprocedure, 'p_lane',
    colocate_with => 'settlement.person'
);
select create_distributed_function(
    'ledger.append_block'::regproc::regprocedure, 'p_lane', colocate_with => 'settlement.person'
);
select create_distributed_function(
    'ledger.write_block'::regproc::regprocedure, 'p_lane', colocate_with => 'settlement.person'
);
select create_distributed_function(
    'ledger.lock_head'::regproc::regprocedure, 'p_lane', colocate_with => 'settlement.person'
);
select create_distributed_function(
    'ledger.hash_of_block'::regproc::regprocedure, 'p_lane', colocate_with => 'settlement.person'
);

-- Present on every worker: called by the functions above, or on rows of one shard.

select create_distributed_function('ledger.block_hash'::regproc::regprocedure);
select create_distributed_function('ledger.fits_pending'::regproc::regprocedure);
select create_distributed_function('settlement.slice'::regproc::regprocedure);
select create_distributed_function('settlement.json_text'::regproc::regprocedure);
select create_distributed_function('settlement.json_time'::regproc::regprocedure);
select create_distributed_function('settlement.row_commitment'::regproc::regprocedure);
select create_distributed_function('settlement.move_commitment'::regproc::regprocedure);
select create_distributed_function('settlement.payment_commitment'::regproc::regprocedure);
select create_distributed_function('settlement.matter_commitment'::regproc::regprocedure);
