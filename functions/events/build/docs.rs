//! Writes the API document as a page for people while the function is built, so that no function carries what makes it. The
//! page needs no script and nothing from another host.

mod curl;
mod guide;
mod operation;
mod page;
mod schema;

use std::{env, error::Error, fs, path::Path};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;
use sha2::{Digest, Sha256};

const DOCUMENT: &str = "openapi.json";
const STYLE: &str = include_str!("style.css");

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={DOCUMENT}");
    println!("cargo::rerun-if-changed=build");
    let document: Value = serde_json::from_str(&fs::read_to_string(DOCUMENT)?)?;
    let out = env::var("OUT_DIR")?;
    let out = Path::new(&out);
    fs::write(out.join("docs.html"), page::page(&document, STYLE).into_string())?;
    // Nothing is loaded or run but the page's own style, which its hash names (CSP Level 3).
    let style = BASE64_STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    );
    fs::write(out.join("docs.csp"), policy)?;
    Ok(())
}
