use sea_orm::DbBackend;

/// The placeholders of `rows` rows of `columns` values, as `(?, ?), (?, ?)`.
///
/// SQLite takes numbered ones as well, but looks each of them up in a list of all.
pub(super) fn placeholders(backend: DbBackend, rows: usize, columns: usize) -> String {
    let mut number = 0;
    let mut next = || {
        number += 1;
        match backend {
            DbBackend::Postgres => format!("${number}"),
            _ => "?".to_owned(),
        }
    };
    let mut row = || (0..columns).map(|_| next()).collect::<Vec<_>>().join(", ");
    let rows: Vec<String> = (0..rows).map(|_| format!("({})", row())).collect();
    rows.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postgres_numbers_them_and_sqlite_does_not() {
        assert_eq!(placeholders(DbBackend::Sqlite, 2, 2), "(?, ?), (?, ?)");
        assert_eq!(
            placeholders(DbBackend::Postgres, 2, 2),
            "($1, $2), ($3, $4)"
        );
    }
}
