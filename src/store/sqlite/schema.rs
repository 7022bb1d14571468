//! The tables, and how an older file becomes a newer one. Migrations only go forward; each schema
//! that ever landed has a fixture under `fixtures/store`.

use rusqlite::Connection;

use crate::store::StoreError;

/// "Ante": tells `file` and our own `doctor` whose database this is.
pub const APPLICATION_ID: i32 = 0x416e_7465;
/// Newest schema this program knows.
pub const VERSION: u32 = 3;
/// The schema in which agents began to have items.
pub(in crate::store) const VERSION_WITH_AGENTS: u32 = 2;
/// The schema in which items began to have workflows.
pub(in crate::store) const VERSION_WITH_WORKFLOWS: u32 = 3;
/// Bytes of a page. Fixed when the file is made.
pub const PAGE_BYTES: u64 = 4096;

/// Rows of `meta`: every sequence up to this one has its reference in a cold run.
pub(in crate::store) const META_WATERMARK: &str = "reference_watermark";
/// Rows of `meta`: the key of the reference hashes, 16 random bytes, made with the file.
pub(in crate::store) const META_REFERENCE_KEY: &str = "reference_key";
/// Schema 1.
///
/// `item` is hot and narrow; texts stand in `body`. The codes of `state` are those of
/// [`super::row::state_code`]; 4 (offered) is never in a row. `item_open` covers the restart,
/// `item_queue` a queue's listing; both hold unfinished items only (a query must say so in the
/// very words of the index, `state < 7`, or SQLite does not use it). `sender_span` says in which
/// stretches of 1,024 sequences a sender has items, so that its list needs no index of its own.
/// `sequence_floor` in `meta` is the largest sequence that was ever deleted.
/// Of the notifications of an item at most one has a `next_at`: the first that is due (0; 1 is
/// parked, 2 delivered). So the next ones of a sender are read from an index, however many stand
/// behind them.
/// Foreign keys would cost a lookup per row and are kept by [`super::write`] and `doctor` instead.
const SCHEMA_1: &str = "
CREATE TABLE meta (
    name TEXT NOT NULL PRIMARY KEY,
    value ANY NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE tenant (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE service (
    number INTEGER PRIMARY KEY,
    tenant INTEGER NOT NULL,
    name TEXT NOT NULL,
    UNIQUE (tenant, name)
) STRICT;

CREATE TABLE sender (
    number INTEGER PRIMARY KEY,
    tenant INTEGER NOT NULL,
    name TEXT NOT NULL,
    UNIQUE (tenant, name)
) STRICT;

CREATE TABLE item (
    sequence INTEGER PRIMARY KEY CHECK (sequence > 0),
    id BLOB NOT NULL CHECK (length(id) = 16),
    tenant INTEGER NOT NULL,
    sender INTEGER NOT NULL,
    service INTEGER NOT NULL,
    state INTEGER NOT NULL CHECK (state IN (0, 1, 2, 3, 5, 6, 7)),
    priority INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 9),
    version INTEGER NOT NULL CHECK (version > 0),
    journal_rows INTEGER NOT NULL CHECK (journal_rows >= 0),
    received_at INTEGER NOT NULL,
    stored_at INTEGER NOT NULL,
    not_before INTEGER,
    due_by INTEGER,
    expires_at INTEGER,
    queued_at INTEGER,
    ended_at INTEGER,
    outcome INTEGER,
    chargeable INTEGER NOT NULL CHECK (chargeable IN (0, 1)),
    content_digest BLOB NOT NULL CHECK (length(content_digest) = 16),
    reference TEXT NOT NULL,
    CHECK ((state = 7) = (ended_at IS NOT NULL)),
    CHECK ((ended_at IS NULL) = (outcome IS NULL)),
    CHECK (state <> 0 OR not_before IS NOT NULL),
    CHECK (state NOT IN (3, 5, 6) OR queued_at IS NOT NULL)
) STRICT;
CREATE UNIQUE INDEX item_id ON item (id);
CREATE INDEX item_open ON item
    (sequence, service, state, priority, not_before, expires_at, received_at)
    WHERE state < 7;
CREATE INDEX item_queue ON item (service, state, priority DESC, sequence)
    WHERE state < 7;
CREATE TRIGGER item_deleted AFTER DELETE ON item BEGIN
    UPDATE meta SET value = max(value, old.sequence) WHERE name = 'sequence_floor';
END;

CREATE TABLE body (
    sequence INTEGER PRIMARY KEY,
    content TEXT NOT NULL,
    raw TEXT,
    checksum INTEGER,
    CHECK ((raw IS NULL) = (checksum IS NULL))
) STRICT;

CREATE TABLE message (
    sequence INTEGER NOT NULL,
    number INTEGER NOT NULL CHECK (number > 1),
    raw TEXT NOT NULL,
    checksum INTEGER NOT NULL,
    PRIMARY KEY (sequence, number)
) STRICT;

CREATE TABLE journal (
    sequence INTEGER NOT NULL,
    number INTEGER NOT NULL CHECK (number > 0),
    at INTEGER NOT NULL,
    event INTEGER NOT NULL,
    sender INTEGER,
    user INTEGER,
    operator TEXT,
    data TEXT,
    PRIMARY KEY (sequence, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE request (
    sequence INTEGER NOT NULL,
    request_id TEXT NOT NULL,
    content_digest BLOB NOT NULL CHECK (length(content_digest) = 16),
    version INTEGER NOT NULL,
    state INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (sequence, request_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE entrance (
    service INTEGER PRIMARY KEY,
    closed_since INTEGER,
    closed_until INTEGER,
    closed_reason TEXT,
    forced_since INTEGER,
    forced_until INTEGER,
    forced_reason TEXT
) STRICT;

CREATE TABLE attachment (
    sequence INTEGER NOT NULL,
    number INTEGER NOT NULL CHECK (number > 0),
    name TEXT NOT NULL,
    media_type TEXT NOT NULL,
    length_bytes INTEGER NOT NULL CHECK (length_bytes >= 0),
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
    blob BLOB NOT NULL CHECK (length(blob) = 16),
    PRIMARY KEY (sequence, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE chunk (
    blob BLOB NOT NULL CHECK (length(blob) = 16),
    number INTEGER NOT NULL CHECK (number >= 0),
    bytes BLOB NOT NULL CHECK (length(bytes) BETWEEN 1 AND 262144),
    PRIMARY KEY (blob, number)
) STRICT;
CREATE TABLE pending_blob (
    blob BLOB NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
    number INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    sender INTEGER,
    user INTEGER,
    operator TEXT,
    verb TEXT NOT NULL,
    tenant INTEGER,
    object TEXT NOT NULL,
    data TEXT
) STRICT;

CREATE TABLE notification (
    item INTEGER NOT NULL,
    number INTEGER NOT NULL CHECK (number > 0),
    id BLOB NOT NULL CHECK (length(id) = 16),
    sender INTEGER NOT NULL,
    event INTEGER NOT NULL,
    name TEXT,
    at INTEGER NOT NULL,
    state INTEGER NOT NULL CHECK (state IN (0, 1, 2)),
    next_at INTEGER CHECK (next_at IS NULL OR state = 0),
    failed INTEGER NOT NULL CHECK (failed >= 0),
    failing_since INTEGER,
    error TEXT,
    status TEXT,
    traceparent TEXT,
    PRIMARY KEY (item, number),
    CHECK ((state = 2) = (status IS NULL)),
    CHECK ((failed = 0) = (failing_since IS NULL))
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX notification_id ON notification (id);
CREATE INDEX notification_next ON notification (sender, next_at, item, number)
    WHERE next_at IS NOT NULL;
CREATE INDEX notification_parked ON notification (id) WHERE state = 1;

CREATE TABLE user (
    number INTEGER PRIMARY KEY CHECK (number > 0),
    tenant INTEGER NOT NULL,
    name TEXT NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 64),
    version INTEGER NOT NULL CHECK (version > 0),
    enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    capacity INTEGER NOT NULL CHECK (capacity BETWEEN 1 AND 10),
    password TEXT CHECK (password LIKE '$argon2id$%'),
    details TEXT NOT NULL
) STRICT;
CREATE TABLE session (
    digest BLOB NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
    user INTEGER NOT NULL,
    opened_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE token (
    digest BLOB NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
    user INTEGER NOT NULL,
    label TEXT NOT NULL CHECK (length(label) BETWEEN 1 AND 64),
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    UNIQUE (user, label)
) STRICT, WITHOUT ROWID;

CREATE TABLE sender_span (
    span INTEGER NOT NULL,
    sender INTEGER NOT NULL,
    PRIMARY KEY (span, sender)
) STRICT, WITHOUT ROWID;

CREATE TABLE reference_run (
    run INTEGER PRIMARY KEY,
    entries INTEGER NOT NULL
) STRICT;
CREATE TABLE reference_entry (
    run INTEGER NOT NULL,
    hash INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    PRIMARY KEY (run, hash, sequence)
) STRICT, WITHOUT ROWID;
CREATE TABLE erased_reference (
    hash BLOB NOT NULL PRIMARY KEY CHECK (length(hash) = 16)
) STRICT, WITHOUT ROWID;

CREATE TABLE probe (
    bytes BLOB NOT NULL
) STRICT;

INSERT INTO meta (name, value) VALUES ('reference_watermark', 0), ('sequence_floor', 0);
";

/// Schema 2: agents have items.
///
/// `agent`, `session` and `parked_until` say who has an item; `session` is the offer of the agent
/// session that goes with it. `wish` is JSON (see [`super::wish_column`]). `note` stands behind
/// all else, for it may be long, and nothing but a look at an ended item goes that far into a row.
/// `item_open` is made anew to cover the restart as before; `item_held` has the few items in
/// somebody's hands (a query must say `state IN (5, 6)` in these very words).
/// An agent session rings while it has neither `accepted_at` nor `ended_at`: those few, left by a
/// crash, are in `agent_session_ringing`. `user_state` has at most one open row of a user.
/// SQLite looks at every row of `item` for each added column: by estimate 15 s for a million.
const SCHEMA_2: &str = "
ALTER TABLE item ADD COLUMN entered_at INTEGER;
ALTER TABLE item ADD COLUMN accepted_at INTEGER;
ALTER TABLE item ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0);
ALTER TABLE item ADD COLUMN agent INTEGER CHECK ((agent IS NOT NULL) = (state IN (5, 6)));
ALTER TABLE item ADD COLUMN session INTEGER
    CHECK ((session IS NULL) = (agent IS NULL) AND (session IS NULL OR session >= 0));
ALTER TABLE item ADD COLUMN parked_until INTEGER
    CHECK ((parked_until IS NOT NULL) = (state = 6));
ALTER TABLE item ADD COLUMN wish TEXT;
ALTER TABLE item ADD COLUMN result TEXT CHECK (result IS NULL OR outcome IS 10);
ALTER TABLE item ADD COLUMN share INTEGER
    CHECK ((share IS NULL) = (result IS NULL) AND (share IS NULL OR share IN (0, 1)));
ALTER TABLE item ADD COLUMN note TEXT CHECK (note IS NULL OR result IS NOT NULL);
DROP INDEX item_open;
CREATE INDEX item_open ON item
    (sequence, service, state, priority, not_before, expires_at, received_at, queued_at,
     entered_at, accepted_at, agent, parked_until, wish)
    WHERE state < 7;
CREATE INDEX item_held ON item (agent) WHERE state IN (5, 6);

CREATE TABLE agent_session (
    sequence INTEGER NOT NULL,
    offer INTEGER NOT NULL CHECK (offer >= 0),
    agent INTEGER NOT NULL,
    service INTEGER NOT NULL,
    offered_at INTEGER NOT NULL,
    accepted_at INTEGER,
    ended_at INTEGER,
    result INTEGER,
    PRIMARY KEY (sequence, offer, agent),
    CHECK ((ended_at IS NULL) = (result IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX agent_session_ringing ON agent_session (sequence, offer, agent)
    WHERE ended_at IS NULL AND accepted_at IS NULL;

CREATE TABLE service_session (
    sequence INTEGER NOT NULL,
    number INTEGER NOT NULL CHECK (number > 0),
    service INTEGER NOT NULL,
    entered_at INTEGER NOT NULL,
    left_at INTEGER NOT NULL,
    result INTEGER NOT NULL,
    PRIMARY KEY (sequence, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE user_state (
    number INTEGER PRIMARY KEY,
    user INTEGER NOT NULL,
    at INTEGER NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    ended_at INTEGER CHECK (ended_at >= at)
) STRICT;
CREATE INDEX user_state_at ON user_state (user, at);
CREATE UNIQUE INDEX user_state_open ON user_state (user) WHERE ended_at IS NULL;
";

/// Schema 3: items have workflows.
///
/// `flow` is JSON (see [`super::flow_column`]), empty for an item without a workflow: one byte of
/// the row, wherever it stands. Only an ended item has a `note` before it. `flow_due` repeats its
/// `due`, for `item_flow`: the items, ended ones among them, whose workflow is due by itself.
/// `workflow` has every version that an item began with.
/// Of a follow-up, `role` is that of [`super::people::role_code`], 0 for a work group. Whoever
/// looks at a list sees one tenant, one audience or one audience in one service, open or closed
/// ones: each in order from an index of its own, however many there are. The id, as the key, stands
/// at the end of each index.
const SCHEMA_3: &str = "
ALTER TABLE item ADD COLUMN flow_due INTEGER;
ALTER TABLE item ADD COLUMN flow TEXT
    CHECK (flow IS NOT NULL OR (state <> 1 AND flow_due IS NULL));
CREATE INDEX item_flow ON item (sequence, flow_due) WHERE flow_due IS NOT NULL;

CREATE TABLE workflow (
    digest BLOB NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
    name TEXT NOT NULL,
    source TEXT NOT NULL
) STRICT;

CREATE TABLE follow_up (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    sequence INTEGER NOT NULL,
    tenant INTEGER NOT NULL,
    service INTEGER NOT NULL,
    workflow TEXT NOT NULL,
    stage INTEGER NOT NULL,
    stages INTEGER NOT NULL,
    kind INTEGER NOT NULL CHECK (kind IN (1, 2)),
    name TEXT,
    text TEXT NOT NULL,
    role INTEGER NOT NULL CHECK (role BETWEEN 0 AND 4),
    work_group TEXT NOT NULL,
    shown_at INTEGER NOT NULL,
    closed_at INTEGER,
    closed_by_sender INTEGER,
    closed_by_user INTEGER,
    closed_by_operator TEXT,
    open INTEGER AS (closed_at IS NULL) VIRTUAL,
    CHECK (stage BETWEEN 1 AND stages),
    CHECK ((kind = 2) = (name IS NOT NULL)),
    CHECK (role = 0 OR work_group = ''),
    CHECK (coalesce(closed_by_sender, closed_by_user, closed_by_operator) IS NULL
        OR closed_at IS NOT NULL)
) STRICT, WITHOUT ROWID;
CREATE INDEX follow_up_of_tenant ON follow_up (tenant, open, shown_at);
CREATE INDEX follow_up_of_audience ON follow_up (tenant, open, role, work_group, shown_at);
CREATE INDEX follow_up_of_service ON follow_up
    (tenant, open, role, work_group, service, shown_at);
CREATE INDEX follow_up_of_item ON follow_up (sequence, shown_at);
CREATE INDEX follow_up_of_item_open ON follow_up (sequence, shown_at) WHERE closed_at IS NULL;
";

const INSERT_META: &str = "INSERT INTO meta (name, value) VALUES (?1, ?2)";

/// Brings the file to [`VERSION`], in one transaction: each schema that it does not have yet, in
/// order. A new file gets its reference key.
///
/// # Errors
/// [`StoreError::Newer`] for a newer file; otherwise nothing was changed.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let found = version(connection)?;
    if found > VERSION {
        return Err(StoreError::Newer {
            found,
            known: VERSION,
        });
    }
    if found == VERSION {
        return Ok(());
    }
    let tx = connection.transaction()?;
    if found < 1 {
        let mut key = [0_u8; 16];
        getrandom::fill(&mut key)
            .map_err(|error| StoreError::Failed(format!("no random bytes: {error}")))?;
        tx.execute_batch(SCHEMA_1)?;
        tx.execute(INSERT_META, (META_REFERENCE_KEY, key.as_slice()))?;
        tx.pragma_update(None, "application_id", APPLICATION_ID)?;
    }
    if found < VERSION_WITH_AGENTS {
        tx.execute_batch(SCHEMA_2)?;
    }
    if found < VERSION_WITH_WORKFLOWS {
        tx.execute_batch(SCHEMA_3)?;
    }
    tx.pragma_update(None, "user_version", VERSION)?;
    tx.commit()?;
    Ok(())
}

/// The schema of the file; 0 for a new one.
pub(in crate::store) fn version(connection: &Connection) -> Result<u32, StoreError> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}
