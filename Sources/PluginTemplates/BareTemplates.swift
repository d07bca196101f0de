// Templates of bare functions, in C and in Rust: a function, and a line of text that says what its arguments are.

enum BareTemplates {
  static func c(_ kind: TemplateKind) -> String {
    let body =
      switch kind {
      case .sampler: cSampler
      case .loss: cLoss
      case .pooler: cPooler
      case .augmenter: none
      }
    return "#include <math.h>\n#include <stdint.h>\n\n" + body
      + "\n/* All the host knows of the functions: it must say exactly what C says. */\nconst char cse_functions[] =\n"
      + text(kind).map { "    \"\($0)\"" }.joined(separator: "\n") + ";\n"
  }

  static func rust(_ kind: TemplateKind) -> String {
    let body =
      switch kind {
      case .sampler: rustSampler
      case .loss: rustLoss
      case .pooler: rustPooler
      case .augmenter: none
      }
    // concat! joins the lines at compile time, and the array's length follows from them.
    let lines = text(kind).map { "    \"\($0)\"," }.joined(separator: "\n")
    return body + """

      const TEXT: &str = concat!(
      \(lines)
          "\\0"
      );

      /// All the host knows of the functions: it must say exactly what Rust says.
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

      """
  }

  /// `TemplateKind.languages` keeps everyone from here.
  private static var none: String { preconditionFailure("no bare function is an augmenter") }

  /// The declarations, one a line.
  static func text(_ kind: TemplateKind) -> [String] {
    switch kind {
    case .augmenter: [none]
    case .sampler:
      [
        "sampler NAME(z2:f32[n,d], n:i64, d:i64, lambda:f32=0.2 in [0,1], out blend:f32[n,d])",
        " -> f32 metric(lambda) detached ;",
      ]
    case .loss:
      [
        "loss NAME(logits:f32[n,m], target:i64[n], n:i64, m:i64, temperature:f64=0.05 in (0,) log,",
        " out dlogits:f32[n,m]) -> f64 ;",
      ]
    case .pooler:
      [
        "pooler NAME(hidden:f32[t,d], offsets:i64[s+1], s:i64, d:i64, out vectors:f32[s,d]) backward(NAME_backward) ;",
        "backward NAME_backward(dvectors:f32[s,d], offsets:i64[s+1], s:i64, d:i64, out dhidden:f32[t,d]) ;",
      ]
    }
  }

  // MARK: C

  private static let cSampler = """
    /* blend_i = lambda * z2_i + (1 - lambda) * z2_{i+1}; written in full, packed rows of d numbers. */
    float NAME(const float *z2, int64_t n, int64_t d, float lambda, float *blend) {
      for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k < d; k++) blend[i * d + k] = lambda * z2[i * d + k] + (1 - lambda) * z2[(i + 1) % n * d + k];
      return lambda;
    }

    """

  private static let cLoss = """
    /* mean_i (logsumexp_j logits[i, j] - logits[i, target_i]); the host has divided by the temperature already.
     * The gradient is written in full; excluded cells are -infinity and get 0. */
    double NAME(const float *logits, const int64_t *target, int64_t n, int64_t m, double temperature, float *dlogits) {
      double sum = 0;
      (void)temperature;
      for (int64_t i = 0; i < n; i++) {
        const float *row = logits + i * m;
        const int64_t own = target[i];
        double peak = row[own], rest = 0;
        for (int64_t j = 0; j < m; j++) peak = row[j] > peak ? row[j] : peak;
        /* The others by themselves: 1 - p would lose its digits where the loss is small. */
        for (int64_t j = 0; j < m; j++) rest += j == own ? 0 : exp(row[j] - peak);
        const double total = rest + exp(row[own] - peak);
        for (int64_t j = 0; j < m; j++)
          dlogits[i * m + j] = (float)((j == own ? -rest : exp(row[j] - peak)) / total / (double)n);
        sum += row[own] == peak ? log1p(rest) : log(total) + peak - row[own];
      }
      return sum / (double)n;
    }

    """

  private static let cPooler = """
    /* The mean of the tokens of each sequence: offsets[i] .. offsets[i + 1] - 1. */
    void NAME(const float *hidden, const int64_t *offsets, int64_t s, int64_t d, float *vectors) {
      for (int64_t i = 0; i < s; i++)
        for (int64_t k = 0; k < d; k++) {
          float sum = 0;
          for (int64_t t = offsets[i]; t < offsets[i + 1]; t++) sum += hidden[t * d + k];
          vectors[i * d + k] = sum / (float)(offsets[i + 1] - offsets[i]);
        }
    }

    void NAME_backward(const float *dvectors, const int64_t *offsets, int64_t s, int64_t d, float *dhidden) {
      for (int64_t i = 0; i < s; i++)
        for (int64_t t = offsets[i]; t < offsets[i + 1]; t++)
          for (int64_t k = 0; k < d; k++) dhidden[t * d + k] = dvectors[i * d + k] / (float)(offsets[i + 1] - offsets[i]);
    }

    """

  // MARK: Rust

  private static let rustSampler = """
    use std::slice::{from_raw_parts, from_raw_parts_mut};

    /// blend_i = lambda * z2_i + (1 - lambda) * z2_{i+1}; written in full, packed rows of d numbers.
    ///
    /// # Safety
    /// The host passes arrays of the sizes that `cse_functions` states.
    #[no_mangle]
    pub unsafe extern "C" fn NAME(z2: *const f32, n: i64, d: i64, lambda: f32, blend: *mut f32) -> f32 {
        let (n, d) = (n as usize, d as usize);
        let z2 = from_raw_parts(z2, n * d);
        let blend = from_raw_parts_mut(blend, n * d);
        for i in 0..n {
            let next = (i + 1) % n;
            for k in 0..d {
                blend[i * d + k] = lambda * z2[i * d + k] + (1.0 - lambda) * z2[next * d + k];
            }
        }
        lambda
    }

    """

  private static let rustLoss = """
    use std::slice::{from_raw_parts, from_raw_parts_mut};

    /// mean_i (logsumexp_j logits[i, j] - logits[i, target_i]); the host has divided by the temperature already.
    /// The gradient is written in full; excluded cells are -infinity and get 0.
    ///
    /// # Safety
    /// The host passes arrays of the sizes that `cse_functions` states.
    #[no_mangle]
    pub unsafe extern "C" fn NAME(
        logits: *const f32, target: *const i64, n: i64, m: i64, _temperature: f64, dlogits: *mut f32,
    ) -> f64 {
        let (n, m) = (n as usize, m as usize);
        let logits = from_raw_parts(logits, n * m);
        let target = from_raw_parts(target, n);
        let dlogits = from_raw_parts_mut(dlogits, n * m);
        let mut sum = 0.0;
        for i in 0..n {
            let row = &logits[i * m..(i + 1) * m];
            let own = target[i] as usize;
            let peak = row.iter().fold(row[own], |a, &b| a.max(b)) as f64;
            let power = |j: usize| (row[j] as f64 - peak).exp();
            // The others by themselves: 1 - p would lose its digits where the loss is small.
            let rest: f64 = (0..m).filter(|&j| j != own).map(power).sum();
            let total = rest + power(own);
            for j in 0..m {
                let share = if j == own { -rest } else { power(j) };
                dlogits[i * m + j] = (share / total / n as f64) as f32;
            }
            sum += if row[own] as f64 == peak { rest.ln_1p() } else { total.ln() + peak - row[own] as f64 };
        }
        sum / n as f64
    }

    """

  private static let rustPooler = """
    use std::slice::{from_raw_parts, from_raw_parts_mut};

    /// The mean of the tokens of each sequence: offsets[i] .. offsets[i + 1] - 1.
    ///
    /// # Safety
    /// The host passes arrays of the sizes that `cse_functions` states.
    #[no_mangle]
    pub unsafe extern "C" fn NAME(hidden: *const f32, offsets: *const i64, s: i64, d: i64, vectors: *mut f32) {
        let (s, d) = (s as usize, d as usize);
        let offsets = from_raw_parts(offsets, s + 1);
        let hidden = from_raw_parts(hidden, offsets[s] as usize * d);
        let vectors = from_raw_parts_mut(vectors, s * d);
        for i in 0..s {
            let (begin, end) = (offsets[i] as usize, offsets[i + 1] as usize);
            for k in 0..d {
                let sum: f32 = (begin..end).map(|t| hidden[t * d + k]).sum();
                vectors[i * d + k] = sum / (end - begin) as f32;
            }
        }
    }

    /// # Safety
    /// As above.
    #[no_mangle]
    pub unsafe extern "C" fn NAME_backward(
        dvectors: *const f32, offsets: *const i64, s: i64, d: i64, dhidden: *mut f32,
    ) {
        let (s, d) = (s as usize, d as usize);
        let offsets = from_raw_parts(offsets, s + 1);
        let dvectors = from_raw_parts(dvectors, s * d);
        let dhidden = from_raw_parts_mut(dhidden, offsets[s] as usize * d);
        for i in 0..s {
            let (begin, end) = (offsets[i] as usize, offsets[i + 1] as usize);
            for t in begin..end {
                for k in 0..d {
                    dhidden[t * d + k] = dvectors[i * d + k] / (end - begin) as f32;
                }
            }
        }
    }

    """
}
