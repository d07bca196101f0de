//! A loss in Rust: InfoNCE without the positive in its denominator. A bare function, so nothing is imported.

use std::slice::{from_raw_parts, from_raw_parts_mut};

/// mean_i (log sum_{j != target_i} exp logits[i, j] - logits[i, target_i]); the host has divided by the temperature
/// already. A row without any other candidate has no negatives to be pushed from: its loss is 0. Excluded cells are
/// -infinity.
///
/// # Safety
/// The host passes arrays of the sizes that `cse_functions` states.
#[no_mangle]
pub unsafe extern "C" fn dcl(
    logits: *const f32, target: *const i64, n: i64, m: i64, _temperature: f64, dlogits: *mut f32, row_loss: *mut f64,
) -> f64 {
    let (n, m) = (n as usize, m as usize);
    let logits = from_raw_parts(logits, n * m);
    let target = from_raw_parts(target, n);
    let dlogits = from_raw_parts_mut(dlogits, n * m);
    let row_loss = from_raw_parts_mut(row_loss, n);
    let mut sum = 0.0;
    for i in 0..n {
        let row = &logits[i * m..(i + 1) * m];
        let gradient = &mut dlogits[i * m..(i + 1) * m];
        let own = target[i] as usize;
        let others = || (0..m).filter(move |&j| j != own);
        let peak = others().map(|j| row[j]).fold(f32::NEG_INFINITY, f32::max) as f64;
        gradient.fill(0.0);
        row_loss[i] = 0.0;
        if peak == f64::NEG_INFINITY {
            continue;
        }
        let total: f64 = others().map(|j| (row[j] as f64 - peak).exp()).sum();
        for j in others() {
            gradient[j] = ((row[j] as f64 - peak).exp() / total / n as f64) as f32;
        }
        gradient[own] = -1.0 / n as f32;
        row_loss[i] = total.ln() + peak - row[own] as f64;
        sum += row_loss[i];
    }
    sum / n as f64
}

const TEXT: &str = concat!(
    "library org.example.dcl 1.0.0 ;",
    "loss dcl(logits:f32[n,m], target:i64[n], n:i64, m:i64, temperature:f64=0.05 in (0,) live log,",
    " out dlogits:f32[n,m], out row_loss:f64[n]) -> f64 \"decoupled contrastive loss (Yeh et al., ECCV 2022)\" ;",
    "\0"
);

/// All the host knows of the function: it must say exactly what Rust says.
#[no_mangle]
#[allow(non_upper_case_globals)]
pub static cse_functions: [u8; TEXT.len()] = {
    let mut bytes = [0u8; TEXT.len()];
    let mut i = 0;
    while i < bytes.len() {
        bytes[i] = TEXT.as_bytes()[i];
        i += 1;
    }
    bytes
};
