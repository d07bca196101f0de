// The files of a report, written and read back; used by the tests of the report.

import Comparison
import Files
import Foundation
import Kernels
import Testing

struct ReportFiles {
  var page, csv: String
  var json: JSONValue
  var table: String

  /// Writes a report to a temporary folder, or below the one of CSE_SAMPLE_REPORT, to be looked at. The page has to be
  /// well formed.
  init(_ results: ComparisonResults, keptAs name: String? = nil) throws {
    let kept = ProcessInfo.processInfo.environment["CSE_SAMPLE_REPORT"]
    let place = kept.flatMap { kept in name.map { kept + "/" + $0 } }
    let folder = place ?? NSTemporaryDirectory() + "comparison-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { if place == nil { try? FileManager.default.removeItem(atPath: folder) } }
    let analysis = ComparisonAnalysis(results, pool: ThreadPool(threads: 2))
    try ComparisonReport.write(results, analysis, to: folder, tensorBoard: true)
    json = try JSONValue.parse(Array(Data(contentsOf: URL(fileURLWithPath: folder + "/results.json"))))
    #expect(json == ComparisonReport.json(results, analysis))
    page = try String(contentsOfFile: folder + "/report.html", encoding: .utf8)
    csv = try String(contentsOfFile: folder + "/results.csv", encoding: .utf8)
    table = VerdictTable.text(results, analysis)
    try expectWellFormed()
  }

  /// What stands between the heading with this id and the next one of a section; tags and all.
  func section(_ id: String) throws -> String {
    let start = try #require(page.range(of: "<h2 id=\"\(id)\">"), "no section \(id)")
    let end = try #require(page[start.upperBound...].range(of: "</section>"))
    return String(page[start.lowerBound..<end.lowerBound])
  }

  /// The text of a part of the page as it is read: without tags, blanks in a row as one.
  static func read(_ html: String) -> String {
    html.replacing(/<wbr>/, with: "").replacing(/<[^>]*>/, with: " ").split(whereSeparator: \.isWhitespace)
      .joined(separator: " ")
  }

  /// By label, the class of the colour in the page's first legend.
  func colors() throws -> [String: String] {
    let start = try #require(page.range(of: "<ul class=\"legend\">")).upperBound
    let legend = page[start...].prefix(upTo: try #require(page[start...].range(of: "</ul>")).lowerBound)
    var colors: [String: String] = [:]
    for item in legend.split(separator: "<li>") {
      guard let found = item.firstMatch(of: /class="(c[0-9]+) mean"/) else { continue }
      colors[Self.read("<li>" + item)] = String(found.1)
    }
    return colors
  }

  /// Every element closed where it should be, every attribute quoted, ids distinct.
  private func expectWellFormed() throws {
    let void: Set<String> = ["meta", "br", "wbr"]
    var open: [String] = []
    var ids: Set<String> = []
    var rest = page[...]
    while let start = rest.firstIndex(of: "<") {
      let end = try #require(rest[start...].firstIndex(of: ">"), "a tag without an end")
      var tag = rest[rest.index(after: start)..<end]
      rest = rest[rest.index(after: end)...]
      if tag.hasPrefix("!") { continue }
      if tag.hasPrefix("/") {
        let expected = open.popLast()
        try #require(expected == String(tag.dropFirst()), "</\(tag.dropFirst())> closes \(expected ?? "nothing")")
        continue
      }
      let isClosed = tag.hasSuffix("/")
      if isClosed { tag = tag.dropLast() }
      #expect(tag.count { $0 == "\"" } % 2 == 0, "<\(tag)>")
      if let id = tag.range(of: " id=\"") {
        let name = String(tag[id.upperBound...].prefix { $0 != "\"" })
        #expect(ids.insert(name).inserted, "id \(name) twice")
      }
      let name = String(tag.prefix { $0.isLetter || $0.isNumber })
      if !isClosed, !void.contains(name) { open.append(name) }
    }
    #expect(open.isEmpty, "\(open) left open")
  }
}
