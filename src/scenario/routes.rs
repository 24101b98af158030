//! Where orders can go: stages that nobody reaches, and circles that nobody leaves.

use super::diagnostic::Diagnostic;
use super::fields::{Context, Given};
use super::source::Span;
use super::stage::StageDraft;
use super::text::list;
use crate::network::{
    AfterFailure, ClassId, Failures, Hold, Route, Stage, StageId, Stocking, Target,
};

/// Where orders of a class enter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entrance {
    pub(super) class: ClassId,
    pub(super) stage: StageId,
}

/// The routing of all classes, with the text it came from.
pub(super) struct Routing<'d> {
    pub(super) drafts: &'d [StageDraft],
    pub(super) stages: &'d [Stage],
    pub(super) entrances: Vec<Entrance>,
    pub(super) classes: Vec<&'d str>,
}

impl Routing<'_> {
    /// Reports circles without exit as errors, and stages without orders as warnings.
    pub(super) fn check(&self, cx: &mut Context) {
        let mut visited = vec![false; self.stages.len()];
        for class in (0..self.classes.len()).map(ClassId) {
            let reached = self.reached(class);
            for (all, one) in visited.iter_mut().zip(&reached) {
                *all |= one;
            }
            let exits = self.exits(class);
            let stuck = (0..self.stages.len()).find(|&at| reached[at] && !exits[at]);
            if let Some(stage) = stuck {
                self.report_circle(self.circle(class, stage), class, cx);
            }
        }
        for (draft, visited) in self.drafts.iter().zip(visited) {
            if !visited {
                warn_unreached(draft, cx);
            }
        }
        for stage in 0..self.stages.len() {
            self.check_copies(stage, cx);
            self.check_hold(stage, cx);
        }
    }

    /// Reports a stage whose copies can come back to it, where each would be copied again.
    fn check_copies(&self, stage: usize, cx: &mut Context) {
        let comes_back = (0..self.classes.len()).map(ClassId).any(|class| {
            let branches = self.branches(stage).map(|branch| branch.0).collect();
            self.reached(class)[stage] && self.reached_from(class, branches)[stage]
        });
        let Given::Is(fanout) = &self.drafts[stage].extras.fanout else {
            return;
        };
        if comes_back {
            let name = &self.stages[stage].name;
            let message = format!("copies of `{name}` can come back to it, and be copied again");
            cx.report(Diagnostic::error(fanout.key, message).help(
                "let the copies leave by other ways; what the order does when they have left is \
                 the `next` of this stage",
            ));
        }
    }

    /// Reports stock that is held until a stage that its orders never come to.
    fn check_hold(&self, stage: usize, cx: &mut Context) {
        let (Given::Is(stock), Stocking::Stock(made)) = (
            &self.drafts[stage].extras.stock,
            &self.stages[stage].extras.stocking,
        ) else {
            return;
        };
        let (Hold::Reserve {
            until: Some(until), ..
        }
        | Hold::Look { until: Some(until) }) = made.hold
        else {
            return;
        };
        let comes = (0..self.classes.len()).map(ClassId).any(|class| {
            let next = self.successors(class, stage).collect();
            self.reached(class)[stage] && self.reached_from(class, next)[until.0]
        });
        if let (false, Some(named)) = (comes, stock.value.hold.until()) {
            let own = &self.stages[stage].name;
            let message = format!("no order comes from `{own}` to `{}`", named.text);
            let help = "name a stage that comes after this one, or leave `until` out: until the \
                        order is completed";
            cx.report(Diagnostic::error(named.span, message).help(help));
        }
    }

    /// The stage that makes good what was done, for orders whose last attempt has failed.
    fn compensation(&self, stage: usize) -> Option<usize> {
        match &self.stages[stage].extras.failures {
            Failures::Some(failure) => match failure.then {
                AfterFailure::Stage(to) => Some(to.0),
                _ => None,
            },
            Failures::Never => None,
        }
    }

    /// The stages that a stage sends copies to.
    pub(super) fn branches(&self, stage: usize) -> impl Iterator<Item = StageId> {
        self.stages[stage].extras.fork.branches().iter().copied()
    }

    fn routes(&self, class: ClassId, stage: usize) -> &[Route] {
        &self.stages[stage].by_class[class.0].next
    }

    /// The stages that orders of a class go to next, those whose work has failed included.
    pub(super) fn successors(&self, class: ClassId, stage: usize) -> impl Iterator<Item = usize> {
        let failed = self.compensation(stage);
        self.routed(class, stage).chain(failed)
    }

    /// The stages that orders of a class go to next when their work is done.
    fn routed(&self, class: ClassId, stage: usize) -> impl Iterator<Item = usize> {
        let routes = self.routes(class, stage).iter();
        routes.filter_map(|route| match route.to {
            Target::Stage(stage) => Some(stage.0),
            Target::Completed | Target::Cancelled => None,
        })
    }

    /// Which stages orders of a class, or their copies, come to.
    pub(super) fn reached(&self, class: ClassId) -> Vec<bool> {
        let own = self
            .entrances
            .iter()
            .filter(|entrance| entrance.class == class);
        self.reached_from(class, own.map(|entrance| entrance.stage.0).collect())
    }

    /// Which stages orders of a class that are at these come to, or their copies.
    pub(super) fn reached_from(&self, class: ClassId, mut open: Vec<usize>) -> Vec<bool> {
        let mut reached = vec![false; self.stages.len()];
        while let Some(stage) = open.pop() {
            if !reached[stage] {
                reached[stage] = true;
                open.extend(self.successors(class, stage));
                open.extend(self.branches(stage).map(|branch| branch.0));
            }
        }
        reached
    }

    /// From which stages orders of a class can leave the pipeline, at once or later.
    fn exits(&self, class: ClassId) -> Vec<bool> {
        let count = self.stages.len();
        let mut before: Vec<Vec<usize>> = vec![Vec::new(); count];
        let mut open: Vec<usize> = Vec::new();
        for stage in 0..count {
            let routes = self.routes(class, stage);
            if self.routed(class, stage).count() < routes.len() {
                open.push(stage);
            }
            for next in self.successors(class, stage) {
                before[next].push(stage);
            }
        }
        let mut exits = vec![false; count];
        while let Some(stage) = open.pop() {
            if !exits[stage] {
                exits[stage] = true;
                open.extend(&before[stage]);
            }
        }
        exits
    }

    /// A circle that orders run into from a stage without exit.
    fn circle(&self, class: ClassId, from: usize) -> Vec<usize> {
        let mut path = vec![from];
        let mut at = from;
        while let Some(next) = self.routed(class, at).next() {
            if let Some(start) = path.iter().position(|&stage| stage == next) {
                return path.split_off(start);
            }
            path.push(next);
            at = next;
        }
        path
    }

    fn report_circle(&self, circle: Vec<usize>, class: ClassId, cx: &mut Context) {
        let names: Vec<&str> = circle
            .iter()
            .map(|&stage| self.stages[stage].name.as_str())
            .collect();
        let message = match names.as_slice() {
            [alone] => format!("orders that reach `{alone}` come back to it for ever"),
            _ => format!("orders go round {} for ever", list(names, "and")),
        };
        let span = next_span(&self.drafts[circle[0]], self.classes[class.0]);
        let reported = cx
            .found
            .iter()
            .any(|d| d.span == span && d.message == message);
        if !reported {
            cx.report(Diagnostic::error(span, message).help(
                "let some of them leave, as in next = [{ to = \"completed\", probability = 0.5 }, …]",
            ));
        }
    }
}

/// Where the way on of a class was written.
fn next_span(draft: &StageDraft, class: &str) -> Span {
    let own = draft.classes.iter().find(|own| own.name.text == class);
    let next = own
        .map(|own| &own.next)
        .filter(|next| **next != Given::Absent);
    match next.unwrap_or(&draft.next) {
        Given::Is(next) => next.span,
        Given::Absent | Given::Wrong => draft.span,
    }
}

fn warn_unreached(draft: &StageDraft, cx: &mut Context) {
    let Some(name) = &draft.name else {
        return;
    };
    let message = format!("no order ever reaches stage `{}`", name.text);
    cx.report(
        Diagnostic::warning(name.span, message)
            .help("name it in a producer's `to` or a stage's `next`, or remove it"),
    );
}
