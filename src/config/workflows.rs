//! What was validated: the workflows of a tenant. Each is a file of its own, read and checked with
//! the configuration that names it, so that a bad one is refused with it as a whole.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf, absolute};
use std::sync::Arc;

use super::address::FilePath;
use super::document::Node;
use super::kind::{Fault, Kind, List, text};
use super::layers::read_limited;
use super::problem::{ConfigError, Problem, render_faults};
use super::section::{Found, Section};
use super::source::{Origin, Place, Source};
use super::tenants::{LIST_MAX, NAME};
use crate::domain::policy::ServicePolicy;
use crate::domain::workflow::{SOURCE_BYTES_MAX, Workflow};
use crate::workflow::{self, Known};

/// Most workflows of a tenant.
const WORKFLOWS_MAX: usize = 100;
/// What the name of a file of a workflow ends in.
const EXTENSION: &str = ".xml";
/// Problems of files stand behind those of the layers, in the order in which files are named.
const LAYER_STEP: usize = 1 << 32;
/// Character that some editors put before everything else.
const BYTE_ORDER_MARK: char = '\u{FEFF}';

/// Which workflow a service uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorkflowRef {
    /// One that the tenant lists.
    Named(String),
    /// A file, which is thereby the tenant's too.
    File(PathBuf),
}

/// A name, or a path that ends in `.xml`.
pub struct WorkflowRefKind;

impl Kind for WorkflowRefKind {
    type Output = WorkflowRef;

    fn parse(&self, node: &Node) -> Result<WorkflowRef, Fault> {
        match text(node, "a string")?.ends_with(EXTENSION) {
            true => FilePath.parse(node).map(WorkflowRef::File),
            false => NAME.parse(node).map(WorkflowRef::Named),
        }
    }

    fn show(&self, reference: &WorkflowRef) -> toml::Value {
        match reference {
            WorkflowRef::Named(name) => NAME.show(name),
            WorkflowRef::File(path) => FilePath.show(path),
        }
    }
}

/// What services say about workflows, by service.
pub type Wanted = BTreeMap<String, Found<WorkflowRef>>;

/// What the files of workflows are checked against, apart from people: one tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surroundings {
    /// Its name.
    pub tenant: String,
    /// Its services with the keys of the contact data that each knows; `None`: any.
    pub services: BTreeMap<String, Option<BTreeSet<String>>>,
    /// The names of its workflows; `None`: not all of them can be read.
    pub workflows: Option<BTreeSet<String>>,
    /// The files of its workflows with the services that use each.
    pub files: BTreeMap<PathBuf, BTreeSet<String>>,
}

impl Surroundings {
    /// Whether the file is one of the tenant's workflows.
    pub fn names(&self, file: &Path) -> bool {
        self.files.contains_key(&whole(file))
    }

    /// What the workflow in that file may name, as far as a configuration tells.
    pub fn known(&self, file: &Path) -> Known {
        let users = self.files.get(&whole(file));
        Known {
            services: Some(self.services.keys().cloned().collect()),
            keys: users.and_then(|users| self.keys(users)),
            workflows: self.workflows.clone(),
            ..Known::anything()
        }
    }

    /// All keys that the services know; `None` where one takes any, or there is no service.
    fn keys(&self, services: &BTreeSet<String>) -> Option<BTreeSet<String>> {
        let mut keys = BTreeSet::new();
        for service in services {
            keys.extend(self.services.get(service)?.iter().flatten().cloned());
            self.services.get(service)?.as_ref()?;
        }
        (!services.is_empty()).then_some(keys)
    }
}

/// Workflows that were read.
pub struct Workflows {
    /// By name.
    pub by_name: BTreeMap<String, Arc<Workflow>>,
    /// What they were checked against.
    pub surroundings: Surroundings,
}

/// One file that is named.
struct File {
    path: PathBuf,
    /// The key that names it first.
    key: String,
    place: Option<Place>,
    /// Its text without a byte order mark; `None`: it cannot be read.
    text: Option<String>,
    /// The workflow's name; `None`: it cannot be made out.
    name: Option<String>,
}

/// Reads `workflows` of a tenant and the files that its services name, and gives the services
/// their workflows.
pub fn read_workflows(
    section: &mut Section<'_, '_>,
    (tenant, work_item_key): (&str, &str),
    services: &mut BTreeMap<String, Arc<ServicePolicy>>,
    wanted: &Wanted,
) -> Workflows {
    let mut files = named_files(section, wanted);
    for file in &mut files {
        file.read(section);
    }
    refuse_twice(section, &files);
    let names: BTreeSet<String> = files.iter().filter_map(|file| file.name.clone()).collect();
    let all_readable = files.iter().all(|file| file.name.is_some());
    let users = users(&files, wanted);
    let surroundings = Surroundings {
        tenant: tenant.to_owned(),
        services: services
            .values()
            .map(|service| (service.name.clone(), keys_of(service, work_item_key)))
            .collect(),
        workflows: all_readable.then(|| names.clone()),
        files: users,
    };
    let mut by_name = BTreeMap::new();
    for file in &files {
        if let Some(workflow) = file.load(section, &surroundings) {
            by_name.entry(workflow.name.clone()).or_insert(workflow);
        }
    }
    for (service, found) in wanted {
        if let (WorkflowRef::Named(name), true) = (&found.value, all_readable) {
            let key = format!("services.{service}.workflow");
            let known = names.iter().map(String::as_str);
            section.refuse_unknown(&key, ("workflow", name), found.place.clone(), known);
        }
        let name = name_of(&files, &found.value);
        if let (Some(service), Some(name)) = (services.get_mut(service), name) {
            Arc::make_mut(service).workflow = by_name.get(name).cloned();
        }
    }
    Workflows {
        by_name,
        surroundings,
    }
}

/// Every file once, by its first place: those of the list, then those of services.
fn named_files(section: &mut Section<'_, '_>, wanted: &Wanted) -> Vec<File> {
    let kind = List {
        of: FilePath,
        min: 0,
        max: WORKFLOWS_MAX,
        bare: false,
    };
    let listed = section.listed("workflows", &kind).unwrap_or_default();
    let listed = listed
        .into_iter()
        .map(|(path, place)| ("workflows".to_owned(), path, Some(place)));
    let of_services = wanted.iter().filter_map(|(service, found)| {
        let WorkflowRef::File(path) = &found.value else {
            return None;
        };
        let key = format!("services.{service}.workflow");
        Some((key, path.clone(), found.place.clone()))
    });
    let mut files: Vec<File> = Vec::new();
    for (key, path, place) in listed.chain(of_services) {
        let path = whole(&path);
        if !files.iter().any(|file| file.path == path) {
            files.push(File {
                path,
                key,
                place,
                text: None,
                name: None,
            });
        }
    }
    files
}

/// Reads `work_groups` of a tenant.
pub fn read_work_groups(section: &mut Section<'_, '_>) -> BTreeSet<String> {
    let kind = List {
        of: NAME,
        min: 0,
        max: LIST_MAX,
        bare: false,
    };
    let groups = section.listed("work_groups", &kind).unwrap_or_default();
    groups.into_iter().map(|(group, _)| group).collect()
}

impl File {
    /// Reads its text and its name.
    fn read(&mut self, section: &mut Section<'_, '_>) {
        match workflow_text(&self.path) {
            Ok(text) => {
                let any = workflow::load(&text, &Known::anything());
                self.name = any.ok().map(|workflow| workflow.name);
                self.text = Some(text);
            }
            Err(reason) => {
                let path = self.path.clone();
                let error = ConfigError::Unreadable { path, reason };
                section.refuse(&self.key, self.place.clone(), error);
            }
        }
    }

    /// Checks it completely; faults become problems that show the file's own lines.
    fn load(&self, section: &mut Section<'_, '_>, around: &Surroundings) -> Option<Arc<Workflow>> {
        let text = self.text.as_ref()?;
        match workflow::load(text, &around.known(&self.path)) {
            Ok(workflow) => Some(Arc::new(workflow)),
            Err(faults) => {
                let naming = self.place.as_ref();
                let layer = naming.map_or(0, |place| place.source.layer + 1) * LAYER_STEP
                    + naming.map_or(0, |place| place.span.start);
                let source = source_of(&self.path, text, layer);
                for fault in faults {
                    let problem = problem_of(&source, &fault);
                    section.refuse(&self.key, problem.place, problem.error);
                }
                None
            }
        }
    }
}

/// Two files that hold workflows of the same name.
fn refuse_twice(section: &mut Section<'_, '_>, files: &[File]) {
    for (index, file) in files.iter().enumerate() {
        let Some(name) = &file.name else { continue };
        let first = files[..index]
            .iter()
            .find(|first| first.name.as_ref() == Some(name));
        if let Some(first) = first {
            let error = ConfigError::Duplicate {
                what: format!("the workflow name `{name}` of {}", file.path.display()),
                first: first.place.clone(),
            };
            section.refuse(&file.key, file.place.clone(), error);
        }
    }
}

fn name_of<'f>(files: &'f [File], reference: &'f WorkflowRef) -> Option<&'f str> {
    match reference {
        WorkflowRef::Named(name) => Some(name),
        WorkflowRef::File(path) => {
            let path = whole(path);
            let file = files.iter().find(|file| file.path == path)?;
            file.name.as_deref()
        }
    }
}

fn users(files: &[File], wanted: &Wanted) -> BTreeMap<PathBuf, BTreeSet<String>> {
    let uses = |file: &File, reference: &WorkflowRef| match reference {
        WorkflowRef::Named(name) => file.name.as_ref() == Some(name),
        WorkflowRef::File(path) => whole(path) == file.path,
    };
    let users = files.iter().map(|file| {
        let users = wanted.iter().filter(|(_, found)| uses(file, &found.value));
        let users = users.map(|(service, _)| service.clone()).collect();
        (file.path.clone(), users)
    });
    users.collect()
}

/// The keys that items of the service may have; `None`: any. The work item key is always known.
fn keys_of(service: &ServicePolicy, work_item_key: &str) -> Option<BTreeSet<String>> {
    let declared = service.contact_data.iter().map(|key| key.key.clone());
    let keys = declared.chain([work_item_key.to_owned()]);
    (!service.contact_data.is_empty()).then(|| keys.collect())
}

fn whole(path: &Path) -> PathBuf {
    absolute(path).unwrap_or_else(|_| path.to_path_buf())
}

/// The text of a workflow's file, without a byte order mark.
///
/// # Errors
/// What the system says; that it is too large, or not UTF-8.
pub fn workflow_text(path: &Path) -> Result<String, String> {
    let bytes = read_limited(path, SOURCE_BYTES_MAX as u64)?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        format!("byte {at} is not UTF-8")
    })?;
    Ok(text.trim_start_matches(BYTE_ORDER_MARK).to_owned())
}

/// The faults of a workflow's file with their lines and carets, as problems of a configuration
/// are shown. `text` as [`workflow_text`] gives it; `color` for a terminal.
pub fn render_workflow_faults(
    path: &Path,
    text: &str,
    faults: &[workflow::Fault],
    color: bool,
) -> String {
    let source = source_of(path, text, 0);
    let problems: Vec<Problem> = faults
        .iter()
        .map(|fault| problem_of(&source, fault))
        .collect();
    render_faults(&problems, color)
}

fn source_of(path: &Path, text: &str, layer: usize) -> Arc<Source> {
    Arc::new(Source {
        name: path.display().to_string(),
        text: text.to_owned(),
        origin: Origin::File {
            folder: path.parent().unwrap_or(Path::new("")).to_path_buf(),
        },
        layer,
    })
}

fn problem_of(source: &Arc<Source>, fault: &workflow::Fault) -> Problem {
    Problem {
        error: ConfigError::Workflow {
            rule: fault.rule.word(),
            message: fault.message.clone(),
        },
        key: String::new(),
        place: Some(Place {
            source: Arc::clone(source),
            span: span(&source.text, fault.line, fault.column),
        }),
    }
}

/// The tag, or the attribute with its value, that begins at a line and a column, both from 1, the column in characters.
fn span(text: &str, line: u32, column: u32) -> std::ops::Range<usize> {
    let mut start = 0;
    for _ in 1..line {
        let rest = &text[start..];
        let Some(end) = rest.find(['\n', '\r']) else {
            break;
        };
        let is_pair = rest[end..].starts_with("\r\n");
        start += end + if is_pair { 2 } else { 1 };
    }
    let skip = usize::try_from(column)
        .unwrap_or(usize::MAX)
        .saturating_sub(1);
    let in_line = text[start..].char_indices().nth(skip);
    start = in_line.map_or(text.len(), |(offset, _)| start + offset);
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | ':' | '.');
    let opening = text[start..].chars().take_while(|c| matches!(c, '<' | '/'));
    let from = start + opening.map(char::len_utf8).sum::<usize>();
    let word = text[from..].find(|c: char| !is_word(c));
    let end = word.map_or(text.len(), |length| from + length);
    start..end + value_length(&text[end..])
}

/// How much of a text that follows the name of an attribute is its value.
fn value_length(rest: &str) -> usize {
    let Some(quote) = rest.strip_prefix('=').and_then(|rest| rest.chars().next()) else {
        return 0;
    };
    let value = rest.get(2..).filter(|_| matches!(quote, '"' | '\''));
    let end = value.and_then(|value| value.find([quote, '\n', '\r']));
    end.map_or(0, |length| "=\"".len() + length + quote.len_utf8())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_the_tag_or_the_attribute_at_its_place() {
        let text = "<a>\r\n  <goto name=\"å\" to=\"x\"/>\r</a>\n";
        assert_eq!(&text[span(text, 1, 1)], "<a");
        assert_eq!(&text[span(text, 2, 3)], "<goto");
        assert_eq!(&text[span(text, 2, 9)], "name=\"å\"");
        assert_eq!(&text[span(text, 2, 18)], "to=\"x\"");
        assert_eq!(&text[span(text, 3, 1)], "</a");
        assert_eq!(span(text, 9, 9), text.len()..text.len());
    }
}
