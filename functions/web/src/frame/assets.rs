//! The files that pages load: style, scripts, icon. Their names carry a hash of what is in them, so that browsers may keep them
//! for ever, and a new release never shows an old one.

use std::sync::LazyLock;

use axum::{
    extract::Path,
    http::{HeaderValue, header},
    response::Response,
};
use http_api::{Code, Problem, headers::text_answer};
use xxhash_rust::xxh3::xxh3_64;

pub(crate) const PATH: &str = "/shop/assets/{file}";

pub(crate) static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("style", "css", "text/css; charset=utf-8", include_str!("../../assets/style.css"))
});
pub(crate) static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("pages", "js", "text/javascript; charset=utf-8", include_str!("../../assets/pages.js"))
});
/// What scripts add to the page of an area's seats.
pub(crate) static SEATS_SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("seats", "js", "text/javascript; charset=utf-8", include_str!("../../assets/seats.js"))
});
/// From elsewhere: htmx 2.0.11, under the Zero-Clause BSD licence beside it. A test holds its hash.
pub(crate) static HTMX: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        "htmx",
        "js",
        "text/javascript; charset=utf-8",
        include_str!("../../assets/htmx-2.0.11.min.js"),
    )
});
pub(crate) static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("icon", "svg", "image/svg+xml", include_str!("../../assets/icon.svg")));

/// A file, and where it is.
#[derive(Debug)]
pub(crate) struct Asset {
    name: String,
    content_type: &'static str,
    content: &'static str,
}

impl Asset {
    fn new(name: &str, extension: &str, content_type: &'static str, content: &'static str) -> Self {
        let hash = xxh3_64(content.as_bytes());
        Self { name: format!("{name}.{hash:016x}.{extension}"), content_type, content }
    }

    /// Its address.
    pub(crate) fn href(&self) -> String {
        format!("/shop/assets/{}", self.name)
    }
}

pub(crate) async fn file(Path(name): Path<String>) -> Result<Response, Problem> {
    let all = [&*STYLE, &*SCRIPT, &*SEATS_SCRIPT, &*HTMX, &*ICON];
    let asset = all.into_iter().find(|asset| asset.name == name).ok_or(Problem::new(Code::NotFound))?;
    let mut answer = text_answer(asset.content_type, asset.content)?;
    let for_ever = HeaderValue::from_static("public, max-age=31536000, immutable");
    answer.headers_mut().insert(header::CACHE_CONTROL, for_ever);
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn htmx_is_the_file_that_its_authors_released() {
        let hash = Sha256::digest(HTMX.content.as_bytes());
        let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        // `dist/htmx.min.js` of the package `htmx.org` 2.0.11.
        assert_eq!(hash, "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717");
    }

    #[test]
    fn a_file_with_other_content_has_another_name() {
        let [one, other] = ["a", "b"].map(|content| Asset::new("style", "css", "text/css", content).href());
        assert_ne!(one, other);
    }
}
