//! What a decision costs when few and when very many items wait: the core alone, 500 agents who
//! hold 20 skills unevenly. Each cycle an agent ends an item, is offered the next, accepts it, and
//! another one like it comes: three commands, each followed by a match, and as many wait as before.
//! The same with many items beside them that stand in the timers of workflows.
//! Then whole lives over a real store, beside mere acceptance.
//! `cargo bench --bench routing`.

mod life;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use comfy_table::Table;
use comfy_table::presets::ASCII_MARKDOWN;

use anteroom::domain::agent::{Duty, Presence};
use anteroom::domain::content::SkillRequirement;
use anteroom::domain::distribution::DistributionPolicy;
use anteroom::domain::entrance::EntranceOrders;
use anteroom::domain::ids::{Priority, Sequence, ServiceId, TenantId, UserId};
use anteroom::domain::item::ItemState;
use anteroom::domain::policy::ServicePolicy;
use anteroom::domain::time::Timestamp;
use anteroom::routing::agents::AgentSetup;
use anteroom::routing::core::{Core, Place, TenantSetup};
use anteroom::routing::distribution::Decision;
use anteroom::routing::requirement::ClassId;
use anteroom::routing::service::ServiceSetup;

use life::Workflows;

const AGENTS: u32 = 500;
const SKILLS: u64 = 20;
const WAITING: [u64; 3] = [1_000, 100_000, 1_000_000];
/// Items in the timers of workflows, beside the fewest waiting.
const IN_WORKFLOWS: u64 = 100_000;
const COMMANDS_PER_CYCLE: usize = 3;
/// Items that wait while whole lives are measured.
const LIFE_WAITING: u64 = 100_000;
/// Whole lives a second should be so much of acceptances a second.
const LIFE_REACH: f64 = 0.7;
/// A million waiting may cost so much more than a thousand.
const RATIO_REACH: f64 = 1.3;
const SERVICE: ServiceId = ServiceId(1);
const TENANT: TenantId = TenantId(1);

#[derive(Parser, Debug)]
#[command(about = "Routing decisions by number of waiting items")]
struct Options {
    /// Cycles of one measurement
    #[arg(long, default_value_t = 100_000)]
    cycles: usize,
    /// Measurements of each size, taken in turns; the median counts
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds of each half of a measurement of whole lives; 0: none
    #[arg(long, default_value_t = 3.0)]
    life: f64,
    /// Given by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    anyhow::ensure!(options.rounds > 0, "nothing to measure");
    decisions(&options);
    lives(&options)
}

fn decisions(options: &Options) {
    let mut sizes = WAITING.map(|waiting| (waiting, 0)).to_vec();
    sizes.push((WAITING[0], IN_WORKFLOWS));
    let floors = sizes
        .iter()
        .map(|(waiting, timed)| Floor::new(*waiting, *timed));
    let mut floors: Vec<Floor> = floors.collect();
    let mut rates: Vec<Vec<f64>> = vec![Vec::new(); floors.len()];
    for _ in 0..options.rounds {
        for (floor, rates) in floors.iter_mut().zip(&mut rates) {
            rates.push(floor.measure(options.cycles));
        }
    }
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header([
        "waiting",
        "in workflows",
        "commands/s, median",
        "lowest",
        "highest",
    ]);
    for ((waiting, timed), rates) in sizes.iter().zip(&mut rates) {
        rates.sort_by(f64::total_cmp);
        let shown = [median(rates), rates[0], rates[rates.len() - 1]];
        let shown = shown.map(|rate| format!("{rate:.0}"));
        table.add_row([vec![waiting.to_string(), timed.to_string()], shown.to_vec()].concat());
    }
    println!("{table}");
    let ratio = median(&rates[0]) / median(&rates[WAITING.len() - 1]);
    println!("a command beside 1,000,000 waiting costs {ratio:.2} times one beside 1,000");
    println!("reach: at most {RATIO_REACH}");
    let ratio = median(&rates[0]) / median(&rates[WAITING.len()]);
    println!("beside {IN_WORKFLOWS} in the timers of workflows it costs {ratio:.2} times as much");
}

fn lives(options: &Options) -> anyhow::Result<()> {
    if options.life <= 0.0 {
        return Ok(());
    }
    let each = Duration::from_secs_f64(options.life);
    let life = life::Life::new(LIFE_WAITING, Workflows::None)?;
    let beside = life::Life::new(LIFE_WAITING, Workflows::Beside(IN_WORKFLOWS))?;
    let through = life::Life::new(LIFE_WAITING, Workflows::Through)?;
    let (mut accepts, mut cycles, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let (mut besides, mut throughs) = (Vec::new(), Vec::new());
    for _ in 0..options.rounds {
        let rates = life.measure(each)?;
        accepts.push(rates.accepts);
        cycles.push(rates.cycles);
        ratios.push(rates.cycles / rates.accepts);
        besides.push(beside.measure(each)?.cycles / rates.cycles);
        throughs.push(through.measure(each)?.cycles / rates.cycles);
    }
    let beside = format!("lives beside {IN_WORKFLOWS} in workflows ÷ lives");
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header([
        &format!("{LIFE_WAITING} waiting"),
        "median",
        "lowest",
        "highest",
    ]);
    let lines = [
        ("accepts/s alone", 0, accepts),
        ("whole lives/s", 0, cycles),
        ("lives ÷ accepts", 2, ratios),
        (&beside, 2, besides),
        ("lives through a workflow ÷ lives", 2, throughs),
    ];
    for (name, digits, mut rates) in lines {
        rates.sort_by(f64::total_cmp);
        let shown = [median(&rates), rates[0], rates[rates.len() - 1]];
        let shown = shown.map(|rate| format!("{rate:.digits$}"));
        table.add_row([vec![name.to_owned()], shown.to_vec()].concat());
    }
    println!("{table}");
    println!("reach: lives at least {LIFE_REACH} of accepts");
    Ok(())
}

fn median(sorted: &[f64]) -> f64 {
    sorted[sorted.len() / 2]
}

/// Numbers that are the same in every run.
fn scatter(number: u64) -> u64 {
    let mut mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// A floor of busy agents with so many items waiting.
struct Floor {
    core: Core,
    classes: Vec<ClassId>,
    connected: BTreeMap<UserId, Sequence>,
    /// The class of every item that ever came, by its number.
    came: Vec<ClassId>,
    now: Timestamp,
}

impl Floor {
    fn new(waiting: u64, in_workflows: u64) -> Floor {
        let now = Timestamp(1_000_000);
        let tenant = TenantSetup {
            id: TENANT,
            fair_use: None,
        };
        let mut core = Core::new(&[tenant], vec![service()], now);
        let wishes = (0..SKILLS).flat_map(|skill| {
            let second = scatter(skill) % SKILLS;
            [vec![skill], vec![skill, second]]
        });
        let classes = wishes.map(|skills| {
            let skills: Vec<SkillRequirement> = skills.into_iter().map(asked).collect();
            let class = core.distribution_mut().class_of(&skills);
            class.expect("there is room for 40 classes")
        });
        let classes = classes.collect();
        let mut floor = Floor {
            core,
            classes,
            connected: BTreeMap::new(),
            came: Vec::new(),
            now,
        };
        for number in 0..AGENTS {
            floor
                .core
                .distribution_mut()
                .agent_changed(agent(number), now);
        }
        for number in 0..waiting {
            let class = floor.classes[scatter(number) as usize % floor.classes.len()];
            floor.come(class);
        }
        for number in 0..in_workflows {
            floor.wait_in_workflow(number);
        }
        for number in 0..AGENTS {
            let distribution = floor.core.distribution_mut();
            distribution.set_presence(UserId(number), Presence::Online, now);
            floor.accept_one();
        }
        assert_eq!(floor.connected.len(), AGENTS as usize, "everybody is busy");
        floor
    }

    fn place(&self, sequence: Sequence) -> Place {
        Place {
            sequence,
            service: SERVICE,
            state: ItemState::Queued,
            priority: Priority::DEFAULT,
            not_before: None,
            expires_at: None,
            waiting_since: Some(Timestamp(1_000_000)),
            parked_until: None,
            flow_due: None,
            class: self.came[sequence.0 as usize],
            preferred: None,
            agent: None,
            asked: None,
        }
    }

    /// An item stands in a workflow, to be woken within the next day.
    fn wait_in_workflow(&mut self, number: u64) {
        const DAY_MS: u64 = 24 * 3_600_000;
        let sequence = Sequence(self.came.len() as u64);
        self.came.push(self.classes[0]);
        let in_ms = i64::try_from(DAY_MS / 2 + scatter(number) % DAY_MS).expect("two days fit");
        let place = Place {
            state: ItemState::InWorkflow,
            flow_due: Some(self.now.plus_ms(in_ms)),
            waiting_since: None,
            ..self.place(sequence)
        };
        self.core.apply(None, &place, self.now);
    }

    fn come(&mut self, class: ClassId) {
        let sequence = Sequence(self.came.len() as u64);
        self.came.push(class);
        let place = self.place(sequence);
        self.core.apply(None, &place, self.now);
        let decisions = self.core.distribution_mut().match_now(self.now);
        assert_eq!(decisions, [], "everybody who could have it is busy");
    }

    /// The one free agent is offered an item and accepts it; another one like it comes.
    fn accept_one(&mut self) {
        let decisions = self.core.distribution_mut().match_now(self.now);
        let [Decision::Offered(offer)] = decisions.as_slice() else {
            panic!("one agent is free, and something waits that it may have: {decisions:?}");
        };
        let agent = offer.agents[0];
        let distribution = self.core.distribution();
        let sequence = distribution.may_accept(offer.id, agent).expect("it rings");
        let before = self.place(sequence);
        let after = with_agent(&before, agent);
        self.core.apply(Some(&before), &after, self.now);
        let decisions = self.core.distribution_mut().match_now(self.now);
        assert_eq!(decisions.len(), 1, "the offer ended by the acceptance");
        self.connected.insert(agent, sequence);
        self.come(before.class);
    }

    fn end(&mut self, agent: UserId) {
        let sequence = self.connected.remove(&agent).expect("everybody is busy");
        let before = with_agent(&self.place(sequence), agent);
        let mut after = before.clone();
        after.state = ItemState::Ended;
        after.agent = None;
        self.core.apply(Some(&before), &after, self.now);
    }

    /// Commands a second.
    fn measure(&mut self, cycles: usize) -> f64 {
        let start = Instant::now();
        for cycle in 0..cycles {
            self.now = self.now.plus_ms(1);
            let agent = scatter(cycle as u64) % u64::from(AGENTS);
            self.end(UserId(agent as u32));
            self.accept_one();
        }
        (cycles * COMMANDS_PER_CYCLE) as f64 / start.elapsed().as_secs_f64()
    }
}

fn with_agent(place: &Place, agent: UserId) -> Place {
    Place {
        state: ItemState::Connected,
        agent: Some(agent),
        ..place.clone()
    }
}

fn asked(skill: u64) -> SkillRequirement {
    SkillRequirement {
        name: format!("skill{skill}"),
        level: 3,
        optional: false,
    }
}

/// The first skill is held by all agents, the last by one in 20.
fn agent(number: u32) -> AgentSetup {
    let holds = |skill: &u64| scatter(u64::from(number) * 1_000 + skill).is_multiple_of(skill + 1);
    let level = |skill: u64| 3 + (scatter(u64::from(number) + skill) % 7) as u8;
    let held = (0..SKILLS).filter(holds);
    AgentSetup {
        id: UserId(number),
        name: format!("agent{number}").into(),
        services: [SERVICE].into(),
        skills: held
            .map(|skill| (format!("skill{skill}"), level(skill)))
            .collect(),
        profiles: BTreeMap::new(),
        capacity: 1,
        active: [SERVICE].into(),
        duty: Duty::Off,
        not_available: None,
    }
}

fn service() -> ServiceSetup {
    let policy = ServicePolicy {
        name: "loans".to_owned(),
        title: "Loans".to_owned(),
        task_type: None,
        receipts: true,
        hours: None,
        priority: Priority::DEFAULT,
        lifetime_ms: None,
        buffer_items_max: u32::MAX,
        queue_items_max: u32::MAX,
        contact_data: Vec::new(),
        distribution: DistributionPolicy::default(),
        workflow: None,
    };
    ServiceSetup {
        id: SERVICE,
        tenant: TENANT,
        name: "loans".into(),
        policy: Some(Arc::new(policy)),
        orders: EntranceOrders::default(),
    }
}
