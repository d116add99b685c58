use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Wire format of a model server: its request, and the place of the items in its answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// `{"inputs": ["text", ...]}`, answered by `{"scores": [0.5, ...]}`.
    #[default]
    Weir,
    /// `/predict` of Hugging Face's text-embeddings-inference.
    Tei,
    /// `/v1/moderations` of OpenAI and of those who follow it.
    OpenaiModeration,
    /// `/v2/models/NAME/infer` of KServe, Triton and MLServer: the Open Inference Protocol.
    KserveV2,
}

impl Format {
    /// Returns the name in the configuration.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Weir => "weir",
            Self::Tei => "tei",
            Self::OpenaiModeration => "openai-moderation",
            Self::KserveV2 => "kserve-v2",
        }
    }

    /// Returns the JSONPath of the items in an answer after [`Format::regroup`].
    pub(super) fn items(self) -> &'static str {
        match self {
            Self::Weir => "$.scores[*]",
            Self::OpenaiModeration => "$.results[*]",
            Self::Tei | Self::KserveV2 => "$[*]",
        }
    }

    pub(super) fn example_output(self) -> &'static str {
        match self {
            Self::Weir => "$",
            Self::Tei => "$[?@.label=='toxic'].score",
            Self::OpenaiModeration => "$.category_scores.harassment",
            Self::KserveV2 => "$.TENSOR[0]",
        }
    }

    /// Returns the request about `texts`.
    pub(super) fn request(self, texts: Vec<Value>, texts_field: &str, model: &str) -> Value {
        match self {
            Self::Weir => json!({ texts_field: texts }),
            // A flat list of two texts would be read as one pair. A text that is too long is refused unless it may be cut.
            Self::Tei => {
                let inputs: Vec<[Value; 1]> = texts.into_iter().map(|text| [text]).collect();
                json!({"inputs": inputs, "truncate": true})
            }
            Self::OpenaiModeration if model.is_empty() => json!({"input": texts}),
            Self::OpenaiModeration => json!({"input": texts, "model": model}),
            Self::KserveV2 => json!({"inputs": [{
                "name": texts_field,
                "shape": [texts.len()],
                "datatype": "BYTES",
                "data": texts,
            }]}),
        }
    }

    /// Brings an answer that is ordered by outputs into the order of items: tensors become a list with one object for each of
    /// `items`, which has a value, or a list of values, under the name of each tensor. Other answers stay as they are.
    pub(super) fn regroup(self, answer: Value, items: usize) -> Value {
        match (self, answer.get("outputs").and_then(Value::as_array)) {
            (Self::KserveV2, Some(tensors)) => {
                let mut rows = vec![serde_json::Map::new(); items];
                for tensor in tensors {
                    add_tensor(&mut rows, tensor);
                }
                rows.into()
            }
            _ => answer,
        }
    }
}

/// Adds the values of a tensor to the rows, unless its first dimension is another than their number.
fn add_tensor(rows: &mut [serde_json::Map<String, Value>], tensor: &Value) {
    let name = tensor
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let mut values = Vec::new();
    if let Some(data) = tensor.get("data").filter(|data| !data.is_null()) {
        flatten(data, &mut values);
    }
    let first = tensor.pointer("/shape/0").and_then(Value::as_u64);
    if first != Some(rows.len() as u64)
        || rows.is_empty()
        || !values.len().is_multiple_of(rows.len())
    {
        return;
    }
    let width = values.len() / rows.len();
    for (row, values) in rows.iter_mut().zip(values.chunks(width.max(1))) {
        let value = match values {
            [only] => only.clone(),
            several => several.into(),
        };
        row.insert(name.to_owned(), value);
    }
}

/// Collects the elements of a tensor, which a server may send nested or flat, in row-major order.
fn flatten(data: &Value, values: &mut Vec<Value>) {
    match data {
        Value::Array(elements) => elements.iter().for_each(|element| flatten(element, values)),
        value => values.push(value.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn regrouped(outputs: &Value, items: usize) -> Value {
        Format::KserveV2.regroup(json!({"model_name": "m", "outputs": outputs}), items)
    }

    #[test]
    fn tensors_are_regrouped_by_item_whether_flat_or_nested() {
        for data in [json!([0.1, 0.9, 0.8, 0.2]), json!([[0.1, 0.9], [0.8, 0.2]])] {
            let outputs = json!([
                {"name": "p", "datatype": "FP32", "shape": [2, 2], "data": data},
                {"name": "n", "datatype": "INT64", "shape": [2], "data": [3, 4]},
            ]);
            let expected = json!([{"p": [0.1, 0.9], "n": 3}, {"p": [0.8, 0.2], "n": 4}]);
            assert_eq!(regrouped(&outputs, 2), expected);
        }
    }

    #[test]
    fn an_element_that_is_null_keeps_its_position() {
        let data = json!([[0.1, null, 0.2], [0.3, 0.4, null]]);
        let outputs = json!([{"name": "p", "datatype": "FP32", "shape": [2, 3], "data": data}]);
        let expected = json!([{"p": [0.1, null, 0.2]}, {"p": [0.3, 0.4, null]}]);
        assert_eq!(regrouped(&outputs, 2), expected);
    }

    #[test]
    fn a_tensor_of_another_number_of_items_is_nobodys() {
        for shape in [json!([3]), json!([]), json!(null)] {
            let outputs =
                json!([{"name": "p", "datatype": "FP32", "shape": shape, "data": [1, 2, 3]}]);
            assert_eq!(regrouped(&outputs, 2), json!([{}, {}]));
        }
        let short = json!([{"name": "p", "datatype": "FP32", "shape": [2, 2], "data": [1, 2, 3]}]);
        assert_eq!(regrouped(&short, 2), json!([{}, {}]));
    }

    #[test]
    fn text_embeddings_inference_gets_each_text_in_a_list_of_its_own() {
        let request = Format::Tei.request(vec![json!("a"), json!("b")], "inputs", "");
        assert_eq!(request, json!({"inputs": [["a"], ["b"]], "truncate": true}));
    }
}
