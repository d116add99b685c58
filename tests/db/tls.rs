//! Postgres over TLS, with a certificate of a private authority.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use sea_orm::ConnectionTrait;
use tempfile::TempDir;
use weir::db::{Database, DbError};
use weir::settings::DatabaseSettings;
use weir_test_support::Postgres;

use crate::common::databases::database_at;

struct Secured {
    _postgres: Postgres,
    certificates: TempDir,
    port: u16,
}

impl Secured {
    /// A server named `localhost`, certified by an authority of its own.
    async fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let postgres =
            Postgres::start_with(&format!("-c listen_addresses=127.0.0.1 -c port={port}"));
        let certificates = TempDir::new().unwrap();
        let make = |arguments: &str| {
            let made = Command::new("openssl")
                .args(arguments.split_whitespace())
                .current_dir(certificates.path())
                .output()
                .unwrap();
            assert!(
                made.status.success(),
                "{}",
                String::from_utf8_lossy(&made.stderr)
            );
        };
        for authority in ["ca", "other"] {
            make(&format!(
                "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN={authority} \
                 -keyout {authority}.key -out {authority}.pem"
            ));
        }
        fs::write(
            certificates.path().join("names"),
            "subjectAltName=DNS:localhost",
        )
        .unwrap();
        make(
            "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost -keyout server.key \
             -out server.csr",
        );
        make(
            "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out server.crt",
        );
        let home = Path::new(postgres.folder());
        let owner = fs::metadata(home).unwrap();
        for file in ["server.crt", "server.key"] {
            let placed = home.join(file);
            fs::copy(certificates.path().join(file), &placed).unwrap();
            fs::set_permissions(&placed, Permissions::from_mode(0o600)).unwrap();
            chown(&placed, Some(owner.uid()), Some(owner.gid())).unwrap();
        }
        let socket = database_at(format!("{}&port={port}", postgres.url()));
        let admin = Database::connect(&socket).await.unwrap();
        for statement in ["ALTER SYSTEM SET ssl = on", "SELECT pg_reload_conf()"] {
            admin.reader().execute_unprepared(statement).await.unwrap();
        }
        Self {
            _postgres: postgres,
            certificates,
            port,
        }
    }

    fn authority(&self, name: &str) -> PathBuf {
        self.certificates.path().join(name)
    }

    fn settings(&self, host: &str, parameters: &str) -> DatabaseSettings {
        let mut settings = database_at(format!(
            "postgres://postgres@{host}:{}/postgres?{parameters}",
            self.port
        ));
        settings.connect_timeout = Duration::from_secs(2);
        settings
    }
}

async fn connect(settings: &DatabaseSettings) -> Result<(), DbError> {
    Database::connect(settings).await.map(drop)
}

#[tokio::test]
async fn a_private_authority_is_trusted_by_file_and_the_name_is_checked() {
    let server = Secured::start().await;
    let with_file = |host, parameters, file: &str| DatabaseSettings {
        ca_file: server.authority(file),
        ..server.settings(host, parameters)
    };
    for good in [
        with_file("localhost", "", "ca.pem"),
        with_file("localhost", "sslmode=verify-full", "ca.pem"),
        with_file("127.0.0.1", "sslmode=verify-ca", "ca.pem"),
        with_file("127.0.0.1", "sslmode=require", "ca.pem"),
        server.settings("127.0.0.1", "sslmode=require"),
        server.settings("127.0.0.1", "sslmode=prefer"),
        server.settings(
            "localhost",
            &format!("sslrootcert={}", server.authority("ca.pem").display()),
        ),
    ] {
        connect(&good)
            .await
            .unwrap_or_else(|error| panic!("{good:?}: {error}"));
    }
    for bad in [
        server.settings("localhost", "sslmode=verify-full"),
        server.settings("localhost", "sslmode=verify-ca"),
        server.settings("localhost", "sslrootcert=system"),
        with_file("localhost", "", "other.pem"),
        with_file("localhost", "sslmode=require", "other.pem"),
        with_file("127.0.0.1", "", "ca.pem"),
    ] {
        let error = connect(&bad).await.unwrap_err();
        assert_eq!(error.class().condition, "TLS failed", "{bad:?}: {error}");
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_used_is_an_error_that_names_the_setting() {
    let folder = TempDir::new().unwrap();
    let mut settings = database_at("postgres://localhost/weir");
    settings.ca_file = folder.path().join("absent.pem");
    let absent = connect(&settings).await.unwrap_err().to_string();
    assert!(absent.contains("database.ca_file"), "{absent}");

    settings.ca_file = folder.path().join("ca.pem");
    fs::write(&settings.ca_file, "").unwrap();
    settings.url = "postgres://localhost/weir?sslmode=prefer".into();
    let unused = connect(&settings).await.unwrap_err().to_string();
    assert!(
        unused.contains("has no effect with sslmode=prefer"),
        "{unused}"
    );
}
