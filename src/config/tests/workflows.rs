//! Files of workflows: which are read, what they are checked against, and how their faults are
//! shown.

use super::*;
use crate::domain::workflow::SOURCE_BYTES_MAX;

/// A workflow of that name that does `actions` and finishes.
fn workflow(name: &str, actions: &str) -> String {
    format!(
        "<workflow xmlns=\"urn:anteroom:workflow:1\" name=\"{name}\">\n  <event on=\"received\">\n    \
         {actions}<finish/>\n  </event>\n</workflow>\n"
    )
}

fn bank(keys: &str) -> Folder {
    let folder = Folder::with(keys);
    folder.write("flows/one.xml", workflow("one", ""));
    folder.write("flows/two.xml", workflow("two", ""));
    folder
}

/// The workflows of the tenant, and those of its services.
fn names(config: &Config) -> (Vec<String>, Vec<Option<String>>) {
    let tenant = &config.policy.tenants["bank"];
    let services = tenant.services.values();
    let of = |service: &std::sync::Arc<crate::domain::policy::ServicePolicy>| {
        let workflow = service.workflow.as_ref();
        workflow.map(|workflow| workflow.name.clone())
    };
    (
        tenant.workflows.keys().cloned().collect(),
        services.map(of).collect(),
    )
}

#[test]
fn services_use_workflows_by_name_or_by_file() {
    let folder = bank(
        "[tenants.bank]\nworkflows = [\"flows/one.xml\"]\nwork_groups = [\"backoffice\"]\n\
         [tenants.bank.services.a]\nworkflow = \"one\"\n[tenants.bank.services.b]\n\
         workflow = \"flows/two.xml\"\n[tenants.bank.services.c]\n\
         [tenants.bank.services.d]\nworkflow = \"flows/one.xml\"\n",
    );
    let config = folder.config();
    let one = || Some("one".to_owned());
    assert_eq!(
        names(&config),
        (
            vec!["one".to_owned(), "two".to_owned()],
            vec![one(), Some("two".to_owned()), None, one()]
        )
    );
    let tenant = &config.policy.tenants["bank"];
    assert!(tenant.work_groups.contains("backoffice"));
    let used = tenant.services["a"].workflow.as_ref().expect("it has one");
    assert!(Arc::ptr_eq(used, &tenant.workflows["one"]));
}

#[test]
fn what_is_in_force_names_workflows_and_groups_with_their_places() {
    let folder = bank(
        "[tenants.bank]\nworkflows = [\"flows/one.xml\"]\nwork_groups = [\"north\"]\n\
         [tenants.bank.services.a]\nworkflow = \"one\"\n[tenants.bank.services.b]\n",
    );
    let effective = folder.without_folder(&folder.config().effective());
    for line in [
        "workflows = [\"flows/one.xml\"]  # anteroom.toml:2",
        "work_groups = [\"north\"]  # anteroom.toml:3",
        "workflow = \"one\"  # anteroom.toml:5",
        "# workflow is not set",
    ] {
        assert!(
            effective.lines().any(|it| it == line),
            "{line}\n{effective}"
        );
    }
}

#[test]
fn every_fault_of_a_file_is_shown_where_it_is() {
    let folder = bank(
        "[tenants.bank]\nworkflows = [\"flows/one.xml\", \"flows/bad.xml\"]\n\
         [tenants.bank.services.a]\nworkflow = \"one\"\n",
    );
    let bad = "<workflow xmlns=\"urn:anteroom:workflow:1\" name=\"bad\">\n  <event \
               on=\"received\">\n    <transfer service=\"b\"><failed goto=\"end\"/></transfer>\n    \
               <startWorkflow name=\"none\"/>\n    <finish/>\n  </event>\n  <event on=\"goto\" \
               name=\"end\"><finish/></event>\n</workflow>\n";
    folder.write("flows/bad.xml", bad);
    let told = folder.told(folder.load());
    let begins = [
        "flows/bad.xml:3:15 tenants.bank.workflows: unknownService: ",
        "flows/bad.xml:4:20 tenants.bank.workflows: unknownWorkflow: ",
    ];
    assert_eq!(told.len(), begins.len(), "{told:#?}");
    for (line, begin) in told.iter().zip(begins) {
        assert!(line.starts_with(begin), "{line}");
    }
    let errors = folder.load().err().expect("problems");
    let shown = folder.without_folder(&errors.render(false));
    assert!(shown.contains("--> flows/bad.xml:3:"), "{shown}");
    assert!(
        shown.contains("3 |     <transfer service=\"b\">"),
        "{shown}"
    );
    assert!(shown.contains("  |               ^^^^^^^^^^^\n"), "{shown}");
}

#[test]
fn files_that_cannot_be_read_say_why_where_they_are_named() {
    let folder =
        bank("[tenants.bank]\nworkflows = [\"flows/none.xml\", \"flows/large.xml\", \"x\"]\n");
    folder.write("flows/large.xml", vec![b' '; SOURCE_BYTES_MAX + 1]);
    folder.write("x", b"\xff");
    let told = folder.told(folder.load());
    assert_eq!(told.len(), 3, "{told:#?}");
    assert!(
        told[0]
            .starts_with("anteroom.toml:2:14 tenants.bank.workflows: cannot read flows/none.xml: "),
        "{}",
        told[0]
    );
    assert_eq!(
        told[1..],
        [
            format!(
                "anteroom.toml:2:32 tenants.bank.workflows: cannot read flows/large.xml: larger \
                 than {SOURCE_BYTES_MAX} bytes"
            ),
            "anteroom.toml:2:51 tenants.bank.workflows: cannot read x: byte 0 is not UTF-8"
                .to_owned(),
        ]
    );
}

#[test]
fn a_file_may_be_as_large_as_the_limit_and_no_larger() {
    for (bytes, is_right) in [
        (SOURCE_BYTES_MAX - 1, true),
        (SOURCE_BYTES_MAX, true),
        (SOURCE_BYTES_MAX + 1, false),
    ] {
        let folder = bank("[tenants.bank]\nworkflows = [\"flows/one.xml\"]\n");
        let mut text = workflow("one", "");
        text.push_str(&" ".repeat(bytes - text.len()));
        folder.write("flows/one.xml", text);
        assert_eq!(folder.load().is_ok(), is_right, "{bytes} bytes");
    }
}

#[test]
fn two_workflows_of_one_name_are_refused_and_one_file_named_twice_is_not() {
    let folder = bank(
        "[tenants.bank]\nworkflows = [\"flows/one.xml\", \"flows/same.xml\"]\n\
         [tenants.bank.services.a]\nworkflow = \"flows/one.xml\"\n",
    );
    folder.write("flows/same.xml", workflow("one", ""));
    assert_eq!(
        folder.told(folder.load()),
        [
            "anteroom.toml:2:31 tenants.bank.workflows: the workflow name `one` of \
             flows/same.xml is already used"
        ]
    );
    folder.write("flows/same.xml", workflow("other", ""));
    accepted(folder.load());
}

#[test]
fn a_service_names_a_workflow_that_is_there() {
    let folder = bank(
        "[tenants.bank]\nworkflows = [\"flows/one.xml\"]\n[tenants.bank.services.a]\n\
         workflow = \"ome\"\n",
    );
    let errors = folder.load().err().expect("a problem");
    assert_eq!(
        folder.told(folder.load()),
        ["anteroom.toml:4:12 tenants.bank.services.a.workflow: no workflow is named `ome`"]
    );
    assert_eq!(
        errors.problems[0].error.help().as_deref(),
        Some("did you mean `one`?")
    );
}

#[test]
fn workflows_may_start_each_other_by_name() {
    let keys = "[tenants.bank]\nworkflows = [\"flows/one.xml\", \"flows/two.xml\"]\n";
    let folder = bank(keys);
    folder.write(
        "flows/two.xml",
        workflow("two", "<startWorkflow name=\"one\"/>"),
    );
    accepted(folder.load());
    folder.write(
        "flows/two.xml",
        workflow("two", "<startWorkflow name=\"three\"/>"),
    );
    let told = folder.told(folder.load());
    assert!(told[0].contains("unknownWorkflow"), "{told:?}");
}

#[test]
fn keys_are_known_where_every_service_that_uses_the_workflow_declares_them() {
    let services = |second: &str| {
        format!(
            "[tenants.bank]\nworkflows = [\"flows/one.xml\"]\n[tenants.bank.services.a]\n\
             workflow = \"one\"\n[[tenants.bank.services.a.contact_data]]\nkey = \"amount\"\n\
             [tenants.bank.services.b]\nworkflow = \"one\"\n{second}"
        )
    };
    let declared = "[[tenants.bank.services.b.contact_data]]\nkey = \"risk\"\n";
    for (key, second, is_right) in [
        ("amount", declared, true),
        ("risk", declared, true),
        ("workItemTask", declared, true),
        ("colour", declared, false),
        ("colour", "", true),
    ] {
        let folder = bank(&services(second));
        let set = format!("<setContactData key=\"{key}\" value=\"x\"/>");
        folder.write("flows/one.xml", workflow("one", &set));
        match folder.load() {
            Ok(_) => assert!(is_right, "{key} is taken"),
            Err(errors) => assert!(
                !is_right && errors.to_string().contains("unknownKey"),
                "{key}: {errors}"
            ),
        }
    }
}

#[test]
fn surroundings_are_told_whatever_is_wrong_with_the_files() {
    let folder = bank(
        "[tenants.bank]\nworkflows = [\"flows/one.xml\"]\n[tenants.bank.services.a]\n\
         workflow = \"flows/two.xml\"\n",
    );
    folder.write("flows/two.xml", "<workflow");
    let flags = Flags {
        config: Some(folder.path("anteroom.toml")),
        ..Flags::default()
    };
    let around = load_surroundings(&flags, []).expect("the rest is right");
    assert_eq!(around.len(), 1);
    assert_eq!(around[0].tenant, "bank");
    assert_eq!(around[0].workflows, None);
    assert!(around[0].names(&folder.path("flows/two.xml")));
    assert!(!around[0].names(&folder.path("flows/three.xml")));
    folder.write("anteroom.toml", "nonsense = 1\n");
    assert!(load_surroundings(&flags, []).is_err());
}
