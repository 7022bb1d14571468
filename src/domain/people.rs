//! Those who work with items: users, what they may do, can do, and have set for themselves.
//!
//! A user is deactivated, never deleted: journal and audit name users by number for ever.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use super::access::LABEL_CHARS_MAX;
use super::agent::{CAPACITY_MAX, CAPACITY_MIN, Duty};
use super::ids::{ServiceId, TenantId, UserId};

/// Characters of a user's name.
pub const USER_NAME_CHARS_MAX: usize = 64;
/// Characters of a name shown to people.
pub const DISPLAY_NAME_CHARS_MAX: usize = 100;
/// Characters of the name of a skill, as in the schema of messages.
pub const SKILL_CHARS_MAX: usize = 64;
/// Characters of the name of a responsibility profile or a work group.
pub const GROUP_CHARS_MAX: usize = 64;
/// Characters of the reason for which somebody is not available.
pub const REASON_CHARS_MAX: usize = 200;
/// Skills of one user, and of one profile.
pub const SKILLS_MAX: usize = 100;
/// Responsibility profiles of one user.
pub const PROFILES_MAX: usize = 20;
/// Work groups of one user.
pub const WORK_GROUPS_MAX: usize = 20;
/// Users of an installation, those that are deactivated included.
pub const USERS_MAX: usize = 10_000;
/// The highest level of a skill; the lowest is 1.
pub const LEVEL_MAX: u8 = 9;

/// The name a user signs in with: 1 to 64 of `[A-Za-z0-9._@-]`, unique per installation. So it can
/// stand in an address, in a file of comma-separated values, and in `preferredAgents`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserName(String);

impl UserName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A value that no user can have. Its text says what to change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidPerson(pub String);

impl FromStr for UserName {
    type Err = InvalidPerson;

    fn from_str(text: &str) -> Result<UserName, InvalidPerson> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._@-".contains(&byte);
        if (1..=USER_NAME_CHARS_MAX).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(UserName(text.to_owned()))
        } else {
            Err(InvalidPerson(format!(
                "a user's name is 1 to {USER_NAME_CHARS_MAX} of A-Z a-z 0-9 . _ @ -"
            )))
        }
    }
}

/// What somebody is here for. Each but the auditor's holds all of the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Works on items of the services they are a member of.
    Agent,
    /// Sees to the services they are a supervisor of.
    Supervisor,
    /// Reads all and changes nothing.
    Auditor,
    /// Everything in their tenant.
    Admin,
}

impl Role {
    /// Every role.
    pub const ALL: [Role; 4] = [Role::Agent, Role::Supervisor, Role::Auditor, Role::Admin];

    /// The word in the API and in files.
    pub fn name(self) -> &'static str {
        match self {
            Role::Agent => "agent",
            Role::Supervisor => "supervisor",
            Role::Auditor => "auditor",
            Role::Admin => "admin",
        }
    }

    /// The role of that name.
    pub fn parse(name: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// How well somebody has a skill: 1 to 9.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SkillLevel(u8);

impl SkillLevel {
    /// The lowest level.
    pub const LOWEST: SkillLevel = SkillLevel(1);

    /// `None` outside 1 to 9.
    pub fn new(value: u8) -> Option<SkillLevel> {
        (1..=LEVEL_MAX)
            .contains(&value)
            .then_some(SkillLevel(value))
    }

    /// 1 to 9.
    pub fn value(self) -> u8 {
        self.0
    }
}

/// Skills by name, with their levels.
pub type Skills = BTreeMap<String, SkillLevel>;

/// How many items somebody can have at a time: 1 to 10.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Capacity(u8);

impl Capacity {
    /// The capacity of a user for whom none is said.
    pub const DEFAULT: Capacity = Capacity(1);

    /// `None` outside 1 to 10.
    pub fn new(value: u8) -> Option<Capacity> {
        (CAPACITY_MIN..=CAPACITY_MAX)
            .contains(&value)
            .then_some(Capacity(value))
    }

    /// 1 to 10.
    pub fn value(self) -> u8 {
        self.0
    }
}

/// What a user has set for themselves. Outlives restarts; presence does not and is not here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// The services switched on: some of those the user is a member of.
    pub active: BTreeSet<ServiceId>,
    /// Whether at work, and as what.
    pub duty: Duty,
    /// Why nothing is to be offered; `None`: available.
    pub not_available: Option<String>,
}

/// A user as the store knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The store's number of them, never given to anybody else.
    pub id: UserId,
    /// Where they belong.
    pub tenant: TenantId,
    /// What they sign in with.
    pub name: UserName,
    /// What people read.
    pub display_name: String,
    /// What they are here for; may be empty.
    pub roles: BTreeSet<Role>,
    /// The services whose items they may get.
    pub services: BTreeSet<ServiceId>,
    /// The services they see to, if they are a supervisor.
    pub supervisor_of: BTreeSet<ServiceId>,
    /// What they can do.
    pub skills: Skills,
    /// Named parts of their skills, with the levels that hold in them.
    pub profiles: BTreeMap<String, Skills>,
    /// How many items at a time.
    pub capacity: Capacity,
    /// For lists and reports, and for what workflows show to them.
    pub work_groups: BTreeSet<String>,
    /// False: cannot sign in and gets nothing.
    pub enabled: bool,
    /// What they have set for themselves.
    pub standing: Standing,
    /// 1 at first, one more with every change.
    pub version: u32,
}

impl User {
    /// Whether they have the role, or one that holds it.
    pub fn is(&self, role: Role) -> bool {
        let held = |role| self.roles.contains(&role);
        match role {
            Role::Agent => held(Role::Agent) || held(Role::Supervisor) || held(Role::Admin),
            Role::Supervisor => held(Role::Supervisor) || held(Role::Admin),
            Role::Auditor => held(Role::Auditor),
            Role::Admin => held(Role::Admin),
        }
    }

    /// The skills that apply now: those of the profile on duty, or all.
    pub fn skills_now(&self) -> &Skills {
        match &self.standing.duty {
            Duty::On {
                profile: Some(profile),
            } => self.profiles.get(profile).unwrap_or(&self.skills),
            Duty::Off | Duty::On { profile: None } => &self.skills,
        }
    }
}

/// What an administrator says about a user, by names; `None`: left as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UserPatch {
    /// See [`User::display_name`].
    pub display_name: Option<String>,
    /// See [`User::roles`].
    pub roles: Option<BTreeSet<Role>>,
    /// See [`User::services`].
    pub services: Option<BTreeSet<String>>,
    /// See [`User::supervisor_of`].
    pub supervisor_of: Option<BTreeSet<String>>,
    /// See [`User::skills`].
    pub skills: Option<Skills>,
    /// See [`User::profiles`].
    pub profiles: Option<BTreeMap<String, Skills>>,
    /// See [`User::capacity`].
    pub capacity: Option<Capacity>,
    /// See [`User::work_groups`].
    pub work_groups: Option<BTreeSet<String>>,
    /// See [`User::enabled`].
    pub enabled: Option<bool>,
}

/// What a user says about themselves; `None`: left as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StandingPatch {
    /// Services by name to switch on or off.
    pub active: BTreeMap<String, bool>,
    /// See [`Standing::duty`].
    pub duty: Option<Duty>,
    /// See [`Standing::not_available`].
    pub not_available: Option<Option<String>>,
}

/// What a checked text is for; gives it its limit and its word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wording {
    /// See [`User::display_name`].
    DisplayName,
    /// The name of a skill.
    Skill,
    /// The name of a responsibility profile.
    Profile,
    /// The name of a work group.
    WorkGroup,
    /// See [`Standing::not_available`].
    Reason,
    /// What a user calls a token.
    Label,
}

impl Wording {
    fn limit(self) -> (&'static str, usize) {
        match self {
            Wording::DisplayName => ("a display name", DISPLAY_NAME_CHARS_MAX),
            Wording::Skill => ("a skill's name", SKILL_CHARS_MAX),
            Wording::Profile => ("a profile's name", GROUP_CHARS_MAX),
            Wording::WorkGroup => ("a work group's name", GROUP_CHARS_MAX),
            Wording::Reason => ("a reason", REASON_CHARS_MAX),
            Wording::Label => ("a token's label", LABEL_CHARS_MAX),
        }
    }

    /// Takes a text as it is, if it is one line without white space at its ends.
    ///
    /// # Errors
    /// It is empty, too long, or holds a control character; the text says what to change.
    pub fn check(self, text: &str) -> Result<(), InvalidPerson> {
        let (what, chars_max) = self.limit();
        let fits = (1..=chars_max).contains(&text.chars().count());
        if fits && text.trim() == text && !text.chars().any(char::is_control) {
            return Ok(());
        }
        Err(InvalidPerson(format!(
            "{what} is one line of 1 to {chars_max} characters without white space at its ends"
        )))
    }
}

fn at_most(what: &str, count: usize, max: usize) -> Result<(), InvalidPerson> {
    if count <= max {
        return Ok(());
    }
    Err(InvalidPerson(format!("a user has at most {max} {what}")))
}

fn check_skills(skills: &Skills) -> Result<(), InvalidPerson> {
    at_most("skills", skills.len(), SKILLS_MAX)?;
    skills
        .keys()
        .try_for_each(|name| Wording::Skill.check(name))
}

impl User {
    /// After an administrator's change: what the user had set for themselves and what there is no
    /// longer is switched off.
    pub fn drop_what_is_gone(&mut self) {
        let User {
            services,
            profiles,
            standing,
            ..
        } = self;
        standing.active.retain(|service| services.contains(service));
        let profile_is_gone = match &standing.duty {
            Duty::On {
                profile: Some(name),
            } => !profiles.contains_key(name),
            Duty::On { profile: None } | Duty::Off => false,
        };
        if profile_is_gone {
            standing.duty = Duty::Off;
        }
    }

    /// Takes what is in the user if it keeps every limit.
    ///
    /// # Errors
    /// What to change.
    pub fn check(&self) -> Result<(), InvalidPerson> {
        Wording::DisplayName.check(&self.display_name)?;
        check_skills(&self.skills)?;
        at_most("profiles", self.profiles.len(), PROFILES_MAX)?;
        for (name, skills) in &self.profiles {
            Wording::Profile.check(name)?;
            check_skills(skills)?;
            let foreign = skills
                .keys()
                .find(|skill| !self.skills.contains_key(*skill));
            if let Some(skill) = foreign {
                return Err(InvalidPerson(format!(
                    "the profile {name} has the skill {skill}, which the user has not"
                )));
            }
        }
        at_most("work groups", self.work_groups.len(), WORK_GROUPS_MAX)?;
        let mut groups = self.work_groups.iter();
        groups.try_for_each(|name| Wording::WorkGroup.check(name))?;
        let duty_is_known = match &self.standing.duty {
            Duty::On {
                profile: Some(name),
            } => self.profiles.contains_key(name),
            Duty::Off | Duty::On { profile: None } => true,
        };
        if !duty_is_known {
            return Err(InvalidPerson(
                "the user is on duty with a profile that there is not".to_owned(),
            ));
        }
        match &self.standing.not_available {
            Some(reason) => Wording::Reason.check(reason),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A user that keeps every limit.
    fn user() -> User {
        User {
            id: UserId(1),
            tenant: TenantId(1),
            name: "anna".parse().expect("a name"),
            display_name: "Anna".to_owned(),
            roles: [Role::Agent].into(),
            services: BTreeSet::new(),
            supervisor_of: BTreeSet::new(),
            skills: [("french".to_owned(), SkillLevel::LOWEST)].into(),
            profiles: BTreeMap::new(),
            capacity: Capacity::DEFAULT,
            work_groups: BTreeSet::new(),
            enabled: true,
            standing: Standing::default(),
            version: 1,
        }
    }

    #[test]
    fn names_have_1_to_64_plain_characters() {
        for name in ["a", "anna.b-c_d@example", &"x".repeat(63), &"x".repeat(64)] {
            assert_eq!(name.parse::<UserName>().expect(name).as_str(), name);
        }
        for name in ["", "a b", "a/b", "å", "a,b", "a\n", &"x".repeat(65)] {
            name.parse::<UserName>().expect_err(name);
        }
    }

    #[test]
    fn levels_and_capacities_keep_their_ends() {
        let levels = [0, 1, 9, 10].map(|value| SkillLevel::new(value).is_some());
        assert_eq!(levels, [false, true, true, false]);
        let capacities = [0, 1, 10, 11].map(|value| Capacity::new(value).is_some());
        assert_eq!(capacities, [false, true, true, false]);
    }

    #[test]
    fn each_role_holds_the_one_below_and_the_auditor_stands_apart() {
        let holds = |held: Role| {
            let mut user = user();
            user.roles = [held].into();
            Role::ALL.map(|role| user.is(role))
        };
        assert_eq!(holds(Role::Agent), [true, false, false, false]);
        assert_eq!(holds(Role::Supervisor), [true, true, false, false]);
        assert_eq!(holds(Role::Auditor), [false, false, true, false]);
        assert_eq!(holds(Role::Admin), [true, true, false, true]);
    }

    #[test]
    fn role_names_are_read_back() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.name()), Some(role));
        }
        assert_eq!(Role::parse("Admin"), None);
    }

    #[test]
    fn on_duty_with_a_profile_only_its_skills_apply() {
        let mut user = user();
        let level = SkillLevel::new(4).expect("a level");
        user.profiles.insert("late".to_owned(), Skills::new());
        user.profiles
            .insert("day".to_owned(), [("french".to_owned(), level)].into());
        assert_eq!(user.skills_now(), &user.skills);
        let profile = |name: &str| Duty::On {
            profile: Some(name.to_owned()),
        };
        user.standing.duty = profile("day");
        assert_eq!(user.skills_now().get("french"), Some(&level));
        user.standing.duty = profile("late");
        assert!(user.skills_now().is_empty());
        user.standing.duty = Duty::On { profile: None };
        assert_eq!(user.skills_now(), &user.skills);
    }

    #[test]
    fn texts_and_counts_are_limited_at_their_ends() {
        for (chars, good) in [(0, false), (1, true), (99, true), (100, true), (101, false)] {
            let mut user = user();
            user.display_name = "å".repeat(chars);
            assert_eq!(user.check().is_ok(), good, "{chars} characters");
        }
        for (count, good) in [(99, true), (100, true), (101, false)] {
            let mut user = user();
            let names = (0..count).map(|number| (format!("skill {number}"), SkillLevel::LOWEST));
            user.skills = names.collect();
            assert_eq!(user.check().is_ok(), good, "{count} skills");
        }
        for (count, good) in [(19, true), (20, true), (21, false)] {
            let mut with_profiles = user();
            let names = (0..count).map(|number| format!("name {number}"));
            with_profiles.profiles = names.clone().map(|name| (name, Skills::new())).collect();
            assert_eq!(with_profiles.check().is_ok(), good, "{count} profiles");
            let mut grouped = user();
            grouped.work_groups = names.collect();
            assert_eq!(grouped.check().is_ok(), good, "{count} groups");
        }
        for text in ["two\nlines", " front", "back ", "\u{7}"] {
            let mut user = user();
            user.standing.not_available = Some(text.to_owned());
            user.check().expect_err(text);
        }
    }

    #[test]
    fn a_profile_is_a_part_of_the_skills_and_duty_knows_it() {
        let mut stranger = user();
        let skills = [("dutch".to_owned(), SkillLevel::LOWEST)].into();
        stranger.profiles.insert("day".to_owned(), skills);
        let error = stranger.check().expect_err("a foreign skill");
        assert!(error.0.contains("dutch"), "{error}");
        let mut unknown = user();
        unknown.standing.duty = Duty::On {
            profile: Some("night".to_owned()),
        };
        unknown.check().expect_err("an unknown profile");
    }
}
