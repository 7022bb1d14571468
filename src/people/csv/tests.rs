//! Files good and bad.

use super::*;

fn one(text: &str) -> Row {
    let rows = read(text).expect("the file is good");
    assert_eq!(rows.len(), 1);
    rows.into_iter().next().expect("there is one")
}

fn wrong(text: &str) -> Vec<String> {
    let problems = read(text).expect_err("the file is wrong");
    problems.iter().map(Problem::to_string).collect()
}

#[test]
fn every_column_is_read() {
    let row = one(
        "name,display_name,role,services,supervisor_of,skills,profiles,capacity,work_groups,\
         enabled\nanna,\"Ek, Anna \"\"A\"\"\",agent|supervisor,loans|claims,loans,\
         french:7|bonds : 3,day=french:5+bonds:1|late=,2,north,no\n",
    );
    let level = |value| SkillLevel::new(value).expect("a level");
    assert_eq!((row.line, row.name.as_str()), (2, "anna"));
    let patch = row.patch;
    assert_eq!(patch.display_name.as_deref(), Some("Ek, Anna \"A\""));
    assert_eq!(patch.roles, Some([Role::Agent, Role::Supervisor].into()));
    assert_eq!(patch.services, Some(names("claims|loans")));
    assert_eq!(patch.supervisor_of, Some(names("loans")));
    let skills = [
        ("french".to_owned(), level(7)),
        ("bonds".to_owned(), level(3)),
    ];
    assert_eq!(patch.skills, Some(skills.into()));
    let profiles = patch.profiles.expect("there are");
    assert_eq!(profiles["day"]["french"], level(5));
    assert!(profiles["late"].is_empty());
    assert_eq!(patch.capacity, Capacity::new(2));
    assert_eq!(patch.work_groups, Some(names("north")));
    assert_eq!(patch.enabled, Some(false));
}

#[test]
fn a_missing_column_leaves_things_and_an_empty_field_empties_them() {
    let row = one("services,name\n,anna\n");
    assert_eq!(row.patch.services, Some(BTreeSet::new()));
    let expected = UserPatch {
        services: Some(BTreeSet::new()),
        ..UserPatch::default()
    };
    assert_eq!(row.patch, expected);
}

#[test]
fn files_of_spreadsheets_are_read() {
    for text in [
        "\u{feff}name;capacity\r\nanna;3\r\n",
        "name\tcapacity\nanna\t3",
        "name , capacity\n anna , 3 \n\n",
        "\"name\",\"capacity\"\n\"anna\",\"3\"\n",
    ] {
        assert_eq!(one(text).patch.capacity, Capacity::new(3), "{text:?}");
    }
}

#[test]
fn a_wrong_field_is_named_with_line_and_column() {
    let cases = [
        ("name\nan na\n", "line 2, column 1 (name): a user's name is"),
        (
            "name,role\nanna,boss\n",
            "line 2, column 2 (role): there is no role \"boss\"",
        ),
        (
            "name,capacity\nanna,0\n",
            "line 2, column 2 (capacity): a capacity is",
        ),
        (
            "name,capacity\nanna,11\n",
            "line 2, column 2 (capacity): a capacity is",
        ),
        (
            "name,capacity\nanna,\n",
            "line 2, column 2 (capacity): a capacity is",
        ),
        (
            "name,skills\nanna,french\n",
            "line 2, column 2 (skills): \"french\" is no",
        ),
        (
            "name,skills\nanna,french:0\n",
            "line 2, column 2 (skills): \"french:0\"",
        ),
        (
            "name,skills\nanna,french:10\n",
            "line 2, column 2 (skills): \"french:10\"",
        ),
        (
            "name,skills\nanna,a:1|a:2\n",
            "line 2, column 2 (skills): the skill a is",
        ),
        (
            "name,profiles\nanna,day\n",
            "line 2, column 2 (profiles): \"day\" is no",
        ),
        (
            "name,profiles\nanna,a=|a=\n",
            "line 2, column 2 (profiles): the profile a",
        ),
        (
            "name,enabled\nanna,maybe\n",
            "line 2, column 2 (enabled): write yes or no",
        ),
        (
            "name,display_name\nanna,\n",
            "line 2, column 2 (display_name): a display",
        ),
        (
            "name,capacity\nanna\n",
            "line 2: 1 fields where the first line has 2",
        ),
        (
            "name,capacity\nanna,1,2\n",
            "line 2: 3 fields where the first line has 2",
        ),
        (
            "name,role\nanna,\"agent\nbert,agent\n",
            "line 2, column 2 (role): there is",
        ),
        (
            "name\nanna\nbert\nanna\n",
            "line 4: the user anna is in line 2 already",
        ),
        (
            "name,shoe\nanna,9\n",
            "line 1, column 2: there is no column \"shoe\"",
        ),
        (
            "name,name\nanna,bert\n",
            "line 1, column 2: the column name is there twice",
        ),
        ("capacity\n1\n", "line 1: the column name is missing"),
        ("", "line 1: the first line names the columns"),
    ];
    for (text, expected) in cases {
        let problems = wrong(text);
        assert_eq!(problems.len(), 1, "{text:?}: {problems:?}");
        assert!(problems[0].starts_with(expected), "{text:?}: {problems:?}");
    }
}

#[test]
fn all_problems_are_shown_up_to_a_limit_and_nothing_is_taken() {
    let problems = wrong("name,capacity\nanna,1\nb ert,0\ncarl,x\n");
    assert_eq!(problems.len(), 3, "{problems:?}");
    for (count, shown) in [(19, 19), (20, 20), (21, 20)] {
        let lines: Vec<String> = (0..count).map(|number| format!("user{number},0")).collect();
        let text = format!("name,capacity\n{}\n", lines.join("\n"));
        assert_eq!(wrong(&text).len(), shown);
    }
}

#[test]
fn lines_are_counted_through_quoted_line_ends_and_empty_lines() {
    let problems = wrong("name,skills\r\nanna,\r\n\r\n\r\nbert,x\r\ncarl,y\r\n");
    assert!(problems[0].starts_with("line 5, column 2"), "{problems:?}");
    assert!(problems[1].starts_with("line 6, column 2"), "{problems:?}");
    let problems = wrong("name,skills\nanna,\"french:1\n|bonds:1\"\n\nbert,x\n");
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].starts_with("line 5, column 2"), "{problems:?}");
}

#[test]
fn users_and_bytes_of_a_file_are_limited() {
    for (count, good) in [
        (USERS_MAX - 1, true),
        (USERS_MAX, true),
        (USERS_MAX + 1, false),
    ] {
        let lines: Vec<String> = (0..count).map(|number| format!("user{number}")).collect();
        let read = read(&format!("name\n{}\n", lines.join("\n")));
        assert_eq!(read.is_ok(), good, "{count} users");
    }
    let header = "name\nanna\n";
    for (bytes, good) in [(FILE_BYTES_MAX, true), (FILE_BYTES_MAX + 1, false)] {
        let text = format!("{header}{}", "\n".repeat(bytes - header.len()));
        assert_eq!(read(&text).is_ok(), good, "{bytes} bytes");
    }
}
