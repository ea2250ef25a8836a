//! What an admin did, for the log: in the words of the audit trail, and without any value of a field. The trail itself is written
//! in the transaction of what it tells of (`stores::dynamodb`); where it has no table, this is all that is left.

use domain::audit::AuditEntry;

/// Logs what is committed.
pub(super) fn log(entry: Option<&AuditEntry>) {
    let Some(entry) = entry else { return };
    let fields: Vec<_> = entry.changes.iter().map(|change| change.field.as_str()).collect();
    tracing::info!(
        audit_id = %entry.id,
        admin_id = %entry.admin_id,
        action = entry.action.as_str(),
        event_id = %entry.event_id,
        version_before = entry.version_before,
        version_after = entry.version_after,
        fields = fields.join(" "),
        "an admin acted"
    );
}
