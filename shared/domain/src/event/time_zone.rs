//! Names of time zones. Their rules are with those who tell times, not here.

/// All names of the IANA's database, a line each, as the build had them.
const NAMES: &str = include_str!(concat!(env!("OUT_DIR"), "/time_zones.txt"));

/// Whether a time zone is called so. Letters count as they are written.
pub(super) fn is_time_zone(name: &str) -> bool {
    NAMES.lines().any(|known| known == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_known_by_their_names_alone() {
        for name in ["Europe/Berlin", "America/Argentina/Buenos_Aires", "Asia/Kolkata", "Etc/GMT+5", "UTC"] {
            assert!(is_time_zone(name), "{name}");
        }
        for name in
            ["", "\n", "Europe", "europe/berlin", "Europe/Berlin\nEurope/Bern", "+02:00", "CEST", "Factory"]
        {
            assert!(!is_time_zone(name), "{name}");
        }
        assert!((400..1_000).contains(&NAMES.lines().count()));
    }
}
