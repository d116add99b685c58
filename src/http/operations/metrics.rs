use std::collections::BTreeMap;
use std::fmt::Write;

use actix_web::HttpResponse;
use actix_web::web::Data;
use metrics_exporter_prometheus::PrometheusHandle;

use crate::actors::RunningScrapers;
use crate::http::BodyReader;
use crate::telemetry;
use weir_supervision::{ActorStatus, ActorSystem, Family, Kind, Sample, State};

/// `GET /metrics`: everything counted and measured, in Prometheus' text format.
pub(super) async fn render(
    prometheus: Data<PrometheusHandle>,
    bodies: Data<BodyReader>,
    scrapers: Data<RunningScrapers>,
    system: Data<ActorSystem>,
) -> HttpResponse {
    for scraper in scrapers.all().iter() {
        scraper.log.measure();
    }
    telemetry::publish_log_metrics();
    bodies.measure();
    let mut text = prometheus.render();
    describe_actors(&mut text, &system.statuses());
    HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(text)
}

/// Whether an actor runs.
const RUNNING: Family = Family {
    name: "weir_actor_running",
    help: "Whether the actor runs: 1 or 0.",
    kind: Kind::Gauge,
};

/// Appends the metrics of actors, family by family. A name from the configuration holds nothing that a label could not.
fn describe_actors(text: &mut String, actors: &[ActorStatus]) {
    let mut families: BTreeMap<&str, Vec<(&str, Sample)>> = BTreeMap::new();
    for actor in actors {
        let running = Sample {
            family: RUNNING,
            value: u64::from(actor.state == State::Running),
        };
        for sample in [running].iter().chain(&actor.metrics) {
            let family = families.entry(sample.family.name).or_default();
            family.push((&actor.name, *sample));
        }
    }
    for samples in families.values() {
        let Family { name, help, kind } = samples[0].1.family;
        // Writing to a string cannot fail.
        let _ = writeln!(text, "# HELP {name} {}", help.trim());
        let _ = writeln!(text, "# TYPE {name} {}", kind.as_str());
        for (actor, Sample { value, .. }) in samples {
            let _ = writeln!(text, "{name}{{actor=\"{actor}\"}} {value}");
        }
    }
}
