use html2text::config;
use html2text::render::TrivialDecorator;

/// No line of a post is broken for its length.
const WIDTH: usize = 1_000_000;
/// Longer than any post; what is behind is left out.
const MAX_HTML_BYTES: usize = 256 * 1024;
/// Rendering takes time in the square of the depth: 0.1 s at this one.
const MAX_DEPTH: usize = 1_000;
/// Elements without an end.
const VOID: [&str; 8] = ["br", "hr", "img", "input", "link", "meta", "source", "wbr"];

/// The text of a piece of HTML, without marks for links or emphasis; `None` if there is no making it out.
pub(super) fn html_to_text(html: &str) -> Option<String> {
    let html = &html[..html.floor_char_boundary(MAX_HTML_BYTES)];
    if depth(html) > MAX_DEPTH {
        return None;
    }
    let text = config::with_decorator(TrivialDecorator::new())
        .no_table_borders()
        .allow_width_overflow()
        .string_from_read(html.as_bytes(), WIDTH)
        .ok()?;
    let lines = text.lines().map(str::trim_end).collect::<Vec<_>>();
    Some(lines.join("\n").trim().to_owned())
}

/// How deep elements lie in each other at the most, were none closed but by its end tag.
fn depth(html: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for tag in html.split('<').skip(1) {
        let name = tag.trim_start_matches('/');
        let end = name.find(|sign: char| !sign.is_ascii_alphanumeric());
        let name = &name[..end.unwrap_or(name.len())];
        if tag.starts_with('/') {
            depth = depth.saturating_sub(1);
        } else if !name.is_empty() && !VOID.iter().any(|void| void.eq_ignore_ascii_case(name)) {
            depth += 1;
            deepest = deepest.max(depth);
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_go_and_entities_become_what_they_stand_for() {
        let html =
            "<p>Fish &amp; <b>chips</b> at <a href=\"https://a.example\">a place</a></p><p>two</p>";
        assert_eq!(
            html_to_text(html).unwrap(),
            "Fish & chips at a place\n\ntwo"
        );
    }

    #[test]
    fn scripts_and_styles_are_no_text() {
        let html = "<style>p { color: red }</style><script>alert(1)</script>plain";
        assert_eq!(html_to_text(html).unwrap(), "plain");
    }

    #[test]
    fn plain_text_stays_as_it_is_and_is_not_wrapped() {
        let text = "word ".repeat(400);
        assert_eq!(html_to_text(&text).unwrap(), text.trim());
    }

    #[test]
    fn html_deeper_than_any_post_is_not_rendered_however_long_it_is() {
        assert_eq!(html_to_text(&"<div>".repeat(20_000)), None);
        assert_eq!(html_to_text(&"<table><tr><td>".repeat(3_000)), None);
        let broken = "one<br>".repeat(3_000);
        assert_eq!(html_to_text(&broken).unwrap().lines().count(), 3_000);
    }
}
