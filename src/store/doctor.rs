//! Whether a store is sound: everything that the writer relies on, looked up instead of believed.

mod agents;
mod flows;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rusqlite::Connection;
use sha2::{Digest, Sha256};

use super::StoreError;
use super::sqlite::reading::{self, reference_entry_exists, watermark};
use super::sqlite::{DATABASE_FILE, schema};
use crate::domain::ids::{BlobId, SenderId, Sequence};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing is lost or wrong; it should be looked at.
    Warning,
    /// Something that was promised does not hold.
    Damage,
}

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What, without a customer's values.
    pub what: String,
    /// What to do.
    pub advice: String,
}

/// What a look at a database gave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Its schema.
    pub schema: u32,
    /// Items.
    pub items: u64,
    /// Those that have not ended.
    pub items_open: u64,
    /// Stored messages.
    pub messages: u64,
    /// Attachments.
    pub attachments: u64,
    /// What is not as it should be.
    pub findings: Vec<Finding>,
}

impl Report {
    /// The findings that make the database unfit for use.
    pub fn damages(&self) -> Vec<Finding> {
        let findings = self.findings.iter();
        let damages = findings.filter(|finding| finding.severity == Severity::Damage);
        damages.cloned().collect()
    }

    /// Notes damage of `count` rows.
    fn damage(&mut self, count: u64, what: &str) {
        if count > 0 {
            self.findings.push(Finding {
                severity: Severity::Damage,
                what: format!("{count} {what}"),
                advice: RESTORE.to_owned(),
            });
        }
    }
}

const RESTORE: &str = "stop the daemon, keep a copy of the data directory, restore the last backup";

const INTEGRITY: &str = "PRAGMA integrity_check(20)";
const ITEMS: &str = "SELECT count(*) FROM item NOT INDEXED";
const OPEN_ROWS: &str = "SELECT count(*) FROM item NOT INDEXED WHERE state < 7";
const OPEN_ENTRIES: &str = "SELECT count(*) FROM item INDEXED BY item_open WHERE state < 7";
const QUEUE_ENTRIES: &str = "SELECT count(*) FROM item INDEXED BY item_queue WHERE state < 7";
const WITHOUT_BODY: &str = "\
    SELECT count(*) FROM item NOT INDEXED LEFT JOIN body USING (sequence) \
    WHERE body.sequence IS NULL";
const WITHOUT_ITEM: &str = "\
    SELECT count(*) FROM body LEFT JOIN item USING (sequence) WHERE item.sequence IS NULL";
const JOURNAL_GAPS: &str = "\
    SELECT count(*) FROM ( \
        SELECT 1 FROM journal GROUP BY sequence \
        HAVING min(number) <> 1 OR max(number) <> count(*))";
const JOURNAL_SHORT: &str = "\
    SELECT count(*) FROM item NOT INDEXED WHERE journal_rows > \
        (SELECT coalesce(max(number), 0) FROM journal WHERE journal.sequence = item.sequence)";
const JOURNAL_WITHOUT_ITEM: &str = "\
    SELECT count(*) FROM (SELECT DISTINCT sequence FROM journal) LEFT JOIN item USING (sequence) \
    WHERE item.sequence IS NULL";
const NAMELESS: &str = "\
    SELECT count(*) FROM item NOT INDEXED WHERE \
        service NOT IN (SELECT number FROM service) OR \
        sender NOT IN (SELECT number FROM sender) OR \
        tenant NOT IN (SELECT number FROM tenant)";
const NOTIFICATION_GAPS: &str = "\
    SELECT count(*) FROM ( \
        SELECT 1 FROM notification GROUP BY item \
        HAVING min(number) <> 1 OR max(number) <> count(*))";
const NOTIFICATIONS_STUCK: &str = "\
    SELECT count(*) FROM ( \
        SELECT 1 FROM notification WHERE state = 0 GROUP BY item HAVING count(next_at) <> 1)";
const NOTIFICATION_WITHOUT_ITEM: &str = "\
    SELECT count(*) FROM notification LEFT JOIN item ON item.sequence = notification.item \
    WHERE item.sequence IS NULL";
const SPANS_MISSING: &str = "\
    SELECT count(*) FROM ( \
        SELECT DISTINCT sequence / 1024 AS span, sender FROM item NOT INDEXED) \
    LEFT JOIN sender_span USING (span, sender) WHERE sender_span.span IS NULL";
const BLOBS_OF_NOBODY: &str = "\
    SELECT count(*) FROM (SELECT DISTINCT blob FROM chunk) \
    WHERE blob NOT IN (SELECT blob FROM attachment) \
        AND blob NOT IN (SELECT blob FROM pending_blob)";
const BODIES: &str = "SELECT sequence, content, raw, checksum FROM body ORDER BY sequence";
const LATER_MESSAGES: &str = "SELECT raw, checksum FROM message";
const ATTACHMENTS: &str = "SELECT blob, length_bytes, sha256 FROM attachment";
const REFERENCES: &str =
    "SELECT sequence, sender, reference FROM item NOT INDEXED WHERE sequence <= ?1";

/// Looks at the database in a file: a backup, or a store in use.
///
/// # Errors
/// It cannot be read at all, or is of a newer program.
pub fn verify(path: &Path) -> Result<Report, StoreError> {
    let connection = reading::open(path)?;
    let mut report = Report {
        schema: schema::version(&connection)?,
        ..Report::default()
    };
    if report.schema > schema::VERSION {
        return Err(StoreError::Newer {
            found: report.schema,
            known: schema::VERSION,
        });
    }
    let application: i32 =
        connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if application != schema::APPLICATION_ID {
        report.findings.push(Finding {
            severity: Severity::Damage,
            what: "this is no database of Anteroom".to_owned(),
            advice: "name the file that `anteroom backup` wrote".to_owned(),
        });
        return Ok(report);
    }
    // One snapshot for everything: the writer may be at work.
    connection.execute_batch("BEGIN")?;
    integrity(&connection, &mut report)?;
    rows(&connection, &mut report)?;
    if report.schema >= schema::VERSION_WITH_AGENTS {
        agents::look(&connection, &mut report)?;
    }
    if report.schema >= schema::VERSION_WITH_WORKFLOWS {
        flows::look(&connection, &mut report)?;
    }
    messages(&connection, &mut report)?;
    attachments(&connection, &mut report)?;
    references(&connection, &mut report)?;
    connection.execute_batch("COMMIT")?;
    Ok(report)
}

/// Looks at a data directory: its database and the files around it. The daemon may be running.
///
/// # Errors
/// As [`verify`].
pub fn doctor(dir: &Path) -> Result<Vec<Finding>, StoreError> {
    let file = dir.join(DATABASE_FILE);
    let mut findings = Vec::new();
    for (path, mode) in [(dir, 0o700), (file.as_path(), 0o600)] {
        let Ok(metadata) = fs::metadata(path) else {
            return Err(StoreError::Failed(format!(
                "{} is not there",
                path.display()
            )));
        };
        let found = metadata.permissions().mode() & 0o777;
        if found & !mode != 0 {
            findings.push(Finding {
                severity: Severity::Warning,
                what: format!("{} is open to others (mode {found:o})", path.display()),
                advice: format!("chmod {mode:o} {}", path.display()),
            });
        }
    }
    findings.extend(verify(&file)?.findings);
    Ok(findings)
}

fn integrity(connection: &Connection, report: &mut Report) -> Result<(), StoreError> {
    let mut statement = connection.prepare(INTEGRITY)?;
    for line in statement.query_map([], |row| row.get::<_, String>(0))? {
        let line = line?;
        if line != "ok" {
            report.findings.push(Finding {
                severity: Severity::Damage,
                what: format!("the file is damaged: {line}"),
                advice: RESTORE.to_owned(),
            });
        }
    }
    Ok(())
}

fn rows(connection: &Connection, report: &mut Report) -> Result<(), StoreError> {
    let count = |sql| count(connection, sql);
    report.items = count(ITEMS)?;
    report.items_open = count(OPEN_ROWS)?;
    for (sql, what) in [
        (
            OPEN_ENTRIES,
            "unfinished items in the index for the restart",
        ),
        (QUEUE_ENTRIES, "unfinished items in the index of the queues"),
    ] {
        let entries = count(sql)?;
        if entries != report.items_open {
            report.damage(
                entries.abs_diff(report.items_open),
                &format!("too many or too few {what}"),
            );
        }
    }
    for (sql, what) in [
        (WITHOUT_BODY, "items have no content"),
        (WITHOUT_ITEM, "contents belong to no item"),
        (JOURNAL_GAPS, "journals have gaps"),
        (JOURNAL_SHORT, "journals are shorter than their items say"),
        (JOURNAL_WITHOUT_ITEM, "journals belong to no item"),
        (NOTIFICATION_GAPS, "items have gaps in their notifications"),
        (
            NOTIFICATIONS_STUCK,
            "items have notifications that would never be sent, or out of order",
        ),
        (NOTIFICATION_WITHOUT_ITEM, "notifications belong to no item"),
        (
            NAMELESS,
            "items are of a tenant, service or sender without a name",
        ),
        (
            SPANS_MISSING,
            "stretches of items are missing in their senders' lists",
        ),
    ] {
        report.damage(count(sql)?, what);
    }
    let of_nobody = count(BLOBS_OF_NOBODY)?;
    if of_nobody > 0 {
        report.findings.push(Finding {
            severity: Severity::Warning,
            what: format!("{of_nobody} attachments belong to no item"),
            advice: "they only take room; tell the makers how it came to this".to_owned(),
        });
    }
    Ok(())
}

fn messages(connection: &Connection, report: &mut Report) -> Result<(), StoreError> {
    let (mut wrong, mut unreadable) = (0, 0);
    let mut statement = connection.prepare(BODIES)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let content = row.get_ref(1)?.as_str().unwrap_or_default();
        if !reading::content_is_readable(content) {
            unreadable += 1;
        }
        if let Some(checksum) = row.get::<_, Option<i64>>(3)? {
            report.messages += 1;
            let good = row.get_ref(2)?.as_str();
            wrong += u64::from(good.map(reading::checksum) != Ok(checksum));
        }
    }
    let mut statement = connection.prepare(LATER_MESSAGES)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        report.messages += 1;
        let good = row.get_ref(0)?.as_str();
        wrong += u64::from(good.map(reading::checksum) != Ok(row.get(1)?));
    }
    report.damage(wrong, "stored messages do not match their checksum");
    report.damage(unreadable, "contents cannot be read");
    Ok(())
}

fn attachments(connection: &Connection, report: &mut Report) -> Result<(), StoreError> {
    let (mut short, mut wrong) = (0, 0);
    let mut statement = connection.prepare(ATTACHMENTS)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        report.attachments += 1;
        let blob = BlobId(uuid::Uuid::from_bytes(row.get(0)?));
        let body = reading::blob(connection, blob)?;
        let digest: [u8; 32] = Sha256::digest(&body).into();
        if body.len() as u64 != row.get::<_, i64>(1)?.cast_unsigned() {
            short += 1;
        } else if digest != row.get::<_, [u8; 32]>(2)? {
            wrong += 1;
        }
    }
    report.damage(short, "attachments are incomplete");
    report.damage(wrong, "attachments do not match their digest");
    Ok(())
}

fn references(connection: &Connection, report: &mut Report) -> Result<(), StoreError> {
    let hasher = reading::reference_hasher(connection)?;
    let mut missing = 0;
    let mut statement = connection.prepare(REFERENCES)?;
    let mut rows = statement.query([watermark(connection)?])?;
    while let Some(row) = rows.next()? {
        let sequence = Sequence(row.get::<_, i64>(0)?.cast_unsigned());
        let hash = hasher(
            SenderId(row.get(1)?),
            row.get_ref(2)?.as_str().unwrap_or(""),
        );
        missing += u64::from(!reference_entry_exists(connection, hash, sequence)?);
    }
    report.damage(
        missing,
        "references cannot be found: a repeat would make a second item",
    );
    Ok(())
}

fn count(connection: &Connection, sql: &str) -> Result<u64, StoreError> {
    let count: i64 = connection.query_row(sql, [], |row| row.get(0))?;
    Ok(count.unsigned_abs())
}
