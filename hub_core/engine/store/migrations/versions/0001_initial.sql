-- Every row belongs to a workspace, directly or through its connection. Promises are constraints.

CREATE TABLE workspace (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key         text NOT NULL UNIQUE,
    name        text NOT NULL,
    active_crm  bigint,                     -- the one active CRM: a column, so there cannot be two
    created_at  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE connection (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    workspace_id  bigint NOT NULL REFERENCES workspace,
    kind          text NOT NULL,            -- crm, enrichment, ai, source, notify
    key           text NOT NULL,            -- the plugin's key
    settings      jsonb NOT NULL DEFAULT '{}',
    base_url      text NOT NULL,
    account       jsonb NOT NULL DEFAULT '{}',
    enabled       boolean NOT NULL DEFAULT false,   -- for kinds other than crm
    health        text NOT NULL DEFAULT 'connected',  -- connected | reconnect
    health_reason text NOT NULL DEFAULT '',
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    UNIQUE (workspace_id, key),
    UNIQUE (workspace_id, id)
);
ALTER TABLE workspace ADD FOREIGN KEY (id, active_crm) REFERENCES connection (workspace_id, id);

CREATE TABLE secret (
    connection_id bigint NOT NULL REFERENCES connection ON DELETE CASCADE,
    name          text NOT NULL,
    key_id        text NOT NULL,            -- which master key encrypted it
    nonce         bytea NOT NULL,
    ciphertext    bytea NOT NULL,           -- AES-256-GCM; associated data: workspace, connection, name
    PRIMARY KEY (connection_id, name)
);

CREATE TABLE custom_field (
    workspace_id  bigint NOT NULL REFERENCES workspace,
    kind          text NOT NULL,
    id            text NOT NULL,
    label         text NOT NULL,
    type          text NOT NULL,
    options       text[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (workspace_id, kind, id)
);

CREATE TABLE record (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    workspace_id  bigint NOT NULL REFERENCES workspace,
    kind          text NOT NULL,
    external_id   text NOT NULL,            -- from the source; derived from identifying values where it gives none
    values        jsonb NOT NULL,
    company_id    bigint REFERENCES record ON DELETE SET NULL,   -- where a contact works
    domain_key    text,                     -- normalised domain and name of the company, or of the contact's employer:
    name_key      text,                     -- they tell where a contact works
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    UNIQUE (workspace_id, kind, external_id)
);
CREATE INDEX record_by_company ON record (company_id) WHERE company_id IS NOT NULL;

-- Match keys: one 64-bit number per AND group of the match rule. They can be made again from the records at any time, so
-- these tables are not logged; after a crash of the server they are empty, `key_scope` with them, and are rebuilt.
CREATE UNLOGGED TABLE key_scope (
    id            integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    workspace_id  bigint NOT NULL,
    connection_id bigint,                   -- null: keys of hub records; else keys of that connection's mirror
    kind          text NOT NULL,
    fingerprint   text NOT NULL,            -- of the compiled rule and the fields it reads
    UNIQUE NULLS NOT DISTINCT (workspace_id, connection_id, kind)
);
CREATE UNLOGGED TABLE hub_key (
    record_id     bigint NOT NULL,
    key           bigint NOT NULL,
    scope         integer NOT NULL,
    clause        smallint NOT NULL
);
CREATE INDEX hub_key_by_record ON hub_key (record_id);
CREATE UNLOGGED TABLE crm_key (
    crm_record_id bigint NOT NULL,
    key           bigint NOT NULL,
    scope         integer NOT NULL,
    clause        smallint NOT NULL
);
CREATE INDEX crm_key_by_key ON crm_key (scope, key) INCLUDE (clause, crm_record_id);
CREATE INDEX crm_key_by_record ON crm_key (crm_record_id);

-- The mirror: the CRM fields the hub needs, as last read or written.
-- It has no foreign key, whose check costs a third of storing a page; whoever removes a connection removes its mirror.
CREATE TABLE crm_record (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    connection_id bigint NOT NULL,
    kind          text NOT NULL,
    crm_id        text NOT NULL,
    values        jsonb NOT NULL,
    modified_at   text NOT NULL DEFAULT '',
    seen_at       timestamptz NOT NULL DEFAULT now(),
    changed_at    timestamptz NOT NULL DEFAULT now(),   -- when a value that we hold, or its being there, last changed
    deleted       boolean NOT NULL DEFAULT false,
    merged_into   text,
    UNIQUE (connection_id, kind, crm_id)
);
CREATE TABLE mirror (
    connection_id bigint NOT NULL REFERENCES connection ON DELETE CASCADE,
    kind          text NOT NULL,
    cursor        text,                     -- where the next reading starts; null: from the beginning
    complete      boolean NOT NULL DEFAULT false,   -- everything has been read at least once
    fields        text[] NOT NULL DEFAULT '{}',     -- which CRM fields it holds
    read_at       timestamptz,              -- when the last reading ended
    full_since    timestamptz,              -- when the full reading under way began; null: none is
    PRIMARY KEY (connection_id, kind)
);
CREATE TABLE crm_fields (
    connection_id bigint NOT NULL REFERENCES connection ON DELETE CASCADE,
    kind          text NOT NULL,
    fields        jsonb NOT NULL,
    read_at       timestamptz NOT NULL,
    PRIMARY KEY (connection_id, kind)
);

CREATE TABLE link (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    connection_id bigint NOT NULL REFERENCES connection ON DELETE CASCADE,
    kind          text NOT NULL,
    record_id     bigint NOT NULL REFERENCES record ON DELETE CASCADE,
    crm_id        text NOT NULL,
    agreed        jsonb NOT NULL DEFAULT '{}',   -- by CRM field: the last value both sides agreed on
    run_id        bigint,
    pulled_at     timestamptz,              -- record.updated_at as a sync's own change has left it
    written_at    text,                     -- crm_record.modified_at as a sync's own write has left it
    created_at    timestamptz NOT NULL DEFAULT now(),
    UNIQUE (connection_id, record_id),
    UNIQUE (connection_id, kind, crm_id)
);

-- How far the two sides have been brought together: everything changed since ``since`` is still to be looked at.
CREATE TABLE sync (
    connection_id bigint NOT NULL REFERENCES connection ON DELETE CASCADE,
    kind          text NOT NULL,
    since         timestamptz,              -- null: never synced
    confirmed_at  timestamptz,              -- when a person let the first sync go on
    PRIMARY KEY (connection_id, kind)
);
CREATE TABLE schedule (
    workspace_id  bigint NOT NULL REFERENCES workspace ON DELETE CASCADE,
    kind          text NOT NULL,
    seconds       integer NOT NULL CHECK (seconds > 0),
    next_at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, kind)
);

CREATE TABLE setup (
    connection_id bigint NOT NULL REFERENCES connection ON DELETE CASCADE,
    version       integer NOT NULL,
    document      jsonb NOT NULL,
    saved_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (connection_id, version)
);

CREATE TABLE run (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    workspace_id  bigint NOT NULL REFERENCES workspace,
    connection_id bigint NOT NULL REFERENCES connection,
    account       text NOT NULL,            -- at the vendor: two workspaces may be connected to the same one
    job           text GENERATED ALWAYS AS (options ->> 'job') STORED NOT NULL,   -- export | sync | undo
    kind          text NOT NULL,            -- contact | company: what it is mainly about
    state         text NOT NULL,
    options       jsonb NOT NULL,
    setup_version integer NOT NULL,
    stage         text NOT NULL DEFAULT '', -- what the next chunk does
    cursor        jsonb NOT NULL DEFAULT '{}',
    route         text NOT NULL DEFAULT '', -- how matching was done, and why
    estimate      integer NOT NULL DEFAULT 0,   -- API calls that applying will take, as planned
    total         bigint NOT NULL DEFAULT 0,
    planned       bigint NOT NULL DEFAULT 0,
    applied       bigint NOT NULL DEFAULT 0,
    failed        bigint NOT NULL DEFAULT 0,
    api_calls     bigint NOT NULL DEFAULT 0,
    plan_calls    bigint NOT NULL DEFAULT 0,    -- those of them that were made before the plan was applied
    message       text NOT NULL DEFAULT '',
    exit_code     integer NOT NULL DEFAULT 0,   -- of a paused run: what the command line answers
    wanted        text NOT NULL DEFAULT '', -- pause | cancel: read by the next chunk
    waiting_until timestamptz,
    waiting_for   text NOT NULL DEFAULT '',
    lease         bigint NOT NULL DEFAULT 0,    -- raised by each worker that takes the run; a commit checks it
    leased_until  timestamptz,
    leased_by     text NOT NULL DEFAULT '', -- that worker's process, by which it is known when it is dead
    created_at    timestamptz NOT NULL DEFAULT now(),
    started_at    timestamptz,
    ended_at      timestamptz
);
CREATE UNIQUE INDEX one_applying_run ON run (account) WHERE state = 'applying';

CREATE TABLE plan_item (
    run_id        bigint NOT NULL REFERENCES run ON DELETE CASCADE,
    seq           bigint NOT NULL,
    kind          text NOT NULL,
    record_id     bigint NOT NULL,
    action        text NOT NULL,
    reason        text NOT NULL,
    crm_id        text,
    detail        jsonb NOT NULL,           -- changes, kept, owner, associations, candidates, problems
    state         text NOT NULL DEFAULT 'planned',
    outcome       text NOT NULL DEFAULT '', -- created | updated | linked | unchanged | skipped | review | failed
    error         text NOT NULL DEFAULT '', -- the vendor's own reason
    url           text NOT NULL DEFAULT '',
    sent_at       timestamptz,
    ended_at      timestamptz,
    PRIMARY KEY (run_id, seq),
    UNIQUE (run_id, kind, record_id)
);
CREATE INDEX plan_item_planned ON plan_item (run_id, kind, action, seq) WHERE state = 'planned';
CREATE INDEX plan_item_sending ON plan_item (run_id) WHERE state = 'sending';

CREATE TABLE review (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    connection_id bigint NOT NULL REFERENCES connection ON DELETE CASCADE,
    kind          text NOT NULL,
    record_id     bigint NOT NULL REFERENCES record ON DELETE CASCADE,
    reason        text NOT NULL,
    candidates    text[] NOT NULL,
    answer        text NOT NULL DEFAULT '', -- link | create | skip
    crm_id        text,
    created_at    timestamptz NOT NULL DEFAULT now(),
    answered_at   timestamptz,
    UNIQUE (connection_id, kind, record_id)
);

CREATE TABLE journal (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    workspace_id  bigint NOT NULL REFERENCES workspace,
    connection_id bigint NOT NULL,
    run_id        bigint NOT NULL,
    kind          text NOT NULL,
    record_id     bigint NOT NULL,
    crm_id        text NOT NULL,
    side          text NOT NULL,            -- crm | hub: which side was changed
    action        text NOT NULL,            -- create | update | link | archive | unlink
    changes       jsonb NOT NULL,           -- [[field, before, after], ...]
    cause         text NOT NULL,
    at            timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX journal_by_record ON journal (record_id, id);
CREATE INDEX journal_by_run ON journal (run_id, kind, record_id, id);

-- The API budget of one vendor account, shared by every worker.
CREATE TABLE api_budget (
    account       text NOT NULL,            -- plugin key and vendor account id
    bucket        text NOT NULL,
    requests      integer NOT NULL,         -- the vendor's limit ...
    seconds       double precision NOT NULL,    -- ... per window
    slot          bigint NOT NULL DEFAULT 0,    -- number of the newest slot (engine/budget.py)
    used          integer[] NOT NULL,       -- requests in each of the newest slots, oldest first
    blocked_until double precision NOT NULL DEFAULT 0,  -- the vendor told us to wait; seconds since 1970
    blocked_why   text NOT NULL DEFAULT '',
    PRIMARY KEY (account, bucket)
);

-- Campaigns: who was put into which sequence, and what happened. Fed by imports; an external id that the source does not
-- give is derived, so that the same row always leads to the same one.
CREATE TABLE identity (                     -- a sender: a LinkedIn account, one or more mailboxes
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    workspace_id  bigint NOT NULL REFERENCES workspace,
    external_id   text NOT NULL,
    name          text NOT NULL,
    email         text NOT NULL DEFAULT '',
    linkedin      text NOT NULL DEFAULT '',
    UNIQUE (workspace_id, external_id)
);
CREATE TABLE campaign (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    workspace_id  bigint NOT NULL REFERENCES workspace,
    external_id   text NOT NULL,
    name          text NOT NULL,
    steps         jsonb NOT NULL DEFAULT '[]',  -- [[kind, channel, days of delay], ...] in order
    state         text NOT NULL DEFAULT '', -- active | paused | finished; '' when nobody said
    identity_id   bigint REFERENCES identity ON DELETE SET NULL,
    UNIQUE (workspace_id, external_id)
);
CREATE TABLE campaign_member (
    campaign_id   bigint NOT NULL REFERENCES campaign ON DELETE CASCADE,
    contact_id    bigint NOT NULL REFERENCES record ON DELETE CASCADE,
    added_at      timestamptz,              -- null: when the first activity was
    state         text NOT NULL DEFAULT '',
    PRIMARY KEY (campaign_id, contact_id)
);
CREATE INDEX campaign_member_by_contact ON campaign_member (contact_id);
CREATE TABLE activity (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    workspace_id  bigint NOT NULL REFERENCES workspace,
    external_id   text NOT NULL,
    contact_id    bigint NOT NULL REFERENCES record ON DELETE CASCADE,
    campaign_id   bigint REFERENCES campaign ON DELETE SET NULL,
    identity_id   bigint REFERENCES identity ON DELETE SET NULL,
    step          integer,                  -- its place in the campaign's steps, from 1
    type          text NOT NULL,
    channel       text NOT NULL,
    direction     text NOT NULL,            -- outbound | inbound
    at            timestamptz NOT NULL,
    subject       text NOT NULL DEFAULT '',
    body          text NOT NULL DEFAULT '',
    UNIQUE (workspace_id, external_id)
);
CREATE INDEX activity_by_contact ON activity (contact_id);
CREATE TABLE conversation_tag (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    workspace_id  bigint NOT NULL REFERENCES workspace,
    external_id   text NOT NULL,
    contact_id    bigint NOT NULL REFERENCES record ON DELETE CASCADE,
    name          text NOT NULL,
    category      text NOT NULL,            -- POSITIVE | NEUTRAL | NEGATIVE
    applied_by    text NOT NULL DEFAULT '',
    at            timestamptz,
    UNIQUE (workspace_id, external_id)
);
CREATE INDEX conversation_tag_by_contact ON conversation_tag (contact_id);
-- Contacts whose campaign properties may have changed: written with the event, taken away by who has dealt with it.
CREATE TABLE campaign_touched (
    contact_id    bigint PRIMARY KEY REFERENCES record ON DELETE CASCADE,
    workspace_id  bigint NOT NULL REFERENCES workspace,
    at            timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- What has changed about the CRM's fields and concerns the mapping. Open until the field is back or the set-up fits.
CREATE TABLE repair (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    connection_id bigint NOT NULL REFERENCES connection ON DELETE CASCADE,
    kind          text NOT NULL,
    crm_field     text NOT NULL,
    problem       text NOT NULL,            -- removed, type_changed, option_removed, ...
    status        text NOT NULL,            -- warning | error: an error pauses the field's row
    text          text NOT NULL,
    fix           text NOT NULL,
    before        jsonb NOT NULL,           -- the field when all was well; null: there was none
    arrived       text[] NOT NULL DEFAULT '{}', -- CRM fields that have come since then
    synced_until  timestamptz,              -- up to when its field was in the syncs; null: it was in none
    opened_at     timestamptz NOT NULL DEFAULT now(),
    closed_at     timestamptz,
    forgotten     boolean NOT NULL DEFAULT false    -- closed, and what was agreed on about a blank field is forgotten
);
CREATE UNIQUE INDEX one_open_repair ON repair (connection_id, kind, crm_field, problem) WHERE closed_at IS NULL;
