//! What people see, to the letter.

use super::*;

#[test]
fn problems_show_file_line_and_caret() {
    let folder = Folder::with(
        "[tenants.bank.services.loans]\nhours = \"Mo-Fr 25:00-17:00\"\nprioirty = 5\n\
         [tenants.bank.senders.web]\n[tenants.other.senders.web]\n",
    );
    let errors = folder.load().err().expect("problems");
    let said = crate::calendar::OpeningHours::compile("Mo-Fr 25:00-17:00", "UTC", None)
        .expect_err("there is no hour 25")
        .to_string();
    let expected = r"error: tenants.bank.services.loans.hours: opening hours: SAID
 --> anteroom.toml:2:16
  |
2 | hours = 'Mo-Fr 25:00-17:00'
  |                ^^

error: tenants.bank.services.loans: unknown key `prioirty`
 --> anteroom.toml:3:1
  |
3 | prioirty = 5
  | ^^^^^^^^
  |
  = help: did you mean `priority`?

error: tenants.other.senders: the sender name `web` is already used
 --> anteroom.toml:5:24
  |
4 | [tenants.bank.senders.web]
  |                       --- used here first
5 | [tenants.other.senders.web]
  |                        ^^^

3 problems in the configuration
";
    let rendered = folder.without_folder(&errors.render(false));
    let rendered = rendered.replace(&said, "SAID").replace('"', "'");
    assert_eq!(rendered, expected);
}

#[test]
fn duplicates_over_two_files_show_both() {
    let folder = Folder::with("[tenants.a.senders.web]\n");
    folder.write("conf.d/b.toml", "[tenants.b.senders.web]\n");
    let errors = folder.load().err().expect("problems");
    assert_eq!(
        folder.without_folder(&errors.render(false)),
        "error: tenants.b.senders: the sender name `web` is already used\n\
         \x20--> conf.d/b.toml:1:20\n\
         \x20 |\n\
         1 | [tenants.b.senders.web]\n\
         \x20 |                    ^^^\n\
         \x20 |\n\
         \x20::: anteroom.toml:1:20\n\
         \x20 |\n\
         1 | [tenants.a.senders.web]\n\
         \x20 |                    --- used here first\n\
         \n\
         1 problem in the configuration\n"
    );
}

#[test]
fn the_environment_is_shown_as_it_was_set() {
    let folder = Folder::with("");
    let environment = [("ANTEROOM__LISTEN__CONNECTIONS_MAX", "0")];
    let errors = folder
        .load_with(&Flags::default(), &environment)
        .err()
        .expect("problems");
    assert_eq!(
        errors.render(false),
        "error: listen.connections_max: out of range, allowed: 1 to 65536\n\
         \x20--> ANTEROOM__LISTEN__CONNECTIONS_MAX:1:35\n\
         \x20 |\n\
         1 | ANTEROOM__LISTEN__CONNECTIONS_MAX=0\n\
         \x20 |                                   ^\n\
         \n\
         1 problem in the configuration\n"
    );
}

#[test]
fn colour_is_for_terminals() {
    let errors = Folder::with("x = 1\n").load().err().expect("problems");
    assert!(errors.render(true).contains('\u{1b}'));
    assert!(!errors.render(false).contains('\u{1b}'));
    assert_eq!(errors.to_string(), errors.render(false));
}

#[test]
fn warnings_are_shown_as_warnings() {
    let loaded = accepted(Folder::with("").load());
    assert_eq!(
        render_warnings(&loaded.warnings, false),
        "warning: tenants: no tenant is configured: nobody can send anything\n\n"
    );
}

#[test]
fn lines_that_may_hold_a_secret_are_not_shown() {
    let folder =
        Folder::with("[tenants.a.senders.s]\npassword = \"hunter2\"\nkey_sha256 = \"hunter3\"\n");
    let environment = [("ANTEROOM__TENANTS__A__SENDERS__S__KEY", "hunter4")];
    let errors = folder.load_with(&Flags::default(), &environment);
    let rendered = errors.err().expect("problems").render(false);
    assert!(!rendered.contains("hunter"), "{rendered}");
    assert!(rendered.contains("anteroom.toml:2:1\n"), "{rendered}");
    assert!(rendered.contains("anteroom.toml:3:14\n"), "{rendered}");
    assert!(rendered.contains("3 problems"), "{rendered}");
}
