//! A problem taken apart: processes that no rule connects are planned each for itself, and their orders are laid side
//! by side.
//!
//! Nothing is lost by it. A rule sees one part and how far the schema is; so where every part has a road, all of them
//! take each schema step together and fit in between, in whatever order, and the way back is a part's own too. What is
//! won is the exponent: the states of a part are those of its own processes.

use std::{collections::BTreeSet, iter::Peekable, vec::IntoIter};

use crate::{
    problem::{Move, Mover, Problem},
    rule::Releases,
    search,
};

/// A part without a road.
pub(crate) struct Stuck {
    pub(crate) problem: Problem,
    /// What its rules are called in the whole problem.
    pub(crate) rules: Vec<usize>,
    /// Those of its own rules that leave no order.
    pub(crate) blocked_by: BTreeSet<usize>,
}

impl Stuck {
    /// The same, in a problem of which this one has only the `rules`.
    fn within(mut self, rules: &[usize]) -> Self {
        self.rules = self.rules.iter().map(|rule| rules[*rule]).collect();
        self
    }
}

/// An order in which these rules hold, of the roads that `road` finds for each part.
pub(crate) fn roads(
    problem: &Problem,
    rules: &[usize],
    road: impl Fn(&Problem) -> Result<Vec<Move>, Box<Stuck>>,
) -> Result<Vec<Move>, Box<Stuck>> {
    let narrowed = problem.with_only(rules);
    let mut roads = Vec::new();
    for part in parts(&narrowed) {
        let own = narrowed.with_only(&part);
        let names: Vec<usize> = part.iter().map(|rule| rules[*rule]).collect();
        let moves = road(&own).map_err(|stuck| Box::new(stuck.within(&names)))?;
        roads.push((own, moves));
    }
    Ok(problem.with_idle_movers(&narrowed, &side_by_side(&narrowed, roads)))
}

/// A part walked through.
pub(crate) fn walk(part: &Problem) -> Result<Vec<Move>, Box<Stuck>> {
    search::order(part).map_err(|blocked_by| {
        let rules = (0..part.rules.len()).collect();
        Box::new(Stuck { problem: part.clone(), rules, blocked_by })
    })
}

/// The rules in groups: two that touch one process belong together.
fn parts(problem: &Problem) -> Vec<Vec<usize>> {
    let mut parts: Vec<(Releases, Vec<usize>)> = Vec::new();
    for (number, rule) in problem.rules.iter().enumerate() {
        let touches = problem.moved_by(rule.touches());
        let mut own = (touches, vec![number]);
        for (others, rules) in std::mem::take(&mut parts) {
            if others & touches == 0 {
                parts.push((others, rules));
            } else {
                own.0 |= others;
                own.1.extend(rules);
            }
        }
        parts.push(own);
    }
    let in_order = |(_, mut rules): (Releases, Vec<usize>)| {
        rules.sort_unstable();
        rules
    };
    parts.into_iter().map(in_order).collect()
}

/// Between two schema steps the moves of all roads, what was begun first and then in the order of the processes.
fn side_by_side(problem: &Problem, roads: Vec<(Problem, Vec<Move>)>) -> Vec<Move> {
    let mut heads: Vec<Peekable<IntoIter<Move>>> = Vec::new();
    for (own, moves) in roads {
        let place = |mover: usize| {
            let is = |other: &Mover| other.process == own.movers[mover].process;
            problem.movers.iter().position(is).unwrap_or_default()
        };
        let renamed = moves.into_iter().map(|step| match step {
            Move::Step => Move::Step,
            Move::Start(mover) => Move::Start(place(mover)),
            Move::Stop(mover) => Move::Stop(place(mover)),
        });
        heads.push(renamed.collect::<Vec<_>>().into_iter().peekable());
    }
    let mut all = Vec::new();
    for position in 0..=problem.phases.len() {
        let rank = |step: &Move| match *step {
            Move::Stop(mover) => Some((0, mover)),
            Move::Start(mover) => Some((1, mover)),
            Move::Step => None,
        };
        loop {
            let ranked = heads.iter_mut().filter_map(|head| Some((head.peek().and_then(rank)?, head)));
            let Some((_, head)) = ranked.min_by_key(|(rank, _)| *rank) else { break };
            all.extend(head.next());
        }
        if position < problem.phases.len() {
            for head in &mut heads {
                head.next();
            }
            all.push(Move::Step);
        }
    }
    all
}
