//! Spitzer's identity for M/D/c: sums of positive terms.

use super::Known;

/// Longer sums are left to the roots.
const MOST_TERMS: f64 = 400.0;

/// P(Wq > 0), mean and variance of the wait in units of D; `None` where the sums are long (near
/// ρ = 1).
///
/// nD − G_{nc} is positive when nc or more arrivals come in nD.
pub(super) fn cumulants(load: f64, c: f64) -> Option<Known> {
    let rho = load / c;
    // P(N ≥ nc) falls at least as fast as e^(−nc·rate) (Chernoff).
    let rate = rho - 1.0 - rho.ln();
    let terms = 40.0 / (c * rate);
    if terms > MOST_TERMS {
        return None;
    }
    let (mut log_never, mut mean, mut variance) = (0.0, 0.0, 0.0);
    for n in 1..=(terms.ceil() as u32 + 2) {
        let n = f64::from(n);
        let excess = Excess::new(n, load, c);
        log_never += excess.positive / n;
        mean += excess.mean / n;
        variance += excess.second / n;
        if excess.positive < 1e-18 * log_never || excess.positive == 0.0 {
            break;
        }
    }
    Some(Known {
        waits: -(-log_never).exp_m1(),
        mean,
        variance,
    })
}

/// Of X = n − G/D, where G is the time of nc arrivals.
struct Excess {
    /// P(X > 0).
    positive: f64,
    /// E\[X⁺\].
    mean: f64,
    /// E\[(X⁺)²\].
    second: f64,
}

impl Excess {
    /// Sums over the Poisson law beyond nc, whose terms are all positive:
    /// E\[X⁺\] = Σ_{m>nc} (m − nc) P(N = m)/a and E\[(X⁺)²\] = Σ_{m>nc+1} (m − nc)(m − nc − 1) P(N = m)/a².
    fn new(n: f64, load: f64, c: f64) -> Excess {
        let (y, k) = (n * load, n * c);
        let mut mass = pmf(y, k);
        let (mut positive, mut mean, mut second) = (0.0, 0.0, 0.0);
        let mut above = 0.0;
        loop {
            positive += mass;
            mean += above * mass;
            second += above * (above - 1.0) * mass;
            let grown = above * above * mass;
            if mass == 0.0 || (above > 2.0 && grown < 1e-17 * second.min(mean)) {
                break;
            }
            above += 1.0;
            mass *= y / (k + above);
        }
        Excess {
            positive,
            mean: mean / load,
            second: second / (load * load),
        }
    }
}

/// e^(−y) y^k/k!, by Stirling's series with Loader's form of the exponent, without cancellation.
pub(in crate::theory) fn pmf(y: f64, k: f64) -> f64 {
    if k == 0.0 {
        return (-y).exp();
    }
    // k ln(k/y) + y − k = y·h((k − y)/y), h(e) = (1 + e)ln(1 + e) − e.
    let e = (k - y) / y;
    let exponent = if e.abs() < 0.1 {
        // Σ_{j≥2} (−e)^j/(j(j − 1))
        let mut power = e * e;
        let mut sum = 0.0;
        for j in 2..24 {
            let j = f64::from(j);
            sum += power / (j * (j - 1.0));
            power *= -e;
        }
        y * sum
    } else {
        k * (k / y).ln() + y - k
    };
    (-exponent - stirling(k)).exp() / (2.0 * std::f64::consts::PI * k).sqrt()
}

/// ln k! − ln(√(2πk)(k/e)^k).
fn stirling(k: f64) -> f64 {
    if k < 16.0 {
        let factorial: f64 = (1..=k as u32).map(f64::from).product();
        return (factorial / (2.0 * std::f64::consts::PI * k).sqrt()).ln() + k - k * k.ln();
    }
    let square = k * k;
    (1.0 / 12.0 - (1.0 / 360.0 - (1.0 / 1260.0 - 1.0 / (1680.0 * square)) / square) / square) / k
}
