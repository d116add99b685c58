use serde_json::{Map, Value};

/// An argument does not fit the schema that a program announced.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{argument}: {why}")]
pub struct SchemaError {
    /// Name of the argument.
    pub argument: String,
    /// Expected value.
    pub why: String,
}

/// Checks arguments by `properties`, `required`, `additionalProperties`, `type` and `enum` at the top level of a JSON Schema. The rest
/// is left to the program.
pub fn check_arguments(
    schema: &Map<String, Value>,
    args: &Map<String, Value>,
) -> Result<(), SchemaError> {
    let wrong = |argument: &str, why: String| {
        Err(SchemaError {
            argument: argument.to_owned(),
            why,
        })
    };
    let none = Map::new();
    let properties = schema.get("properties").and_then(Value::as_object);
    let properties = properties.unwrap_or(&none);
    let required = schema.get("required").and_then(Value::as_array);
    let required = required.into_iter().flatten().filter_map(Value::as_str);
    for name in required {
        if !args.contains_key(name) {
            return wrong(name, "missing".to_owned());
        }
    }
    let is_closed = schema.get("additionalProperties") == Some(&Value::Bool(false));
    for (name, value) in args {
        let Some(property) = properties.get(name) else {
            if is_closed {
                let known: Vec<&str> = properties.keys().map(String::as_str).collect();
                return wrong(
                    name,
                    format!("unknown; the arguments are {}", known.join(", ")),
                );
            }
            continue;
        };
        if let Some(expected) = property.get("type")
            && !has_type(value, expected)
        {
            return wrong(name, format!("expected {}", type_names(expected)));
        }
        if let Some(allowed) = property.get("enum").and_then(Value::as_array)
            && !allowed.contains(value)
        {
            let allowed: Vec<String> = allowed.iter().map(Value::to_string).collect();
            return wrong(name, format!("expected one of {}", allowed.join(", ")));
        }
    }
    Ok(())
}

/// `expected` is the name of a type or a list of them.
fn has_type(value: &Value, expected: &Value) -> bool {
    match expected {
        Value::Array(several) => several.iter().any(|one| has_type(value, one)),
        Value::String(name) => match name.as_str() {
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "null" => value.is_null(),
            "array" => value.is_array(),
            "object" => value.is_object(),
            "number" => value.is_number(),
            // A number without a fraction is an integer, however it is written.
            "integer" => {
                value.is_i64()
                    || value.is_u64()
                    || value.as_f64().is_some_and(|number| number.fract() == 0.0)
            }
            _ => true,
        },
        _ => true,
    }
}

fn type_names(expected: &Value) -> String {
    match expected {
        Value::Array(several) => {
            let names: Vec<String> = several.iter().map(type_names).collect();
            names.join(" or ")
        }
        Value::String(name) => name.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(schema: &Value, args: &Value) -> Result<(), String> {
        let (Value::Object(schema), Value::Object(args)) = (schema, args) else {
            panic!("no objects");
        };
        check_arguments(schema, args).map_err(|error| error.to_string())
    }

    #[test]
    fn the_top_level_is_checked_and_the_argument_named() {
        let schema = json!({
            "type": "object",
            "properties": {
                "n": {"type": "integer"},
                "mode": {"enum": ["fast", "slow"]},
                "since": {"type": ["string", "null"]},
                "nested": {"type": "object", "properties": {"x": {"type": "integer"}}},
            },
            "required": ["n"],
            "additionalProperties": false,
        });
        for good in [
            json!({"n": 3}),
            json!({"n": 3.0, "mode": "fast", "since": null, "nested": {"x": "later"}}),
        ] {
            assert_eq!(check(&schema, &good), Ok(()));
        }
        for (bad, why) in [
            (json!({}), "n: missing"),
            (json!({"n": "3"}), "n: expected integer"),
            (json!({"n": 3.5}), "n: expected integer"),
            (
                json!({"n": 1, "mode": "x"}),
                "mode: expected one of \"fast\", \"slow\"",
            ),
            (
                json!({"n": 1, "since": 3}),
                "since: expected string or null",
            ),
            (
                json!({"n": 1, "m": 3}),
                "m: unknown; the arguments are mode, n, nested, since",
            ),
        ] {
            assert_eq!(check(&schema, &bad), Err(why.to_owned()));
        }
        assert_eq!(check(&json!({}), &json!({"anything": 1})), Ok(()));
    }
}
