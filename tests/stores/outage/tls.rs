//! Redis over TLS, with certificates of an authority that nobody else knows.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use weir::settings::StoreConfig;
use weir::store::{Change, Store, StoreError, StoreLocation};
use weir_test_support::Redis;

use super::watched::Watched;
use crate::common::stores::within;

const MINUTE: Duration = Duration::from_mins(1);

/// An authority and what it has signed.
struct Certificates(TempDir);

impl Certificates {
    fn new() -> Self {
        let certificates = Self(TempDir::new().unwrap());
        certificates.openssl(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=authority \
             -keyout ca.key -out ca.pem",
        );
        certificates.sign("server", "subjectAltName=DNS:localhost");
        certificates.sign("client", "extendedKeyUsage=clientAuth");
        certificates
    }

    fn sign(&self, name: &str, extension: &str) {
        std::fs::write(self.file("extension"), extension).unwrap();
        self.openssl(&format!(
            "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN={name} -keyout {name}.key -out {name}.csr"
        ));
        self.openssl(&format!(
            "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile extension -out {name}.pem"
        ));
    }

    fn openssl(&self, arguments: &str) {
        let openssl = Command::new("openssl")
            .args(arguments.split_whitespace())
            .current_dir(self.0.path())
            .output()
            .expect("these tests need the package `openssl`");
        let errors = String::from_utf8_lossy(&openssl.stderr);
        assert!(openssl.status.success(), "{errors}");
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn trusted(&self) -> StoreConfig {
        StoreConfig {
            redis_ca_file: self.file("ca.pem"),
            ..StoreConfig::default()
        }
    }
}

/// A server that shows the certificate `server`.
fn server(certificates: &Certificates, asks_clients: &str) -> (Redis, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let file = |name| certificates.file(name).display().to_string();
    let redis = Redis::start_with(&[
        "--tls-port",
        &port.to_string(),
        "--tls-cert-file",
        &file("server.pem"),
        "--tls-key-file",
        &file("server.key"),
        "--tls-ca-cert-file",
        &file("ca.pem"),
        "--tls-auth-clients",
        asks_clients,
    ]);
    (redis, port)
}

async fn works(watched: &Watched) {
    let mut changes = watched.store.changes();
    watched.recovers().await;
    let heard = async { while changes.recv().await.unwrap() != Change::All {} };
    within(Duration::from_secs(5), heard).await;
    watched.use_all().await;
}

#[tokio::test]
async fn an_authority_of_ones_own_is_trusted_by_its_file() {
    let certificates = Certificates::new();
    let (_redis, port) = server(&certificates, "no");
    let url = format!("rediss://localhost:{port}");
    works(&Watched::with(&certificates.trusted(), &url)).await;

    // The system does not know it.
    Watched::open(&url)
        .refuses("certificate is not trusted")
        .await;
    // The certificate is for a name.
    let by_number = format!("rediss://127.0.0.1:{port}");
    let watched = Watched::with(&certificates.trusted(), &by_number);
    watched.refuses("not for this host").await;
}

#[tokio::test]
async fn a_server_that_asks_for_a_certificate_gets_one() {
    let certificates = Certificates::new();
    let (_redis, port) = server(&certificates, "yes");
    let url = format!("rediss://localhost:{port}");
    let with_certificate = StoreConfig {
        redis_cert_file: certificates.file("client.pem"),
        redis_key_file: certificates.file("client.key"),
        ..certificates.trusted()
    };
    works(&Watched::with(&with_certificate, &url)).await;

    let watched = Watched::with(&certificates.trusted(), &url);
    let refused = watched.store.put("report", &json!(1), MINUTE).await;
    assert!(refused.unwrap_err().is_unavailable());
}

/// The part of the next test that runs by name in a process of its own, whose environment is set; nothing by itself.
#[tokio::test]
async fn process_with_its_own_trust_store() {
    let Ok(url) = std::env::var("WEIR_TEST_REDISS_URL") else {
        return;
    };
    works(&Watched::open(&url)).await;
}

#[tokio::test]
async fn the_trust_store_of_the_environment_counts() {
    let certificates = Certificates::new();
    let (_redis, port) = server(&certificates, "no");
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "outage::tls::process_with_its_own_trust_store"])
        .env("WEIR_TEST_REDISS_URL", format!("rediss://localhost:{port}"))
        .env("SSL_CERT_FILE", certificates.file("ca.pem"))
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&child.stdout);
    assert!(
        child.status.success() && output.contains("1 passed"),
        "{output}"
    );
}

#[tokio::test]
async fn a_file_that_cannot_be_used_is_named_with_its_setting() {
    let certificates = Certificates::new();
    let file = |name: &str| certificates.file(name);
    let with = |change: &dyn Fn(&mut StoreConfig)| {
        let mut settings = certificates.trusted();
        change(&mut settings);
        let url = "rediss://localhost".into();
        let location = StoreLocation::ExternalRedis { url };
        let error: StoreError = Store::open(&settings, &location).map(|_| ()).unwrap_err();
        error.to_string()
    };
    let nowhere = with(&|settings| settings.redis_ca_file = file("nowhere.pem"));
    assert!(
        nowhere.contains("store.redis_ca_file") && nowhere.contains("nowhere.pem"),
        "{nowhere}"
    );
    let a_key = with(&|settings| settings.redis_ca_file = file("ca.key"));
    assert!(a_key.contains("store.redis_ca_file"), "{a_key}");
    let another_key = with(&|settings| {
        settings.redis_cert_file = file("client.pem");
        settings.redis_key_file = file("server.key");
    });
    assert!(
        another_key.contains("store.redis_key_file"),
        "{another_key}"
    );
    let no_key = with(&|settings| {
        settings.redis_cert_file = file("client.pem");
        settings.redis_key_file = Path::new("nowhere.key").into();
    });
    assert!(no_key.contains("store.redis_key_file"), "{no_key}");
}
