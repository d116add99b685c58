use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use actix_web::dev::ServiceRequest;
use metrics::{Gauge, Histogram};

use crate::http::server::VERSION;
use crate::telemetry::{ACTIVE_REQUESTS, REQUEST_BODY_SIZE, REQUEST_DURATION, RESPONSE_BODY_SIZE};

/// The time series that a worker's thread has written to, since to look one up in the recorder costs more than to record.
#[derive(Default)]
pub(super) struct SeriesCache {
    recorded: HashMap<(&'static str, Rc<str>, u16), Rc<Series>>,
    active: HashMap<&'static str, Gauge>,
    /// Routes by their path, of those that have one path only.
    routes: HashMap<String, Rc<str>>,
}

pub(super) struct Series {
    pub(super) duration: Histogram,
    pub(super) request_body_size: Histogram,
    pub(super) response_body_size: Histogram,
}

thread_local! {
    static SERIES: RefCell<SeriesCache> = RefCell::default();
}

/// `None` while the thread ends, when a request that is cut off is dropped late.
pub(super) fn with_series<T>(look_up: impl FnOnce(&mut SeriesCache) -> T) -> Option<T> {
    SERIES
        .try_with(|series| look_up(&mut series.borrow_mut()))
        .ok()
}

impl SeriesCache {
    pub(super) fn active(&mut self, method: &'static str) -> Gauge {
        let gauge = self.active.entry(method);
        gauge
            .or_insert_with(|| metrics::gauge!(ACTIVE_REQUESTS, "http_request_method" => method))
            .clone()
    }

    /// Returns the pattern that the path matches, such as `/v1/jobs/{id}`, or nothing if there is none. A path without the
    /// version is counted as the route that it is an alias of.
    pub(super) fn route(&mut self, request: &ServiceRequest) -> Rc<str> {
        // The path as it is routed, percent-decoded.
        let path = request.match_info().as_str();
        if let Some(route) = self.routes.get(path) {
            return Rc::clone(route);
        }
        let Some(pattern) = request.resource_map().match_pattern(path) else {
            return "".into();
        };
        // `{key:.*}` says how a parameter is matched, which is of no interest here.
        let name = pattern.replace(":.*}", "}");
        let route: Rc<str> = if name.starts_with(VERSION) {
            name.into()
        } else {
            format!("{VERSION}{name}").into()
        };
        if pattern == path {
            self.routes.insert(pattern, Rc::clone(&route));
        }
        route
    }

    /// Returns the series of a request.
    pub(super) fn series(
        &mut self,
        method: &'static str,
        route: &Rc<str>,
        status: u16,
    ) -> Rc<Series> {
        let series = self.recorded.entry((method, Rc::clone(route), status));
        Rc::clone(series.or_insert_with(|| Rc::new(Series::new(method, route, status))))
    }

    #[cfg(test)]
    pub(super) fn has(&self, method: &'static str, route: &str, status: u16) -> bool {
        self.recorded.contains_key(&(method, route.into(), status))
    }
}

impl Series {
    fn new(method: &'static str, route: &str, status: u16) -> Self {
        let labels = [
            ("http_request_method", method.to_owned()),
            ("http_route", route.to_owned()),
            ("http_response_status_code", status.to_string()),
        ];
        Self {
            duration: metrics::histogram!(REQUEST_DURATION, &labels),
            request_body_size: metrics::histogram!(REQUEST_BODY_SIZE, &labels),
            response_body_size: metrics::histogram!(RESPONSE_BODY_SIZE, &labels),
        }
    }
}
