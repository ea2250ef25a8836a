//! `docs/settings.md` has the table that the code writes: each setting with the default that it has.

use local::{settings, settings_table};

const PAGE: &str = include_str!("../../../../docs/settings.md");

#[test]
fn the_table_of_settings_is_that_of_the_code() {
    let (_, table) = PAGE.split_once("<!-- settings -->\n").unwrap();
    let (table, _) = table.split_once("<!-- end of settings -->").unwrap();
    assert!(
        table == settings_table::markdown(),
        "the table of docs/settings.md is not that of the code: run `make settings`"
    );
}

#[test]
fn every_setting_of_the_local_server_is_explained() {
    for name in settings::names() {
        assert!(PAGE.contains(&format!("`{name}`")), "{name}");
    }
    for name in settings::NOT_INHERITED {
        assert!(settings::names().contains(*name), "{name} is none");
    }
}
