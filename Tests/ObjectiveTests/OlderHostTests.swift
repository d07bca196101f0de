// Plugins built with today's header on hosts of earlier headers, which say smaller structs and have fewer services:
// what a plugin does not need it does not miss, to the bit, and what it needs is named.

import Host
import Kernels
import Objective
import TestSupport
import Testing

struct OlderHostTests {
  private static let older: [HostAge] = [.first, .supervision, .encodings]

  private func losses(_ age: HostAge, _ samplers: [String], _ losses: [String]) throws -> [Double] {
    let world = try TestWorld(age: age)
    let texts = RowTexts(rows: 12, columns: 1) { row, _ in Array("row \(row % 4)".utf8) }
    let objective = try world.objective(
      samplers: samplers, losses: losses, width: 10, rows: 12, temperature: 0.3, texts: texts)
    let views = makeViews(2, rows: 12, width: 10)
    return try (0..<3).flatMap { step in
      let encoded = Dictionary(
        uniqueKeysWithValues: objective.wantedEncodings.map { ($0, Rows(12, 10, seed: 5, name: "encoding")) })
      let report = try objective.evaluate(views, position: StepPosition(step: Int64(step)), encoded: encoded)
      try objective.commit()
      let slopes = (0..<2).flatMap { Rows(copying: objective.gradient($0)).values.map(Double.init) }
      return [report.loss] + slopes
    }
  }

  @Test(arguments: [
    ([], ["infonce"]), (["mixcse"], ["infonce"]), (["queue:size=20"], ["infonce"]), (["mochi", "hardest"], ["dcl"]),
    (["two-sided"], ["infonce", "0.1*uniformity"]), (["hncse-pm", "symmetric"], ["arccse"]),
    ([], ["infonce", "vascl"]),
    (["fifo:size=40", "noise", "mapped"], ["xent", "0.1*simreg", "0.1*alignuni"]),
  ])
  func whatIsNotNeededIsNotMissed(samplers: [String], losses: [String]) throws {
    let today = try self.losses(.today, samplers, losses)
    for age in Self.older + [.newer] { #expect(try self.losses(age, samplers, losses) == today, "\(age)") }
  }

  @Test func whatIsNeededIsNamed() throws {
    for (sampler, loss, isThere, text) in [
      ("queue:by=average,size=20", "infonce", HostAge.encodings, "this host has no further encodings"),
      ("off-dropout", "infonce", .encodings, "this host has no further encodings"),
      ("dclr", "infonce", .encodings, "cse.score/1"), ("word-overlap", "infonce", .today, "cse.rows/1"),
    ] {
      let today = try losses(.today, [sampler], [loss])
      for age in Self.older {
        if age == isThere {
          #expect(try losses(age, [sampler], [loss]) == today)
          continue
        }
        #expect {
          try losses(age, [sampler], [loss])
        } throws: { error in
          "\(error)".contains(text) && "\(error)".contains("unsupported")
        }
      }
    }
  }

  /// A loss that reads scores where the host gives none says so, and does not read past the end of the batch.
  @Test func fieldsThatAreNotThereAreNotRead() throws {
    for age in Self.older {
      let world = try TestWorld(age: age)
      let labels = RowLabels(scores: [Float](repeating: 2, count: 6), classes: (0..<6).map { $0 })
      let objective = try world.objective(
        losses: ["weighted"], width: 8, rows: 6, temperature: 0.3, supervision: labels.supervision)
      func evaluate() throws { _ = try objective.evaluate(makeViews(2, rows: 6, width: 8), labels: labels) }
      if age == .first {
        #expect(throws: PluginFailure.self) { try evaluate() }
      } else {
        try evaluate()
      }
    }
  }

  /// An augmenter asks for what cse_limits and cse_edit tell it of the host.
  @Test func augmenters() throws {
    for (name, settings, text) in [
      ("delete", [("edits", "added")], "this host adds no views"),
      ("dropout", [("rate", "0.3")], "this host has one dropout for all texts"),
      ("switch-case", [], "cse.vocabulary/1"),
    ] {
      let world = try TestWorld(age: .encodings)
      let component = try world.registry.component(.augmenter, name)
      let instance = try PluginInstance(
        component: component, values: ParameterValues(for: component, settings: settings), name: name,
        services: world.services, seed: 42)
      #expect {
        try instance.prepare(
          PluginLimits(maxRows: 8, width: 8, maxTokens: 100, maxSequences: 16, layerCount: 2, viewCount: 2))
      } throws: {
        "\($0)".contains(text) && "\($0)".contains("unsupported")
      }
    }
  }
}
