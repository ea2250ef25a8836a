//! How to call an operation from a shell.

use super::{
    operation::Operation,
    page::{items, members, text},
};

/// A `curl` command; `$API`, `$TOKEN` and the ids are the caller's to set.
pub(super) fn line(operation: &Operation<'_>) -> String {
    let path = operation.path.replace('{', "$").replace('}', "");
    let mut line = match operation.method.as_str() {
        "GET" => format!("curl \"$API{path}\""),
        method => format!("curl -X {method} \"$API{path}\""),
    };
    if operation.needs_token() {
        line += " \\\n  -H \"Authorization: Bearer $TOKEN\"";
    }
    for parameter in items(&operation.said["parameters"]) {
        if parameter["in"] == "header" && parameter["required"] == true {
            let header = format!("{}: {}", text(&parameter["name"]), text(&parameter["example"]));
            line += &format!(" \\\n  -H {}", quoted(&header));
        }
    }
    for (media_type, content) in members(&operation.said["requestBody"]["content"]) {
        let header = format!("Content-Type: {media_type}");
        line += &format!(" \\\n  -H {} -d {}", quoted(&header), quoted(&content["example"].to_string()));
    }
    line
}

/// One word for the shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_does_not_end_the_word() {
        assert_eq!(quoted(r#"{"name": "Ada's"}"#), r#"'{"name": "Ada'\''s"}'"#);
    }
}
