use std::sync::atomic::{AtomicU64, Ordering};

/// Numbers of an actor as Prometheus metrics. [`counters!`](crate::counters) implements it.
pub trait ActorMetrics {
    /// Returns every number as it is now, each with its family. None by default.
    fn samples(&self) -> Vec<Sample> {
        Vec::new()
    }
}

/// Metric family: what Prometheus is told of it beside the values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Family {
    /// Name, with the unit; that of a counter ends in `_total`.
    pub name: &'static str,
    /// Meaning.
    pub help: &'static str,
    /// Kind.
    pub kind: Kind,
}

/// Kind of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A number that only grows.
    Counter,
    /// A number that goes up and down.
    Gauge,
}

impl Kind {
    /// Returns the name that Prometheus has for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
        }
    }
}

/// Value of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// Family that the value belongs to.
    pub family: Family,
    /// Value as it is now.
    pub value: u64,
}

impl Sample {
    /// Reads the value of a field.
    #[doc(hidden)]
    pub fn read(name: &'static str, help: &'static str, kind: Kind, value: &AtomicU64) -> Self {
        Self {
            family: Family { name, help, kind },
            value: value.load(Ordering::Relaxed),
        }
    }
}

/// Declares the counters of an actor: fields of the type `AtomicU64`, each with its kind and the name of its metric. The doc
/// comment of a field is the help text of the metric. Fields that are no metrics follow after `..`.
#[macro_export]
macro_rules! counters {
    (
        $(#[$meta:meta])*
        $visibility:vis struct $name:ident {
            $(
                $(#[doc = $help:literal])+
                $field_visibility:vis $field:ident: $kind:ident $metric:literal,
            )*
            $(
                ..
                $(
                    $(#[$other_meta:meta])*
                    $other_visibility:vis $other:ident: $other_type:ty,
                )+
            )?
        }
    ) => {
        $(#[$meta])*
        $visibility struct $name {
            $(
                $(#[doc = $help])+
                $field_visibility $field: ::std::sync::atomic::AtomicU64,
            )*
            $($(
                $(#[$other_meta])*
                $other_visibility $other: $other_type,
            )+)?
        }

        impl $crate::ActorMetrics for $name {
            fn samples(&self) -> ::std::vec::Vec<$crate::Sample> {
                ::std::vec![$(
                    $crate::Sample::read(
                        $metric,
                        ::std::concat!($($help),+),
                        $crate::Kind::$kind,
                        &self.$field,
                    ),
                )*]
            }
        }
    };
}
