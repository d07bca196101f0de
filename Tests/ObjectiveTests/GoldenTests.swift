// Loss and gradients against the reference's numbers in float64 (Fixtures/objective/mixcse_golden.json, beside the
// lines that state them), in float32.

import Foundation
import Host
import Kernels
import Objective
import TestSupport
import Testing

private struct Golden: Decodable {
  struct Case: Decodable {
    let T, lam, w: Double
    let loss_code, loss_infonce, loss_inf_mask, loss_norm_before_mix, loss_single_mix: Double
    let g1, g2: [[Double]]
  }
  let z1, z2: [[Double]]
  let cases: [Case]
}

struct GoldenTests {
  private func golden() throws -> [String: Golden] {
    let path = Resources.fixture("objective/mixcse_golden.json")
    return try JSONDecoder().decode([String: Golden].self, from: Data(contentsOf: URL(fileURLWithPath: path)))
  }

  /// The fixture is what its statement says, in plain Python.
  @Test func theFixtureIsWhatItsStatementSays() throws {
    let result = try shell(["python3", "-B", Resources.fixture("objective/make_mixcse_golden.py"), "--check"])
    #expect(result.code == 0, "\(result)")
  }

  @Test func lossAndGradientsOfTheCode() throws {
    let world = try TestWorld()
    for (name, set) in try golden() {
      let z = [Rows(set.z1), Rows(set.z2)]
      for item in set.cases {
        let objective = try world.objective(
          samplers: ["mixcse:lambda=\(item.lam),hard_weight=\(item.w)"], width: z[0].width, rows: z[0].rows,
          temperature: item.T)
        let report = try objective.evaluate(z)
        let label = "\(name) T \(item.T) lambda \(item.lam) w \(item.w)"
        #expect(isClose(report.loss, item.loss_code, absolute: 2e-6, relative: 2e-6), "\(label): \(report.loss)")
        let largest = (item.g1 + item.g2).joined().map(abs).max() ?? 0
        for (view, expected) in [item.g1, item.g2].enumerated() {
          let found = Rows(copying: objective.gradient(view))
          for i in expected.indices {
            for k in expected[i].indices {
              // A lone row's gradient is rounding noise in the reference, too: the bound is relative to 1 then.
              let error = abs(Double(found[i, k]) - expected[i][k])
              #expect(error <= 1e-5 * largest + 1e-7, "\(label): dz\(view + 1)[\(i), \(k)] is off by \(error)")
            }
          }
        }
      }
    }
  }

  @Test func lossesOfTheVariants() throws {
    let world = try TestWorld()
    for (name, set) in try golden() {
      let z = [Rows(set.z1), Rows(set.z2)]
      for item in set.cases {
        let settings = "lambda=\(item.lam),hard_weight=\(item.w)"
        let variants: [(String, [String], Double)] = [
          ("InfoNCE", [], item.loss_infonce),
          ("excluded", ["mixcse:\(settings),mask=exclude"], item.loss_inf_mask),
          ("normalised before mixing", ["mixcse:\(settings),normalize=true"], item.loss_norm_before_mix),
          // The form of the paper's text: one mixture of unit vectors for each anchor.
          (
            "own mixture", ["mixcse:\(settings),normalize=true,direction=anchor,own_mix_only=true"],
            item.loss_single_mix
          ),
        ]
        for (variant, samplers, expected) in variants {
          let objective = try world.objective(
            samplers: samplers, width: z[0].width, rows: z[0].rows, temperature: item.T)
          let loss = try objective.evaluate(z).loss
          #expect(
            isClose(loss, expected, absolute: 2e-6, relative: 2e-6),
            "\(name) T \(item.T) lambda \(item.lam) w \(item.w), \(variant): \(loss), expected \(expected)")
        }
      }
    }
  }
}
