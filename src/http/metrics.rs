use std::fmt::Write;

use actix_web::{HttpResponse, web};

use super::Front;
use crate::telemetry;
use weir_supervision::{ActorStatus, State};

/// `GET /metrics`: everything counted and measured, in Prometheus' text format.
pub(super) async fn render(front: web::Data<Front>) -> HttpResponse {
    front
        .scrapers
        .all()
        .iter()
        .for_each(|scraper| scraper.log.measure());
    telemetry::publish_log_metrics();
    let (arriving, held_bytes) = front.intake.usage();
    metrics::gauge!("weir_bodies_arriving").set(arriving as f64);
    metrics::gauge!("weir_body_bytes_in_flight").set(held_bytes as f64);
    let mut text = front.metrics.render();
    describe_actors(&mut text, &front.system.statuses());
    HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(text)
}

/// Whether each actor runs, and its own counters. A name from the configuration holds nothing that a label could not.
fn describe_actors(text: &mut String, actors: &[ActorStatus]) {
    text.push_str("# TYPE weir_actor_running gauge\n");
    for signs in actors {
        let running = u8::from(signs.state == State::Running);
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "weir_actor_running{{actor=\"{}\"}} {running}",
            signs.name
        );
    }
    text.push_str("# TYPE weir_actor_counter gauge\n");
    for signs in actors {
        for (counter, value) in signs.counters.as_object().into_iter().flatten() {
            if value.is_number() {
                let _ = writeln!(
                    text,
                    "weir_actor_counter{{actor=\"{}\",counter=\"{counter}\"}} {value}",
                    signs.name
                );
            }
        }
    }
}
