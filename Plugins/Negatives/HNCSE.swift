// HNCSE: the hardest negatives mixed into the positive, and with each other.

import PluginKit

/// Positive mixing. Where the hardest in-batch negative h of row i is about as near as its positive, or nearer,
/// `s_ii - s_ih <= gap s_ii`, a mixture takes the positive's place, in the shares of their cosines:
/// `m_i = w z2_i + (1 - w) z2_h`, `w = s_ii / (s_ii + s_ih)`; else `m_i = z2_i`. All anchors are compared with all m_j.
///
/// Gradients flow through both vectors and through the shares: with `g` that of `m_i` and `e = <g, z2_i - z2_h>`,
/// `dz2_i = w g`, `dz2_h = (1 - w) g`, `ds_ii = e s_ih / (s_ii + s_ih)^2`, `ds_ih = -e s_ii / (s_ii + s_ih)^2`.
/// Rows with a cosine of 0 or below stay as they are, since their shares would leave [0, 1].
///
/// Source: Liu et al., "HNCSE: Advancing Sentence Embeddings via Hybrid Contrastive Learning with Hard Negatives",
/// 2024, after the released code; there the shares of a positive that is nearer are found by 2,000 trials for each
/// batch, and those here are used where the negative is nearer.
final class PositiveMixing: Sampler {
  let name = "hncse-pm"
  let summary = """
    positives mixed with the hardest negative where that is about as near (HNCSE, 2024, positive mixing)
    m_i = (s_ii z2_i + s_ih z2_h) / (s_ii + s_ih) where s_ii - s_ih <= gap s_ii, h the nearest negative
    """

  let gap = Real(0.1, in: "[0,1]", live: true, "how far behind a negative may be, as a share of the positive's cosine")

  let mixed = Metric()

  func plan(_ call: Call, _ limits: Limits, _ plan: Plan) throws {
    try plan.block(rows: .anchor, columns: .new(0), .base, label: "mixed-positive")
    // The row that is mixed into each positive, -1 for none.
    plan.tape(bytes: limits.maximumRows * MemoryLayout<Int32>.stride)
  }

  func sample(_ call: Call, _ batch: Batch, into out: Candidates) throws {
    let (u1, u2, z2) = try (batch.unit(0), batch.unit(1), batch.view(1))
    let (mixtures, partners) = try (out.vectors(0), rowNumbers(call))
    var count = 0
    for row in 0..<batch.rows {
      let own = u1[row].dot(u2[row])
      var hardest = (row: -1, cosine: -Float.infinity)
      for other in 0..<batch.rows where other != row {
        let cosine = u1[row].dot(u2[other])
        if cosine > hardest.cosine { hardest = (other, cosine) }
      }
      let isMixed = own > 0 && hardest.cosine > 0 && own - hardest.cosine <= call[gap] * own
      partners[row] = isMixed ? Int32(hardest.row) : -1
      if isMixed {
        mixtures[row].setMix(z2[row], z2[hardest.row], share: own / (own + hardest.cosine))
        count += 1
      } else {
        mixtures[row].set(z2[row])
      }
    }
    call.report(mixed, Double(count) / Double(batch.rows))
  }

  func sampleBackward(_ call: Call, _ batch: Batch, gradients: (Int) -> Matrix?) throws {
    guard let gradient = gradients(0), let dz2 = batch.viewGradient(1), let du1 = batch.unitGradient(0),
      let du2 = batch.unitGradient(1)
    else { return }
    let (u1, u2, z2) = try (batch.unit(0), batch.unit(1), batch.view(1))
    let partners = try rowNumbers(call)
    for row in 0..<batch.rows {
      guard partners[row] >= 0 else {
        dz2[row].add(gradient[row])
        continue
      }
      let other = Int(partners[row])
      let (own, cosine) = (u1[row].dot(u2[row]), u1[row].dot(u2[other]))
      let (sum, share) = (own + cosine, own / (own + cosine))
      dz2[row].add(gradient[row], times: share)
      dz2[other].add(gradient[row], times: 1 - share)
      let slope = (gradient[row].dot(z2[row]) - gradient[row].dot(z2[other])) / (sum * sum)
      let (dOwn, dCosine) = (slope * cosine, -slope * own)
      du1[row].add(u2[row], times: dOwn)
      du2[row].add(u1[row], times: dOwn)
      du1[row].add(u2[other], times: dCosine)
      du2[other].add(u1[row], times: dCosine)
    }
  }
}

/// Hard-negative mixing. Of each row's `hardest` nearest in-batch negatives, `count` pairs drawn with replacement are
/// mixed, `share z2_j + (1 - share) z2_k` with j the nearer one, as candidates of that row alone. Gradients flow into
/// both. Their length is of no account to cosines, so mixtures are not normalised.
///
/// Source: Liu et al., "HNCSE", 2024, after the released code, with its numbers; there is no such form for batches with
/// fewer than two negatives, which get no mixtures.
final class HardNegativeMixing: Sampler {
  let name = "hncse-hnm"
  let summary = """
    mixtures of pairs of each row's nearest negatives, with gradient (HNCSE, 2024, hard-negative mixing)
    share z2_j + (1 - share) z2_k of pairs drawn from the row's nearest negatives, j the nearer one
    """

  let hardest = Whole(10, in: "[2,)", log: true, "nearest negatives that are mixed")
  let count = Whole(40, in: "[1,1024]", log: true, "mixtures for each row")
  let share = Real(0.5, in: "[0,1]", live: true, "the nearer one's share")

  func plan(_ call: Call, _ limits: Limits, _ plan: Plan) throws {
    try plan.block(rows: .anchor, columns: .new(0), .perRow, perRow: call[count], label: "mixed")
    // The two rows of each mixture.
    plan.tape(bytes: 2 * limits.maximumRows * call[count] * MemoryLayout<Int32>.stride)
  }

  func sample(_ call: Call, _ batch: Batch, into out: Candidates) throws {
    let (similarity, positives) = try (out.similarities(0), batch.view(1))
    let (pairs, wanted) = try (rowNumbers(call), call[count])
    let isMixed = batch.rows > 2
    if !isMixed { out.setColumns(out.firstOwn, 0) }
    var numbers = [Float](repeating: 0, count: wanted)
    for row in 0..<batch.rows {
      let mixtures = try out.vectors(0, of: row)
      let nearest = (0..<batch.rows).filter { $0 != row }.nearestFirst(similarity[row]).prefix(call[hardest])
      if isMixed { try call.random(.uniform, offset: row * wanted, into: &numbers, count: wanted) }
      for k in 0..<wanted {
        guard isMixed else {
          mixtures[k].fill(0)
          continue
        }
        let (near, far) = pair(numbers[k], of: nearest.count)
        let place = 2 * (row * wanted + k)
        (pairs[place], pairs[place + 1]) = (Int32(nearest[near]), Int32(nearest[far]))
        mixtures[k].setMix(positives[nearest[near]], positives[nearest[far]], share: call[share])
      }
    }
  }

  func sampleBackward(_ call: Call, _ batch: Batch, gradients: (Int) -> Matrix?) throws {
    guard batch.rows > 2, let gradient = gradients(0), let dz2 = batch.viewGradient(1) else { return }
    let pairs = try rowNumbers(call)
    for row in 0..<batch.rows {
      let own = gradient.vectors(of: row)
      for k in 0..<own.rows {
        let place = 2 * (row * own.rows + k)
        dz2[Int(pairs[place])].add(own[k], times: call[share])
        dz2[Int(pairs[place + 1])].add(own[k], times: 1 - call[share])
      }
    }
  }

  /// The pair a number from [0, 1) stands for, of the `n (n - 1) / 2` with the first before the second.
  private func pair(_ number: Float, of n: Int) -> (Int, Int) {
    let all = n * (n - 1) / 2
    var rest = min(Int(number * Float(all)), all - 1)
    var first = 0
    while rest >= n - 1 - first {
      rest -= n - 1 - first
      first += 1
    }
    return (first, first + 1 + rest)
  }
}

/// The tape, as numbers of rows.
private func rowNumbers(_ call: Call) throws -> UnsafeMutablePointer<Int32> {
  guard let tape = call.tape else { throw PluginError.invalid("the host gave no tape") }
  return tape.assumingMemoryBound(to: Int32.self)
}
