//! The linear chain: which label sequence is best, and how probable its parts are.

use crate::crf::labels::{LABELS, Label, PADDED, Span};

/// One number per label, padded.
pub(crate) type Row = [f32; PADDED];

/// The score of an impossible transition; finite, so that sums stay finite.
pub(crate) const IMPOSSIBLE: f32 = -1.0e4;

/// Transition scores, `0[from][to]`; sequences begin as if after an outside label.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Transitions(pub(crate) [Row; LABELS]);

impl Transitions {
    /// Zero where the scheme allows a transition, impossible elsewhere.
    pub(crate) fn unweighted() -> Self {
        let mut rows = [[0.0; PADDED]; LABELS];
        for (from, row) in rows.iter_mut().enumerate() {
            for (to, score) in row.iter_mut().enumerate() {
                let possible =
                    to < LABELS && Label::from_index(from).may_precede(Label::from_index(to));
                *score = if possible { 0.0 } else { IMPOSSIBLE };
            }
        }
        Self(rows)
    }
}

/// The most probable label sequence for `scores`, written to `labels`.
pub(crate) fn viterbi(
    scores: &[Row],
    transitions: &Transitions,
    back: &mut Vec<[u32; PADDED]>,
    labels: &mut Vec<Label>,
) {
    labels.clear();
    back.clear();
    let mut best = [0.0; PADDED];
    for (at, row) in scores.iter().enumerate() {
        let mut next = [f32::NEG_INFINITY; PADDED];
        let mut from_of = [0; PADDED];
        let origins = if at == 0 { 1 } else { LABELS };
        for ((from, before), edges) in (0..).zip(best).zip(&transitions.0).take(origins) {
            // All lanes of a vector, the padding as well: nothing looks at it.
            for to in 0..PADDED {
                let score = before + edges[to] + row[to];
                let is_better = score > next[to];
                next[to] = if is_better { score } else { next[to] };
                from_of[to] = if is_better { from } else { from_of[to] };
            }
        }
        best = next;
        back.push(from_of);
    }
    let mut label = (0..LABELS).fold(
        0,
        |top, label| if best[label] > best[top] { label } else { top },
    );
    for from_of in back.iter().rev() {
        labels.push(Label::from_index(label));
        label = from_of[label] as usize;
    }
    labels.reverse();
}

/// Forward and backward sums of one sequence, each row scaled to sum to one.
#[derive(Debug, Default)]
pub(crate) struct Lattice {
    potential: Vec<Row>,
    forward: Vec<Row>,
    backward: Vec<Row>,
    scale: Vec<f32>,
    edge: [Row; LABELS],
    /// Logarithm of the sum over all label sequences.
    pub(crate) log_sum: f64,
}

impl Lattice {
    /// Fills the lattice for `scores`.
    pub(crate) fn fill(&mut self, scores: &[Row], transitions: &Transitions) {
        let length = scores.len();
        self.edge = transitions.0.map(|row| row.map(f32::exp));
        self.log_sum = 0.0;
        self.potential.clear();
        for row in scores {
            let top = row[..LABELS]
                .iter()
                .copied()
                .fold(f32::NEG_INFINITY, f32::max);
            self.log_sum += f64::from(top);
            let mut potential = row.map(|score| (score - top).exp());
            potential[LABELS..].fill(0.0);
            self.potential.push(potential);
        }
        self.forward.clear();
        self.scale.clear();
        for at in 0..length {
            let mut row = if at == 0 {
                self.edge[0]
            } else {
                self.step(&self.forward[at - 1])
            };
            for (value, potential) in row.iter_mut().zip(self.potential[at]) {
                *value *= potential;
            }
            let sum: f32 = row.iter().sum::<f32>().max(f32::MIN_POSITIVE);
            self.log_sum += f64::from(sum.ln());
            self.forward.push(row.map(|value| value / sum));
            self.scale.push(sum);
        }
        self.backward.clear();
        self.backward.resize(length, [1.0; PADDED]);
        for at in (1..length).rev() {
            let ahead = self.ahead(at);
            for from in 0..LABELS {
                self.backward[at - 1][from] = dot(&self.edge[from], &ahead) / self.scale[at];
            }
        }
    }

    /// The forward row pushed through the transitions.
    fn step(&self, forward: &Row) -> Row {
        let mut next = [0.0; PADDED];
        for (edge, &mass) in self.edge.iter().zip(forward) {
            for (value, &edge) in next.iter_mut().zip(edge) {
                *value += mass * edge;
            }
        }
        next
    }

    fn ahead(&self, at: usize) -> Row {
        std::array::from_fn(|to| self.potential[at][to] * self.backward[at][to])
    }

    /// The probability of each label at `at`.
    pub(crate) fn marginal(&self, at: usize) -> Row {
        std::array::from_fn(|label| {
            if label < LABELS {
                self.forward[at][label] * self.backward[at][label]
            } else {
                0.0
            }
        })
    }

    /// The probability of each transition from `at - 1` to `at`.
    pub(crate) fn edge_marginal(&self, at: usize) -> [Row; LABELS] {
        let ahead = self.ahead(at);
        std::array::from_fn(|from| {
            let mass = self.forward[at - 1][from] / self.scale[at];
            std::array::from_fn(|to| mass * self.edge[from][to] * ahead[to])
        })
    }

    /// The probability that exactly `span` is an entity of its kind.
    pub(crate) fn span_probability(&self, span: Span) -> f32 {
        let (begin, inside) = (
            Label::begin(span.kind).index(),
            Label::inside(span.kind).index(),
        );
        let mut mass = self.forward[span.start][begin];
        let mut label = begin;
        for at in span.start + 1..span.end {
            mass *= self.edge[label][inside] * self.potential[at][inside] / self.scale[at];
            label = inside;
        }
        let mut after = self.backward[span.end - 1][label];
        if span.end < self.potential.len() {
            let continued = self.edge[label][inside]
                * self.potential[span.end][inside]
                * self.backward[span.end][inside];
            after -= continued / self.scale[span.end];
        }
        (mass * after).clamp(0.0, 1.0)
    }
}

fn dot(a: &Row, b: &Row) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EntityKind;

    fn example() -> (Vec<Row>, Transitions) {
        let mut transitions = Transitions::unweighted();
        transitions.0[0][1] = 0.3;
        transitions.0[1][2] = 0.7;
        let scores = vec![
            [0.1, 1.0, 0.0, 0.2, -0.3, 0.4, 0.0, 0.0],
            [0.0, -0.5, 0.9, 0.1, 0.2, 0.0, 0.3, 0.0],
            [0.6, 0.1, 0.2, 0.0, 0.0, -0.2, 0.1, 0.0],
        ];
        (scores, transitions)
    }

    /// Every label sequence of three tokens with its score.
    fn all(scores: &[Row], transitions: &Transitions) -> Vec<([usize; 3], f64)> {
        (0..LABELS * LABELS * LABELS)
            .map(|n| [n / 49, n / 7 % 7, n % 7])
            .map(|labels| {
                let mut before = 0;
                let mut score = 0.0;
                for (row, label) in scores.iter().zip(labels) {
                    score += f64::from(transitions.0[before][label] + row[label]);
                    before = label;
                }
                (labels, score)
            })
            .collect()
    }

    #[test]
    fn viterbi_finds_the_best_of_all_sequences() {
        let (scores, transitions) = example();
        let (best, _) = all(&scores, &transitions)
            .into_iter()
            .max_by(|a, b| a.1.total_cmp(&b.1))
            .unwrap();
        let mut labels = Vec::new();
        viterbi(&scores, &transitions, &mut Vec::new(), &mut labels);
        assert_eq!(
            labels.iter().map(|label| label.index()).collect::<Vec<_>>(),
            best
        );
    }

    #[test]
    fn sums_and_span_probabilities_agree_with_enumeration() {
        let (scores, transitions) = example();
        let sequences = all(&scores, &transitions);
        let total: f64 = sequences.iter().map(|(_, score)| score.exp()).sum();
        let mut lattice = Lattice::default();
        lattice.fill(&scores, &transitions);
        assert!((lattice.log_sum - total.ln()).abs() < 1e-4);

        let exact: f64 = sequences
            .iter()
            .filter(|(l, _)| l[0] == 1 && l[1] == 2 && l[2] != 2)
            .map(|(_, s)| s.exp())
            .sum();
        let span = Span {
            start: 0,
            end: 2,
            kind: EntityKind::Person,
        };
        assert!((f64::from(lattice.span_probability(span)) - exact / total).abs() < 1e-4);

        let edge: f64 = sequences
            .iter()
            .filter(|(l, _)| l[1] == 0 && l[2] == 3)
            .map(|(_, s)| s.exp())
            .sum();
        assert!((f64::from(lattice.edge_marginal(2)[0][3]) - edge / total).abs() < 1e-4);
    }
}
