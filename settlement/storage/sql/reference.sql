-- Reference data: small tables without lanes, loaded by every process and watched for change.

-- name: installation
-- What this database is.
select i.schema_version, i.lanes, i.region, i.demo_seed from settlement.installation i;

-- name: installed_at
-- When this database was made.
select i.installed_at from settlement.installation i;

-- name: versions
-- Bumped with every change of reference data; polled twice a second.
select r.topic, r.version from settlement.reference_version r;

-- name: institutions
-- Every designated institution.
select i.code, i.name, i.kind, i.region, i.hospital_level, i.deductible_level, i.ceiling_level,
       i.agreement_from, i.agreement_to, i.suspended, i.care_types, i.off_site,
       i.account_base
from settlement.institution i;

-- name: counterparts
-- Other regions that people come from or go to.
select c.region, c.name, c.account_base, c.active, c.route from settlement.counterpart c;

-- name: keep_counterpart
-- Another region, new or changed; its accounts stay where they are.
insert into settlement.counterpart (region, name, account_base, active, route)
values ($1, $2, $3, $4, $5)
on conflict (region) do update
    set name = excluded.name, active = excluded.active, route = excluded.route;

-- name: hub_certificates
-- Certificates of other regions, as the authority signed them.
select c.serial, c.region, c.content from settlement.hub_certificate c order by c.serial;

-- name: party_is_certified
-- Whether a party ever had a certificate.
select exists (select 1 from settlement.hub_certificate c where c.region = $1) as certified;

-- name: keep_hub_certificate
-- A certificate of another region; one that is there stays as it is.
insert into settlement.hub_certificate (serial, region, not_before, not_after, content)
values ($1, $2, $3, $4, $5)
on conflict (serial) do nothing;

-- name: hub_withdrawals
-- Certificates that are good for nothing any more.
select w.serial, w.withdrawn_at, w.reason, w.content from settlement.hub_withdrawal w
order by w.serial;

-- name: keep_hub_withdrawal
-- A certificate is withdrawn, once for ever; the earliest withdrawal counts.
insert into settlement.hub_withdrawal (serial, withdrawn_at, reason, content)
values ($1, $2, $3, $4)
on conflict (serial) do nothing
returning serial;

-- name: hub_identities
-- The keys of ours; secrets are ciphertext.
select i.made_at, i.key_version, i.signing_key, i.secret, i.content
from settlement.hub_identity i
order by i.made_at, i.signing_key;

-- name: keep_hub_identity
-- New keys of ours, which have no certificate yet.
insert into settlement.hub_identity (made_at, key_version, signing_key, secret)
values ($1, $2, $3, $4);

-- name: certify_hub_identity
-- The authority has issued the certificate of keys of ours.
update settlement.hub_identity as i
set content = $2
where i.signing_key = $1
returning i.signing_key;

-- name: staff
-- Terms of the staff of institutions, the earliest of each first.
select s.institution, s.code, s.kind, s.name, s.effective_from, s.effective_to
from settlement.staff s
order by s.institution, s.code, s.effective_from;

-- name: keep_staff
-- An import writes terms of staff: new ones, and those that it changes.
insert into settlement.staff (institution, code, effective_from, effective_to, kind, name)
select n.institution, n.code, n.effective_from, n.effective_to, n.kind, n.name
from unnest($1::text[], $2::text[], $3::date[], $4::date[], $5::text[], $6::text[])
    as n (institution, code, effective_from, effective_to, kind, name)
on conflict (institution, code, effective_from) do update
    set effective_to = excluded.effective_to, kind = excluded.kind, name = excluded.name;

-- name: credentials
-- What institutions sign with; secrets and keys are ciphertext.
select c.access_key, c.institution, c.key_version, c.secret, c.body_keys
from settlement.credential c;

-- name: receivers
-- Who is told what (settlement/outbox.py).
select r.institution, r.kind from settlement.receiver r;

-- name: receivers_shown
-- Where everybody is told, for operators.
select r.institution, r.kind, r.url, r.access_key, r.since
from settlement.receiver r
order by r.institution, r.kind;

-- name: receiver_since
-- Since when somebody wants to be told; no row where nobody does.
select r.since
from settlement.receiver r
where r.institution = $1 and r.kind = $2;

-- name: keep_receiver
-- Where an institution wants to be told; its credential must be its own.
insert into settlement.receiver (institution, kind, url, access_key, since)
select c.institution, $2, $3, c.access_key, $5
from settlement.credential c
where c.institution = $1 and c.access_key = $4
on conflict (institution, kind) do update
    set url = excluded.url, access_key = excluded.access_key, since = excluded.since
returning institution;

-- name: drop_receiver
-- An institution is not told any more.
delete from settlement.receiver r
where r.institution = $1 and r.kind = $2
returning r.institution;

-- name: lock_credential
-- The secret of a credential whose keys are about to change.
select c.key_version, c.secret from settlement.credential c where c.access_key = $1 for update;

-- name: set_body_keys
-- Keys for signed and encrypted bodies; the secret comes along, because both have one key version.
update settlement.credential as c
set key_version = $2, secret = $3, body_keys = $4
where c.access_key = $1;

-- name: catalogue
-- Every version of every catalogue item; in one order everywhere, so that the pages of an enquiry
-- may come from several processes.
select c.code, c.name, c.list_type, c.item_class, c.charge_kind, c.self_pay_bp, c.ceilings,
       c.scheme_ratios, c.effective_from, c.effective_to
from settlement.catalogue_item c
order by c.code, c.effective_from;

-- name: catalogue_of_codes
-- Every version of some items.
select c.code, c.name, c.list_type, c.item_class, c.charge_kind, c.self_pay_bp, c.ceilings,
       c.scheme_ratios, c.effective_from, c.effective_to
from settlement.catalogue_item c
where c.code = any ($1::text[])
order by c.code, c.effective_from;

-- name: list_entries
-- A list of codes, in one order everywhere.
select e.key, e.columns, e.valid, e.created_at, e.updated_at
from settlement.list_entry e
where e.list_no = $1
order by e.key collate "C";

-- name: lists_version
-- Which version all lists of codes have together; none before the first import.
select r.version from settlement.reference_version r where r.topic = 'lists';

-- name: keep_list_entries
-- An import writes rows of lists: new ones, and those that it changes.
insert into settlement.list_entry (created_at, updated_at, valid, list_no, key, columns)
select $1, $1, n.valid, n.list_no, n.key, n.columns
from unnest($2::text[], $3::text[], $4::boolean[], $5::text[]) as n (list_no, key, valid, columns)
on conflict (list_no, key) do update
    set updated_at = excluded.updated_at, valid = excluded.valid, columns = excluded.columns;

-- name: suspensions
-- The stop switches that are on.
select s.subject_kind, s.subject, s.reason from settlement.suspension s;

-- name: lanes
-- Which open journal orders each lane.
select l.lane, l.journal
from ledger.lane l
join ledger.journal j on j.journal = l.journal
where j.closed_at is null
order by l.lane;

-- name: closed_through
-- The last business day that is closed.
select max(d.business_day) from ledger.closed_day d;

-- name: number_block
-- A block of identifiers for this process alone.
select nextval('settlement.number_block');

-- name: suspend
-- An operator turns a stop switch on.
insert into settlement.suspension (subject_kind, subject, since, reason)
values ($1, $2, $3, $4)
on conflict (subject_kind, subject) do update set reason = excluded.reason;

-- name: resume
-- An operator turns a stop switch off.
delete from settlement.suspension s
where s.subject_kind = $1 and s.subject = $2
returning s.subject;

-- name: cancel_approvals
-- Approvals of cancels (退费备案) that are not used yet.
select a.setl_id
from settlement.cancel_approval a
where not exists (
    select 1 from settlement.settlement u where u.lane = a.lane and u.undoes_setl_id = a.setl_id
);

-- name: approve_cancel
-- An operator approves the cancel of a settlement that stands; a second approval replaces the
-- first.
insert into settlement.cancel_approval (lane, setl_id, approved_at, actor, reason)
select t.lane, t.setl_id, $3, $4, $5
from settlement.settlement t
where t.lane = $1 and t.setl_id = $2 and t.kind = 1
    and not exists (
        select 1 from settlement.settlement u where u.lane = t.lane and u.undoes_setl_id = t.setl_id
    )
on conflict (lane, setl_id) do update
    set approved_at = excluded.approved_at, actor = excluded.actor, reason = excluded.reason
returning setl_id;

-- name: withdraw_approval
-- An operator takes an approval back that was not used.
delete from settlement.cancel_approval a
where a.lane = $1 and a.setl_id = $2
    and not exists (
        select 1 from settlement.settlement u where u.lane = a.lane and u.undoes_setl_id = a.setl_id
    )
returning a.setl_id;

-- name: policy_files
-- Policy files that operators loaded, the earliest first.
select f.name, f.content, f.loaded_at, f.actor, f.reason
from settlement.policy_file f
order by f.file_no;

-- name: keep_policy_file
-- An operator loads a policy file.
insert into settlement.policy_file (loaded_at, name, content, actor, reason)
values ($1, $2, $3, $4, $5);

-- name: open_account
-- An account of the agency, unless it is there already.
insert into ledger.account (account, owner, code, name, debit_normal)
values ($1, $2, $3, $4, $5)
on conflict (account) do nothing;

-- name: bump
-- Tells every process that a topic changed.
insert into settlement.reference_version (topic, version)
values ($1, 1)
on conflict (topic) do update set version = settlement.reference_version.version + 1;

-- name: audit
-- What an operator did.
insert into settlement.audit (at, actor, action, subject, note) values ($1, $2, $3, $4, $5);

-- name: audited
-- What operators did to whatever begins so, in order.
select a.at, a.actor, a.action, a.subject, a.note
from settlement.audit a
where starts_with(a.subject, $1)
order by a.audit_id;

-- name: demo_items
-- Items of the demonstration world with their prices, for its page.
select c.code, c.name, c.item_class, c.charge_kind, c.demo_price_e6
from settlement.catalogue_item c
where c.demo_price_e6 is not null
order by c.code
limit $1;

-- name: keep_items
-- An import writes versions of items: new ones, and those that it changes.
insert into settlement.catalogue_item (
    code, effective_from, effective_to, name, list_type, item_class, charge_kind, self_pay_bp,
    ceilings, scheme_ratios
)
select n.code, n.effective_from, n.effective_to, n.name, n.list_type, n.item_class, n.charge_kind,
       n.self_pay_bp, n.ceilings, n.scheme_ratios
from unnest($1::text[], $2::date[], $3::date[], $4::text[], $5::text[], $6::text[], $7::text[],
            $8::integer[], $9::text[], $10::text[])
    as n (code, effective_from, effective_to, name, list_type, item_class, charge_kind,
          self_pay_bp, ceilings, scheme_ratios)
on conflict (code, effective_from) do update
    set effective_to = excluded.effective_to, name = excluded.name,
        list_type = excluded.list_type, item_class = excluded.item_class,
        charge_kind = excluded.charge_kind, self_pay_bp = excluded.self_pay_bp,
        ceilings = excluded.ceilings, scheme_ratios = excluded.scheme_ratios;

-- name: keep_institution
-- An import writes an institution; the accounts of one that is there stay what they are.
insert into settlement.institution (
    code, account_base, agreement_from, agreement_to, suspended, name, kind, region,
    hospital_level, deductible_level, ceiling_level, care_types, off_site
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
on conflict (code) do update
    set agreement_from = excluded.agreement_from, agreement_to = excluded.agreement_to,
        suspended = excluded.suspended, name = excluded.name, kind = excluded.kind,
        region = excluded.region, hospital_level = excluded.hospital_level,
        deductible_level = excluded.deductible_level, ceiling_level = excluded.ceiling_level,
        care_types = excluded.care_types, off_site = excluded.off_site;

-- name: keep_credential
-- An import writes what an institution signs with; the secret is ciphertext.
insert into settlement.credential (access_key, institution, key_version, secret)
values ($1, $2, $3, $4)
on conflict (access_key) do update
    set institution = excluded.institution, key_version = excluded.key_version,
        secret = excluded.secret;
