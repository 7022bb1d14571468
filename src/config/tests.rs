//! Tests of the configuration room: whole texts in, a configuration or its problems out.

use super::*;

#[test]
fn without_a_file_the_demo_is_taken() {
    let nowhere = Path::new("/nowhere/anteroom.toml");
    let loaded = load_beside(nowhere, &Flags::default(), [])
        .map_err(|errors| errors.to_string())
        .expect("the demo is right");
    assert!(loaded.is_demo);
    assert_eq!(loaded.warnings, []);
    assert_eq!(loaded.config.policy.tenants["demo"].fair_use, None);
}
