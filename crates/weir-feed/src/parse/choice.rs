//! Enums with a fixed wire form: a name (`choice!`) or a number on a scale (`scale!`).

use std::{fmt, marker::PhantomData};

use serde::de::{Error, Unexpected, Visitor};

/// An enum whose values are names on the wire.
pub(crate) trait Choice: Copy + Sized + 'static {
    const ALL: &'static [(&'static str, Self)];

    fn named(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(wire, _)| *wire == name)
            .map(|&(_, value)| value)
    }
}

/// Takes a string that is one of a choice's names.
pub(crate) struct ChoiceVisitor<T>(pub(crate) PhantomData<T>);

impl<T: Choice> Visitor<'_> for ChoiceVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one of")?;
        for (i, (name, _)) in T::ALL.iter().enumerate() {
            write!(f, "{} {name}", if i > 0 { "," } else { "" })?;
        }
        Ok(())
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<T, E> {
        T::named(name).ok_or_else(|| E::invalid_value(Unexpected::Str(name), &self))
    }
}

macro_rules! choice {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $wire:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $(#[doc = concat!("`", $wire, "`")] $variant),+
        }

        impl $crate::parse::choice::Choice for $name {
            const ALL: &'static [(&'static str, Self)] = &[$(($wire, Self::$variant)),+];
        }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name on the wire.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $wire),+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::FeedError;

            fn from_str(name: &str) -> Result<Self, Self::Err> {
                use serde::de::{IntoDeserializer, value};
                let name: value::StrDeserializer<'_, value::Error> = name.into_deserializer();
                serde::Deserialize::deserialize(name).map_err(|error| $crate::FeedError::of_the_whole(&error))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str($crate::parse::choice::ChoiceVisitor(std::marker::PhantomData))
            }
        }
    };
}

macro_rules! scale {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $number:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $(#[doc = concat!("`", $number, "`")] $variant = $number),+
        }

        impl $name {
            /// Every value, lowest first.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_u8(*self as u8)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let number = $crate::parse::Integer::deserialize(deserializer)?.value;
                match number {
                    $($number => Ok(Self::$variant),)+
                    _ => Err(serde::de::Error::invalid_value(
                        serde::de::Unexpected::Signed(number),
                        &concat!("one of" $(, " ", $number)+),
                    )),
                }
            }
        }
    };
}

pub(crate) use {choice, scale};
