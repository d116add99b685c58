//! Lines of a program that is broken: 100,000, or `WEIR_FUZZ_CASES`, of messages with bytes changed, cut off and put together.

use std::collections::BTreeMap;

use super::{Announcement, Incoming, LineReader, ScoreResult};

const MESSAGES: [&str; 7] = [
    r#"{"jsonrpc":"2.0","id":7,"result":{"columns":{"score":[0.5,null,NaN,-Infinity],"label":["a","b",null,"d"]},"errors":{"1":"why"}}}"#,
    r#"{"jsonrpc":"2.0","id":1,"result":{"protocol":"weir-program/1","name":"mine","version":"3","scorers":{"civic":{"outputs":["civic","bridging"],"reads":["text","session.cohort"]}},"concurrency":2,"jobs":{"topics":{"schema":{"type":"object"},"retries":3,"time_limit_ms":60000}},"sources":{"board":{}}}}"#,
    r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32000,"message":"no","data":{"type":"KeyError","file":"mine.py","line":3,"retry":false}}}"#,
    r#"{"jsonrpc":"2.0","method":"log","params":{"level":"info","message":"\ud83d\ude00 \\ \u0000"}}"#,
    r#"{"jsonrpc":"2.0","method":"progress","params":{"done":3,"total":10}}"#,
    r#"[[[[{"id":1e999,"result":{"columns":[[]]}}]]]]"#,
    "",
];
const SIGNS: &[u8] = b"{}[]\",:\\.-+eE0189nulNaIfty \t\r\xff\xc3\xf0";

/// Numbers that look random (Marsaglia's xorshift64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit.max(1) as u64).unwrap()
    }

    fn message(&mut self) -> &'static [u8] {
        MESSAGES[self.below(MESSAGES.len())].as_bytes()
    }

    fn line(&mut self) -> Vec<u8> {
        let mut line = self.message().to_vec();
        for _ in 0..self.below(6) {
            let at = self.below(line.len() + 1);
            match self.below(5) {
                0 => line.truncate(at),
                1 => line.insert(at, SIGNS[self.below(SIGNS.len())]),
                2 => {
                    let other = self.message();
                    line.extend_from_slice(&other[self.below(other.len() + 1)..]);
                }
                3 => {
                    let copied = line[at..].to_vec();
                    line.extend_from_slice(&copied);
                }
                _ => {
                    if let Some(sign) = line.get_mut(at) {
                        *sign = SIGNS[self.below(SIGNS.len())];
                    }
                }
            }
        }
        line.truncate(4_096);
        line
    }
}

#[tokio::test]
async fn broken_lines_are_read_or_refused() {
    let cases = std::env::var("WEIR_FUZZ_CASES").ok();
    let cases: usize = cases.map_or(100_000, |cases| cases.parse().unwrap());
    let mut random = Random(u64::from(std::process::id()) << 20 | 1);
    let outputs = ["score".to_owned(), "label".to_owned()];
    let (mut messages, mut refused) = (0, 0);
    for _ in 0..cases.div_ceil(1_000) {
        let lines: Vec<Vec<u8>> = (0..1_000).map(|_| random.line()).collect();
        let lines = lines.join(&b'\n');
        let mut reader = LineReader::new(&*lines);
        while let Some(line) = reader.next().await.unwrap() {
            let Ok(message) = Incoming::parse(line) else {
                refused += 1;
                continue;
            };
            messages += 1;
            if let Incoming::Response {
                outcome: Ok(result),
                ..
            } = message
            {
                let scores = ScoreResult::read(&result, &outputs, 4);
                assert!(scores.is_none_or(|scores| scores.rows.len() == 4));
                drop(Announcement::read(result.get(), &BTreeMap::new()));
            }
        }
    }
    assert!(
        messages > cases / 10 && refused > cases / 10,
        "{messages} messages, {refused} refused"
    );
}
