//! What items ask of agents: skills with levels, interned, so that items with the same wish share
//! one *requirement class*.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::domain::content::SkillRequirement;
use crate::domain::distribution::SkillsAsked;

/// Different wishes that a node knows at once, at most: each may cost a few buckets.
pub const CLASSES_MAX: usize = 65_536;

/// A skill, as the core numbers it. Not stable over restarts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SkillId(u32);

/// What an item asks of agents, as the core numbers it. Not stable over restarts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct ClassId(u32);

impl ClassId {
    /// The class of items that ask for no skill.
    pub const NO_SKILLS: ClassId = ClassId(0);
}

/// Skills with the level asked for, each skill once, sorted.
pub type Asked = Box<[(SkillId, u8)]>;

#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
struct Class {
    required: Asked,
    optional: Asked,
}

/// All skills and classes of a node.
#[derive(Debug)]
pub struct Requirements {
    skills: HashMap<Arc<str>, SkillId>,
    classes: Vec<Class>,
    index: HashMap<Class, ClassId>,
}

impl Default for Requirements {
    fn default() -> Requirements {
        let none = Class::default();
        Requirements {
            skills: HashMap::new(),
            classes: vec![none.clone()],
            index: [(none, ClassId::NO_SKILLS)].into(),
        }
    }
}

impl Requirements {
    /// The number of a skill.
    pub fn skill(&mut self, name: &str) -> SkillId {
        if let Some(id) = self.skills.get(name) {
            return *id;
        }
        let id = SkillId(self.skills.len() as u32);
        self.skills.insert(name.into(), id);
        id
    }

    /// The class of items with this wish; the order of the skills does not matter, and of a skill
    /// asked for twice the higher level counts. `None`: the node knows [`CLASSES_MAX`] others.
    pub fn class_of(&mut self, skills: &[SkillRequirement]) -> Option<ClassId> {
        if skills.is_empty() {
            return Some(ClassId::NO_SKILLS);
        }
        let class = Class {
            required: self.asked(skills, false),
            optional: self.asked(skills, true),
        };
        if let Some(id) = self.index.get(&class) {
            return Some(*id);
        }
        if self.classes.len() >= CLASSES_MAX {
            return None;
        }
        let id = ClassId(self.classes.len() as u32);
        self.classes.push(class.clone());
        self.index.insert(class, id);
        Some(id)
    }

    /// How many classes are known.
    pub fn classes(&self) -> usize {
        self.classes.len()
    }

    fn asked(&mut self, skills: &[SkillRequirement], optional: bool) -> Asked {
        let wanted = skills.iter().filter(|skill| skill.optional == optional);
        let pairs: Vec<(SkillId, u8)> = wanted
            .map(|skill| (self.skill(&skill.name), skill.level))
            .collect();
        highest(pairs)
    }

    /// What items of a class ask for, at a level of the distribution.
    pub fn effective(&self, class: ClassId, asked: SkillsAsked) -> Asked {
        let class = &self.classes[class.0 as usize];
        match asked {
            SkillsAsked::Required => class.required.clone(),
            SkillsAsked::All => highest(class.required.iter().chain(&class.optional).copied()),
        }
    }
}

/// Sorted, each skill once with its highest level.
fn highest(pairs: impl IntoIterator<Item = (SkillId, u8)>) -> Asked {
    let mut levels = BTreeMap::new();
    for (skill, level) in pairs {
        let highest = levels.entry(skill).or_insert(level);
        *highest = level.max(*highest);
    }
    levels.into_iter().collect()
}

/// The sum of the levels held over the skills asked for; `None` where one is missing or too low.
pub fn level_sum(held: &BTreeMap<SkillId, u8>, asked: &[(SkillId, u8)]) -> Option<u32> {
    let mut sum = 0;
    for (skill, level) in asked {
        let held = held.get(skill).filter(|held| *held >= level)?;
        sum += u32::from(*held);
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(name: &str, level: u8, optional: bool) -> SkillRequirement {
        SkillRequirement {
            name: name.to_owned(),
            level,
            optional,
        }
    }

    #[test]
    fn the_same_wish_in_another_order_is_the_same_class() {
        let mut known = Requirements::default();
        let one = known.class_of(&[wish("law", 3, false), wish("french", 1, true)]);
        let same = known.class_of(&[wish("french", 1, true), wish("law", 3, false)]);
        assert_eq!(one, same);
        let other = known.class_of(&[wish("law", 3, false), wish("french", 1, false)]);
        assert_ne!(one, other);
        assert_eq!(known.class_of(&[]), Some(ClassId::NO_SKILLS));
    }

    #[test]
    fn optional_skills_are_asked_for_only_at_first() {
        let mut known = Requirements::default();
        let wishes = [wish("law", 3, false), wish("french", 1, true)];
        let class = known.class_of(&wishes).expect("there is room");
        let (law, french) = (known.skill("law"), known.skill("french"));
        let all = known.effective(class, SkillsAsked::All);
        assert_eq!(*all, [(law, 3), (french, 1)]);
        let required = known.effective(class, SkillsAsked::Required);
        assert_eq!(*required, [(law, 3)]);
    }

    #[test]
    fn of_a_skill_asked_for_twice_the_higher_level_counts() {
        let mut known = Requirements::default();
        let wishes = [wish("law", 3, false), wish("law", 5, true)];
        let class = known.class_of(&wishes).expect("there is room");
        let law = known.skill("law");
        assert_eq!(*known.effective(class, SkillsAsked::All), [(law, 5)]);
        assert_eq!(*known.effective(class, SkillsAsked::Required), [(law, 3)]);
    }

    #[test]
    fn an_agent_covers_a_skill_from_its_level_on() {
        let mut known = Requirements::default();
        let law = known.skill("law");
        for (held, sum) in [(2, None), (3, Some(3)), (4, Some(4))] {
            assert_eq!(level_sum(&[(law, held)].into(), &[(law, 3)]), sum);
        }
        assert_eq!(level_sum(&BTreeMap::new(), &[(law, 1)]), None);
        assert_eq!(level_sum(&BTreeMap::new(), &[]), Some(0));
    }

    #[test]
    fn there_are_so_many_classes_and_no_more() {
        let mut known = Requirements::default();
        let class = |known: &mut Requirements, number: usize| {
            known.class_of(&[wish(&format!("s{number}"), 1, false)])
        };
        for number in 1..CLASSES_MAX {
            assert!(class(&mut known, number).is_some());
        }
        assert_eq!(class(&mut known, CLASSES_MAX), None);
        assert!(class(&mut known, 1).is_some(), "known ones stay known");
    }
}
