// A comparison as a file: strategies, seeds and flags by their long names, as TOML or JSON. Becomes arguments in front
// of those typed, so that the command line overrides it. Used by the compare command before its arguments are parsed.

import Files
import Foundation

/// A plan file, read.
package struct PlanFile: Sendable {
  package let path: String
  /// The text of the file, for the record.
  package let text: String
  private let members: JSONObject

  /// Reads a file; a name that ends in `.json` is JSON, any other TOML.
  /// - Throws: `ComparisonError.unreadable`, `.badPlan` naming the line.
  package init(path: String) throws {
    let data: Data
    do {
      data = try Data(contentsOf: URL(fileURLWithPath: path))
    } catch {
      throw ComparisonError.unreadable(path: path, problem: "expected a plan file for --from, found none to read")
    }
    guard let text = String(validating: data, as: UTF8.self) else {
      throw ComparisonError.badPlan(path: path, place: "the file", problem: "expected UTF-8, found other bytes")
    }
    try self.init(path: path, text: text)
  }

  /// - Throws: `ComparisonError.badPlan`.
  package init(path: String, text: String) throws {
    self.path = path
    self.text = text
    do {
      members = path.hasSuffix(".json") ? try Self.json(text, path: path) : try TOMLReader.read(text)
    } catch let error as TOMLError {
      throw ComparisonError.badPlan(path: path, place: "line \(error.line)", problem: error.problem)
    }
    for key in ["from", "help"] where members[key] != nil {
      throw ComparisonError.badPlan(path: path, place: key, problem: "a plan file cannot hold --\(key)")
    }
  }

  private static func json(_ text: String, path: String) throws -> JSONObject {
    do {
      let value = try JSONValue.parse(Array(text.utf8))
      if let object = value.object { return object }
      throw ComparisonError.badPlan(path: path, place: "the file", problem: "expected an object, found another value")
    } catch let error as JSONError {
      let line = 1 + text.utf8.prefix(error.offset).count { $0 == 10 }
      throw ComparisonError.badPlan(
        path: path, place: "line \(line)", problem: "expected \(error.expected), found \(error.found)")
    }
  }

  /// The strategies it names.
  /// - Throws: `ComparisonError.badPlan`.
  package func strategies() throws -> [String] {
    guard let value = members["strategies"] else { return [] }
    guard let items = value.array, case let texts = items.compactMap(\.string), texts.count == items.count else {
      throw ComparisonError.badPlan(
        path: path, place: "strategies", problem: "expected a list of strings, found \(value.text(indent: nil))")
    }
    return texts
  }

  /// Its flags as arguments, one group a key.
  /// - Throws: `ComparisonError.badPlan`.
  package func arguments() throws -> [(key: String, arguments: [String])] {
    try members.keys.filter { $0 != "strategies" }.map { key in
      guard key.first != "-", key.count > 1, !key.contains(where: { $0.isWhitespace || $0 == "=" }) else {
        throw ComparisonError.badPlan(
          path: path, place: key, problem: "expected a flag's long name without dashes, found '\(key)'")
      }
      return (key, try arguments(key, members[key] ?? .null))
    }
  }

  private func arguments(_ key: String, _ value: JSONValue) throws -> [String] {
    if case .bool(let flag) = value { return flag ? ["--\(key)"] : [] }
    guard case .array(let items) = value else { return ["--\(key)=\(try scalar(key, value))"] }
    let texts = try items.map { try scalar(key, $0) }
    // Seeds are one argument; everything else that has several values is repeated.
    return key == "seeds" ? ["--seeds=" + texts.joined(separator: ",")] : texts.map { "--\(key)=\($0)" }
  }

  private func scalar(_ key: String, _ value: JSONValue) throws -> String {
    switch value {
    case .string(let text): return text
    case .integer(let number): return String(number)
    case .number(let number): return "\(number)"
    case .null, .bool, .array, .object:
      throw ComparisonError.badPlan(
        path: path, place: key, problem: "expected a string or a number, found \(value.text(indent: nil))")
    }
  }
}
