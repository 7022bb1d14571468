//! Items, contents and batches for the store's tests.

use std::sync::Arc;

use uuid::Uuid;

use crate::domain::content::{
    Attachment, ContactDatum, Content, Customer, Expiry, Link, PreferredAgent, PreferredAgents,
    SkillRequirement,
};
use crate::domain::flow::{Flow, Rest, Steps, Woken};
use crate::domain::follow_up::{Closed, FollowUp, FollowUpId, FollowUpKind};
use crate::domain::ids::{
    BlobId, ItemId, OfferId, Priority, SenderId, Sequence, ServiceId, TenantId, UserId,
};
use crate::domain::item::{Ending, Holder, Item, ItemState, Verdict};
use crate::domain::journal::{Actor, JournalEntry, JournalEvent};
use crate::domain::outcome::Outcome;
use crate::domain::session::{AgentResult, AgentSession, ServiceResult, ServiceSession};
use crate::domain::time::Timestamp;
use crate::domain::wish::Wish;
use crate::domain::workflow::{Audience, Awaited, StageNumber, WorkflowDigest};
use crate::store::{Batch, ChangedItem, Chunk, NewItem, WorkflowSource};

/// 2026-11-20T12:00:00Z.
pub const NOON: Timestamp = Timestamp(1_795_176_000_000);

/// An id whose order is that of `sequence`, like a UUIDv7.
pub fn id(sequence: u64) -> ItemId {
    ItemId(Uuid::from_u64_pair(
        0x0190_0000_0000_7000 | (sequence << 16),
        0x8000_0000_0000_0000 | sequence,
    ))
}

/// A queued item of sender 1.
pub fn item(sequence: u64) -> Item {
    Item {
        sequence: Sequence(sequence),
        id: id(sequence),
        tenant: TenantId(1),
        sender: SenderId(1),
        service: ServiceId(1),
        state: ItemState::Queued,
        priority: Priority::DEFAULT,
        version: 1,
        journal_rows: 1,
        received_at: NOON.plus_ms(sequence as i64),
        stored_at: NOON.plus_ms(sequence as i64 + 1),
        not_before: None,
        due_by: None,
        expires_at: None,
        queued_at: Some(NOON.plus_ms(sequence as i64 + 1)),
        entered_at: None,
        accepted_at: None,
        attempts: 0,
        holder: None,
        flow: None,
        wish: None,
        ended: None,
        chargeable: true,
        content_digest: [sequence as u8; 16],
    }
}

/// Little content.
pub fn content(reference: &str) -> Content {
    Content {
        reference: reference.to_owned(),
        service: "claims".to_owned(),
        contact_data: vec![ContactDatum {
            key: "workItemTask".to_owned(),
            value: "Call back".to_owned(),
        }],
        ..Content::default()
    }
}

/// Every field of a content filled, attachments aside.
pub fn full_content(reference: &str) -> Content {
    Content {
        reference: reference.to_owned(),
        service: "claims".to_owned(),
        chargeable: Some(false),
        title: Some("A \"title\" with <signs> & \u{1F600}".to_owned()),
        description: Some("two\nlines\t".to_owned()),
        task_type: Some("callback".to_owned()),
        origin: Some("web".to_owned()),
        priority: Priority::new(9),
        customer: Some(Customer {
            id: Some("4711".to_owned()),
            name: Some("Zoë Ångström".to_owned()),
            company: None,
            phone: Some("+49 30 123".to_owned()),
            email: Some("zoe@example.org".to_owned()),
        }),
        preferred_agents: Some(PreferredAgents {
            required: true,
            agents: vec![PreferredAgent {
                name: "anna".to_owned(),
                rank: 99,
            }],
        }),
        skills: vec![SkillRequirement {
            name: "french".to_owned(),
            level: 9,
            optional: true,
        }],
        not_before: Some(NOON.plus_ms(1)),
        due_by: Some(NOON.plus_ms(2)),
        expiry: Some(Expiry::Lifetime { ms: 60_000 }),
        links: vec![Link {
            name: "claim".to_owned(),
            href: "https://example.org/?a=1&b=2".to_owned(),
        }],
        tags: vec!["urgent".to_owned(), "vip".to_owned()],
        contact_data: vec![ContactDatum {
            key: "workItemTask".to_owned(),
            value: String::new(),
        }],
        attachments: Vec::new(),
        related_to: Some("older".to_owned()),
    }
}

/// The first journal line of an item.
pub fn received(item: &Item) -> JournalEntry {
    JournalEntry {
        sequence: item.sequence,
        number: 1,
        at: item.stored_at,
        event: JournalEvent::Received,
        actor: Actor::Sender(item.sender),
        data: vec![("state", item.state.name().to_owned())],
    }
}

/// The reference that [`new`] gives.
pub fn reference(sequence: u64) -> String {
    format!("order-{sequence}")
}

/// A new item with little content.
pub fn new(item: Item) -> NewItem {
    let reference = reference(item.sequence.0);
    NewItem {
        content: content(&reference),
        raw: Some(format!("<workItem reference=\"{reference}\"/>")),
        item,
    }
}

/// A batch of these new items, each with its first journal line.
pub fn batch(items: impl IntoIterator<Item = Item>) -> Batch {
    let new_items: Vec<_> = items.into_iter().map(new).collect();
    Batch {
        journal: new_items.iter().map(|new| received(&new.item)).collect(),
        new_items,
        ..Batch::default()
    }
}

/// The item's next version, ended.
pub fn ended(item: &Item) -> Item {
    let at = NOON.plus_ms(1_000_000);
    Item {
        state: ItemState::Ended,
        version: item.version + 1,
        journal_rows: item.journal_rows + 1,
        holder: None,
        ended: Some(Ending::of(at, Outcome::CancelledByExternalSystem)),
        ..item.clone()
    }
}

/// The item's next version, ended by its agent with a result, and with a note that is shared.
pub fn handled(item: &Item, note: &str) -> Item {
    let mut row = ended(item);
    let said = Verdict {
        result: "done".to_owned(),
        note: Some(note.to_owned()),
        share: true,
    };
    row.ended = Some(Ending {
        at: NOON.plus_ms(1_000_000),
        outcome: Outcome::HandledByUser,
        said: Some(Arc::new(said)),
    });
    row
}

/// The item's next version, in an agent's hands by the offer of that number.
pub fn connected(item: &Item, agent: u32, offer: u64) -> Item {
    let now = NOON.plus_ms(500_000);
    Item {
        state: ItemState::Connected,
        version: item.version + 1,
        accepted_at: item.accepted_at.or(Some(now)),
        attempts: item.attempts + 1,
        holder: Some(Holder {
            agent: UserId(agent),
            session: OfferId(offer),
            parked_until: None,
        }),
        ..item.clone()
    }
}

/// The next version of an item in an agent's hands: put aside for a minute.
pub fn parked(item: &Item) -> Item {
    let until = NOON.plus_ms(560_000);
    let holder = item.holder.map(|holder| Holder {
        parked_until: Some(until),
        ..holder
    });
    Item {
        state: ItemState::Parked,
        version: item.version + 1,
        holder,
        ..item.clone()
    }
}

/// A wish with every field filled.
pub fn full_wish() -> Wish {
    let skill = |name: &str, level, optional| SkillRequirement {
        name: name.to_owned(),
        level,
        optional,
    };
    Wish {
        skills: vec![skill("french", 9, false), skill("\"bonds\"", 1, true)],
        preferred: vec![PreferredAgent {
            name: "zoë".to_owned(),
            rank: 0,
        }],
        required: true,
        since: Some(NOON.plus_ms(7)),
    }
}

/// A version of a workflow.
pub fn workflow(number: u8) -> WorkflowSource {
    use sha2::Digest as _;
    let source = format!("<workflow name=\"car-loan\" number=\"{number}\"/>");
    WorkflowSource {
        digest: WorkflowDigest(sha2::Sha256::digest(&source).into()),
        name: "car-loan".to_owned(),
        source: source.into(),
    }
}

/// A flow that has just begun.
pub fn bare_flow() -> Flow {
    Flow {
        workflow: WorkflowDigest([7; 32]),
        name: "car-loan".to_owned(),
        stages: 1,
        began_at: NOON,
        stage: StageNumber(1),
        stage_began_at: NOON,
        rest: Rest::Beginning,
        fired: Vec::new(),
        buttons: Vec::new(),
        woken: None,
        open_alerts: 0,
        steps: Steps::default(),
        started: 0,
        depth: 0,
        due: None,
    }
}

/// A flow with every field filled.
pub fn full_flow() -> Flow {
    Flow {
        workflow: WorkflowDigest([9; 32]),
        name: "\"car\" loan".to_owned(),
        stages: 100,
        began_at: NOON,
        stage: StageNumber(2),
        stage_began_at: NOON.plus_ms(10),
        rest: Rest::Waiting {
            action: 3,
            until: NOON.plus_ms(100),
        },
        fired: vec![StageNumber(4), StageNumber(100)],
        buttons: vec!["release".to_owned(), "zurück".to_owned()],
        woken: Some(Woken::Event(Awaited::Acknowledged)),
        open_alerts: u32::MAX,
        steps: Steps {
            day: 20_777,
            taken: 999,
        },
        started: 10,
        depth: 2,
        due: Some(NOON.plus_ms(50)),
    }
}

/// The item, led by that version of a workflow, which is due by itself then.
pub fn led(item: Item, version: &WorkflowSource, due: Option<i64>) -> Item {
    let flow = Flow {
        workflow: version.digest,
        due: due.map(|ms| NOON.plus_ms(ms)),
        ..full_flow()
    };
    Item {
        flow: Some(Arc::new(flow)),
        ..item
    }
}

/// The same, in the workflow's hands: before its queue.
pub fn in_workflow(item: Item, version: &WorkflowSource, due: Option<i64>) -> Item {
    Item {
        state: ItemState::InWorkflow,
        queued_at: None,
        ..led(item, version, due)
    }
}

/// An alert for supervisors of an item, shown so many milliseconds after noon.
pub fn alert(number: u64, item: u64, shown: i64) -> FollowUp {
    FollowUp {
        id: FollowUpId(Uuid::from_u64_pair(0x0190_0000_0000_7000, number)),
        sequence: Sequence(item),
        tenant: TenantId(1),
        service: ServiceId(1),
        workflow: "car-loan".to_owned(),
        stage: StageNumber(2),
        stages: 7,
        kind: FollowUpKind::Alert {
            text: "Nobody \"took\" it".to_owned(),
        },
        to: Audience::of("supervisor"),
        shown_at: NOON.plus_ms(shown),
        closed: None,
    }
}

/// A button for a work group.
pub fn button(number: u64, item: u64, shown: i64) -> FollowUp {
    FollowUp {
        kind: FollowUpKind::Button {
            name: "release".to_owned(),
            label: "Let it in now".to_owned(),
        },
        to: Audience::of("backoffice"),
        ..alert(number, item, shown)
    }
}

/// The same, closed a second later.
pub fn closed(follow_up: FollowUp, by: Option<Actor>) -> FollowUp {
    let at = follow_up.shown_at.plus_ms(1_000);
    FollowUp {
        closed: Some(Closed { at, by }),
        ..follow_up
    }
}

/// A batch of these alerts and buttons.
pub fn follow_ups(follow_ups: impl Into<Vec<FollowUp>>) -> Batch {
    Batch {
        follow_ups: follow_ups.into(),
        ..Batch::default()
    }
}

/// An agent session that rings.
pub fn ringing(item: u64, offer: u64, agent: u32) -> AgentSession {
    AgentSession {
        sequence: Sequence(item),
        offer: OfferId(offer),
        agent: UserId(agent),
        service: ServiceId(1),
        offered_at: NOON.plus_ms(offer as i64),
        accepted_at: None,
        ended: None,
    }
}

/// The same, accepted.
pub fn accepted(session: AgentSession) -> AgentSession {
    AgentSession {
        accepted_at: Some(session.offered_at.plus_ms(10)),
        ..session
    }
}

/// The same, over.
pub fn over(session: AgentSession, result: AgentResult) -> AgentSession {
    AgentSession {
        ended: Some((session.offered_at.plus_ms(20), result)),
        ..session
    }
}

/// A stay in a service that is over.
pub fn stay(item: u64, service: u32, result: ServiceResult) -> ServiceSession {
    ServiceSession {
        sequence: Sequence(item),
        service: ServiceId(service),
        entered_at: NOON.plus_ms(i64::from(service)),
        left_at: NOON.plus_ms(i64::from(service) + 100),
        result,
    }
}

/// A batch of agent sessions.
pub fn sessions(sessions: impl Into<Vec<AgentSession>>) -> Batch {
    Batch {
        agent_sessions: sessions.into(),
        ..Batch::default()
    }
}

/// The row changed, and nothing else.
pub fn changed(item: Item) -> ChangedItem {
    ChangedItem {
        item,
        content: None,
        raw: None,
    }
}

/// A batch that changes one row.
pub fn change(item: Item) -> Batch {
    Batch {
        changed_items: vec![changed(item)],
        ..Batch::default()
    }
}

/// A blob's id.
pub fn blob(number: u64) -> BlobId {
    BlobId(Uuid::from_u64_pair(0x0190_0000_0000_7000, number))
}

/// A piece of a blob.
pub fn chunk(blob: BlobId, number: u32, bytes: &[u8]) -> Chunk {
    Chunk {
        blob,
        number,
        bytes: bytes.to_vec(),
    }
}

/// An attachment whose body is `bytes` in `blob`.
pub fn attachment(blob: BlobId, bytes: &[u8]) -> Attachment {
    use sha2::Digest as _;
    Attachment {
        name: "letter.pdf".to_owned(),
        media_type: "application/pdf".to_owned(),
        length_bytes: bytes.len() as u64,
        sha256: sha2::Sha256::digest(bytes).into(),
        blob,
    }
}
