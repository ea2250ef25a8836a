//! The documents: every relative link and every anchor leads somewhere, and the README stays short.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

/// Longer, and nobody reads it to the end.
const README_LINES_MAX: usize = 200;
/// Folders that hold what others wrote or what was built.
const NOT_OURS: &[&str] = &["node_modules", "target"];

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The Markdown files below a folder. Folders with a dot before their name hold what tools left there.
fn documents(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if !name.starts_with('.') && !NOT_OURS.contains(&name.as_str()) {
                documents(&path, found);
            }
        } else if name.ends_with(".md") {
            found.push(path);
        }
    }
}

/// The lines of a document that are not in a block of code.
fn prose(text: &str) -> Vec<&str> {
    let mut is_code = false;
    let mut lines = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        } else if !is_code {
            lines.push(line);
        }
    }
    lines
}

/// The targets of a line's links and images, `[text](target)`.
fn targets(line: &str) -> Vec<String> {
    // Every second part stands between backticks, and is code.
    let text: String = line.split('`').step_by(2).collect();
    let parts = text.split("](").skip(1);
    parts.filter_map(|part| Some(part.split_once(')')?.0.to_owned())).collect()
}

/// The anchors of a document's headings, as GitHub makes them: small letters, no punctuation, hyphens for spaces, and a
/// number where one is there already.
fn anchors(text: &str) -> Vec<String> {
    let mut times = HashMap::new();
    let headings = prose(text).into_iter().filter(|line| line.starts_with('#'));
    headings
        .map(|heading| {
            let kept = heading.trim_start_matches('#').trim().to_lowercase();
            let kept = kept.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
            let slug = kept.map(|c| if c == ' ' { '-' } else { c }).collect::<String>();
            let seen: &mut usize = times.entry(slug.clone()).or_default();
            *seen += 1;
            if *seen == 1 { slug } else { format!("{slug}-{}", *seen - 1) }
        })
        .collect()
}

/// What is wrong with a link in that document; nothing if it leads somewhere, or to another site.
fn complaint(document: &Path, target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let file = match path {
        "" => document.to_owned(),
        _ => document.parent().unwrap().join(path),
    };
    if !file.exists() {
        return Some(format!("{target} is not there"));
    }
    if !anchor.is_empty() && !anchors(&fs::read_to_string(&file).unwrap()).iter().any(|known| known == anchor)
    {
        return Some(format!("{target} names no heading"));
    }
    None
}

#[test]
fn every_link_of_a_document_leads_somewhere() {
    let mut found = Vec::new();
    documents(&workspace(), &mut found);
    let (mut links, mut complaints) = (0, Vec::new());
    for document in &found {
        let text = fs::read_to_string(document).unwrap();
        for target in prose(&text).into_iter().flat_map(targets) {
            links += 1;
            complaints.extend(
                complaint(document, &target).map(|complaint| format!("{}: {complaint}", document.display())),
            );
        }
    }
    assert!(found.len() > 30 && links > 100, "{} documents, {links} links", found.len());
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn a_link_that_leads_nowhere_is_seen() {
    let readme = workspace().join("README.md");
    assert_eq!(complaint(&readme, "docs/README.md#words"), None);
    assert_eq!(complaint(&readme, "#the-journey"), None);
    assert_eq!(complaint(&readme, "docs/README.md#word").unwrap(), "docs/README.md#word names no heading");
    assert_eq!(complaint(&readme, "docs/nowhere.md").unwrap(), "docs/nowhere.md is not there");
    assert_eq!(targets("[a](b.md), `[c](d.md)`, ![e](f.svg)"), ["b.md", "f.svg"]);
    assert_eq!(anchors("# A `b`, c\n\n```\n# no\n```\n\n# a b c"), ["a-b-c", "a-b-c-1"]);
}

#[test]
fn the_readme_can_be_read_to_the_end() {
    let lines = fs::read_to_string(workspace().join("README.md")).unwrap().lines().count();
    assert!(lines <= README_LINES_MAX, "README.md has {lines} lines: {README_LINES_MAX} at most");
}
