use weir_feed::is_web_address;

/// The `http` and `https` addresses in a text, each once, in order, without the punctuation that follows them.
pub(super) fn links(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("http") {
        let address = &rest[start..];
        let end = address
            .find(|c: char| {
                c.is_whitespace() || c.is_control() || matches!(c, '"' | '<' | '>' | '`')
            })
            .unwrap_or(address.len());
        let link = address[..end]
            .trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '}', '\'', '…', '*']);
        let is_link = link.starts_with("http://") || link.starts_with("https://");
        if is_link && is_web_address(link) && !found.iter().any(|known| known == link) {
            found.push(link.to_owned());
        }
        rest = &address[end.max("http".len())..];
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_end_before_punctuation_and_count_once() {
        let text = "See https://a.org/x?y=1, (http://b.org) and https://a.org/x?y=1. Not httpd, http://, https://a b";
        assert_eq!(
            links(text),
            ["https://a.org/x?y=1", "http://b.org", "https://a"]
        );
        assert!(links("nothing").is_empty());
    }
}
