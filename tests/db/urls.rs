//! What commands make of database URLs that they do not take.

use std::process::{Command, Output};

use tempfile::TempDir;

/// A command, and the arguments before each of its URLs.
const COMMANDS: [&[&str]; 4] = [
    &["seed", "--no-user-pool", "--database"],
    &["export", "rankings", "--database"],
    &["migrate-data", "--from", "sqlite::memory:", "--to"],
    &["migrate-data", "--to", "sqlite::memory:", "--from"],
];

fn weir(folder: &TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
    command.current_dir(folder.path()).env_remove("WEIR_CONFIG");
    command
}

fn said(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

#[test]
fn no_command_takes_or_shows_a_parameter_that_the_driver_would_log() {
    let folder = TempDir::new().unwrap();
    for url in [
        "postgres://weir:topsecret@127.0.0.1:1/weir?sslpassword=hunter2",
        "postgres://weir:topsecret@127.0.0.1:1/weir?nonsense=hunter2",
        "sqlite://weir.db?nonsense=hunter2",
    ] {
        let name = if url.contains("nonsense") {
            "nonsense"
        } else {
            "sslpassword"
        };
        for arguments in COMMANDS {
            let said = said(&weir(&folder).args(arguments).arg(url).output().unwrap());
            assert!(said.contains(name), "{arguments:?} {url}: {said}");
            assert!(
                !said.contains("hunter2") && !said.contains("topsecret"),
                "{said}"
            );
        }
        for key in ["URL", "QUERY_URL"] {
            let mut serve = weir(&folder);
            serve
                .arg("serve")
                .env(format!("WEIR__DATABASE__{key}"), url);
            let said = said(&serve.output().unwrap());
            let setting = format!("database.{}", key.to_lowercase());
            assert!(said.contains(name) && said.contains(&setting), "{said}");
            assert!(
                !said.contains("hunter2") && !said.contains("topsecret"),
                "{said}"
            );
        }
    }
}
