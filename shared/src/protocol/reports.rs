//! Reports: what is kept of them is told when it is old.

use crate::App;

/// Tells everybody that reports made before are old. Called after a commit that changes what they would say; if it is
/// lost, a kept report is wrong for the seconds that it is kept.
pub(super) async fn sales_changed(app: &App) {
    if let Err(error) = app.redis.bump_sales_generation().await {
        tracing::warn!(%error, "kept reports may be old for some seconds");
    }
}
