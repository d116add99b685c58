//! Programs whose files change while they serve.

use std::time::Duration;

use weir_programs::Program;

use crate::common::{Fixture, numbers, score, wait_for};

#[tokio::test]
async fn an_edit_takes_effect_once_its_process_is_ready() {
    let mut fixture = Fixture::of_python("");
    fixture.spec.watched_folder = Some(fixture.folder.path().to_owned());
    let program = Program::start(&fixture.host, fixture.spec.clone(), fixture.log());
    program.pool().warm().await.unwrap();
    assert_eq!(numbers(&score(&program.pool(), &["abc"]).await), [3.0]);
    // The folder as it was loaded is noted within the first second.
    tokio::time::sleep(Duration::from_millis(1_500)).await;

    fixture.write_python("score = lambda text: 100 + len(text)");
    let before = program.pool();
    wait_for("the new pool", || {
        !std::sync::Arc::ptr_eq(&before, &program.pool())
    })
    .await;
    assert_eq!(numbers(&score(&program.pool(), &["abc"]).await), [103.0]);
    assert_eq!(program.reload_error(), None);

    let before = program.pool();
    fixture.write_python("raise KeyError('x')");
    wait_for("the failure", || program.reload_error().is_some()).await;
    let error = program.reload_error().unwrap();
    assert!(error.contains("KeyError: 'x'"), "{error}");
    assert!(
        std::sync::Arc::ptr_eq(&before, &program.pool()),
        "the old one goes on"
    );
    assert_eq!(numbers(&score(&program.pool(), &["abc"]).await), [103.0]);
}
