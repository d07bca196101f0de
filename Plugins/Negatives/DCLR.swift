// Noise that the loss itself moves to where it is hardest, and negatives that a guide finds too near.

import PluginKit

/// `count` vectors of standard normal numbers, moved `steps` times by `rate` along the direction in which the loss
/// rises, `v += rate g / |g|`, join the candidates of every anchor. With `guided`, an in-batch negative that the guide
/// finds nearer than `phi` counts as of no likeness: its logit is multiplied by 0.
///
/// Source: Zhou et al., "Debiased Contrastive Learning of Unsupervised Sentence Representations", ACL 2022, equations 3
/// to 6; the weight on the logit as in the released code. The guide is the paper's frozen SimCSE.
final class DCLR: Sampler {
  let name = "dclr"
  let summary = """
    noise moved to where the loss is highest joins the negatives; a guide sets false negatives to 0 (DCLR, ACL 2022)
    v = N(0, 1), then steps times v += rate g / |g|, g the gradient of the run's own loss at v
    """

  let count = Whole(64, in: "[1,65536]", log: true, "noise vectors of a batch")
  let steps = Whole(4, in: "[0,100]", "moves")
  let rate = Real(1e-3, in: "[0,)", live: true, log: true, "length of a move")
  let guided = Flag(false, "a guide says which negatives are false")
  let phi = Real(0.9, in: "[-1,1]", live: true, "guided: the largest cosine of a negative for the guide")

  let masked = Metric()

  func plan(_ call: Call, _ limits: Limits, _ plan: Plan) throws {
    try plan.block(rows: .anchor, columns: .new(0), .detachColumns, fixed: call[count], label: "noise")
    plan.scratch(bytes: call[count] * limits.width * MemoryLayout<Float>.stride)
    guard call[guided] else { return }
    plan.editCells()
    for view in 0...1 { try plan.encode(view: view, by: .guide(0)) }
  }

  func sample(_ call: Call, _ batch: Batch, into out: Candidates) throws {
    let noise = try out.vectors(0)
    for row in 0..<noise.rows {
      try call.random(.normal, offset: row * noise.columns, into: noise[row].pointer, count: noise.columns)
    }
    let gradient = try call.scratch(rows: noise.rows, columns: noise.columns)
    if call[guided] { try mask(call, batch, out) }
    for _ in 0..<call[steps] {
      _ = try call.score(noise, gradient: gradient)
      for row in 0..<noise.rows {
        let length = gradient[row].dot(gradient[row]).squareRoot()
        if length > 0 { noise[row].add(gradient[row], times: call[rate] / length) }
      }
    }
  }

  private func mask(_ call: Call, _ batch: Batch, _ out: Candidates) throws {
    let (anchors, positives, gain) = try (batch.encoding(0), batch.encoding(1), out.gain(0))
    var found = 0
    for row in 0..<batch.rows {
      for column in 0..<batch.rows where column != row && anchors[row].dot(positives[column]) > call[phi] {
        gain[row, column] = 0
        found += 1
      }
    }
    call.report(masked, Double(found) / Double(max(1, batch.rows * (batch.rows - 1))))
  }
}
