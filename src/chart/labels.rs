//! Labels that keep clear of each other.

/// Moves heights apart until neighbours are at least `gap` apart, within `top` to `bottom` as far
/// as there is room, and returns them in the order given.
pub fn spread(wanted: &[f64], gap: f64, top: f64, bottom: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|a, b| wanted[*a].total_cmp(&wanted[*b]));
    let mut clusters: Vec<Cluster> = Vec::new();
    for i in order {
        let mut next = Cluster {
            members: vec![i],
            middle: wanted[i],
        };
        while let Some(before) = clusters.pop_if(|c| c.touches(&next, gap, top, bottom)) {
            next = before.joined(next);
        }
        clusters.push(next);
    }
    let mut places = vec![0.0; wanted.len()];
    for cluster in clusters {
        let first = cluster.first(gap, top, bottom);
        for (n, i) in cluster.members.iter().enumerate() {
            places[*i] = first + n as f64 * gap;
        }
    }
    places
}

/// Labels stacked without a space, around the mean of their wanted heights.
struct Cluster {
    members: Vec<usize>,
    middle: f64,
}

impl Cluster {
    fn first(&self, gap: f64, top: f64, bottom: f64) -> f64 {
        let height = (self.members.len() - 1) as f64 * gap;
        (self.middle - height / 2.0).min(bottom - height).max(top)
    }

    fn touches(&self, below: &Cluster, gap: f64, top: f64, bottom: f64) -> bool {
        let end = self.first(gap, top, bottom) + self.members.len() as f64 * gap;
        end > below.first(gap, top, bottom)
    }

    fn joined(mut self, below: Cluster) -> Cluster {
        let (a, b) = (self.members.len() as f64, below.members.len() as f64);
        self.middle = (self.middle * a + below.middle * b) / (a + b);
        self.members.extend(below.members);
        self
    }
}

/// Rows for labels that start at the given places and reach to the right, so that none covers
/// another and no upright line from a label's start down to row 0 crosses a label.
pub fn flags(extents: &[(f64, f64)], gap: f64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..extents.len()).collect();
    order.sort_by(|a, b| extents[*b].0.total_cmp(&extents[*a].0));
    let mut rows = vec![0; extents.len()];
    // The left end of what each row holds so far; rows fill from right to left.
    let mut starts: Vec<f64> = Vec::new();
    for i in order {
        let (left, right) = extents[i];
        let row = starts
            .iter()
            .rposition(|start| right + gap > *start)
            .map_or(0, |taken| taken + 1);
        starts.truncate(row.max(starts.len()));
        match starts.get_mut(row) {
            Some(start) => *start = left,
            None => starts.push(left),
        }
        rows[i] = row;
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_apart_stay_where_they_are() {
        assert_eq!(spread(&[50.0, 10.0], 15.0, 0.0, 100.0), [50.0, 10.0]);
    }

    #[test]
    fn colliding_labels_move_by_the_least_and_stay_inside() {
        assert_eq!(spread(&[50.0, 50.0], 10.0, 0.0, 100.0), [45.0, 55.0]);
        assert_eq!(
            spread(&[99.0, 99.0, 98.0], 10.0, 0.0, 100.0),
            [90.0, 100.0, 80.0]
        );
    }

    #[test]
    fn flags_step_up_where_they_would_cover_the_next() {
        let extents = [(0.0, 50.0), (30.0, 80.0), (200.0, 250.0)];
        assert_eq!(flags(&extents, 5.0), [1, 0, 0]);
    }
}
