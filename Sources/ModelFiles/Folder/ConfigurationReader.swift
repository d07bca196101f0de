// Typed values out of config.json, with errors that name key and file. Called by EncoderConfiguration's reader.

import Encoder
import Files

/// Takes typed values out of config.json, with errors that name key and file.
struct ConfigurationReader {
  private typealias Format = ArchitectureFormat
  let object: JSONObject
  let path: String

  init(_ object: JSONObject, path: String) {
    self.object = object
    self.path = path
  }

  /// A value that is whole JSON and makes no sense: to fetch the file again would not help.
  func error(_ key: String, expected: String) -> FileError {
    guard let value = object[key] else {
      return .malformed(
        path: path, place: "key \"\(key)\"", expected: expected, found: "no such key", advice: "Add it to the file")
    }
    return .malformed(
      path: path, place: "key \"\(key)\"", expected: expected, found: value.summary, advice: "Correct it in the file")
  }

  /// The value of a key by either of its names; nil without one.
  private func value<Value>(_ key: ArchitectureFormat.Key<Value>) throws -> JSONValue? {
    guard let alias = key.alias, let other = object[alias], other != .null else { return object[key.name] }
    // Which one counts would depend on the order of the file.
    if let own = object[key.name], own != other {
      throw ModelFileError.unsupported(
        path: path, what: alias, found: other.summary, supported: "\(own.summary), as \(key.name)")
    }
    return other
  }

  func integer(_ key: ArchitectureFormat.Key<Int>, _ range: ClosedRange<Int>) throws -> Int {
    guard let value = (try value(key) ?? .integer(key.standard)).integer, range.contains(value) else {
      throw error(key.name, expected: "a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  /// The token that fills up batches elsewhere. BERT does without where it is null: no row is set apart then.
  func padTokenID(_ format: ArchitectureFormat, below vocabularySize: Int) throws -> Int {
    if format.hasFixedPadding {
      guard format.padTokenID.standard < vocabularySize else {
        throw error(format.vocabularySize.name, expected: "more than \(format.padTokenID.standard)")
      }
      return format.padTokenID.standard
    }
    if !format.countsBehindPadding, object[format.padTokenID.name] == .null { return 0 }
    return try integer(format.padTokenID, 0...vocabularySize - 1)
  }

  /// Rows of the table of task types; 0 where it is not used.
  func taskTypes(_ format: ArchitectureFormat) throws -> Int {
    guard let keys = format.taskTypes else { return 0 }
    return try flag(keys.isUsed) ? try integer(keys.rows, 1...1 << 16) : 0
  }

  func number(
    _ key: ArchitectureFormat.Key<Double>, above: Double = -.infinity, from: Double = -.infinity, below: Double
  ) throws -> Float {
    guard let value = (object[key.name] ?? .number(key.standard)).double, value > above, value >= from, value < below,
      Float(value) > Float(above)
    else {
      let low = from == -.infinity ? "above \(above)" : "at least \(from)"
      throw error(key.name, expected: "a number \(low) and below \(below)")
    }
    return Float(value)
  }

  func format() throws -> ArchitectureFormat {
    let supported = Format.all.map(\.family.rawValue).joined(separator: ", ")
    guard let name = object["model_type"]?.string else {
      throw error("model_type", expected: "one of \(supported)")
    }
    guard let format = Format.all.first(where: { $0.family.rawValue == name }) else {
      throw ModelFileError.unsupported(
        path: path, what: "model_type", found: "\"\(name)\"",
        supported: supported + "; and what transformers loads, with --encoder transformers")
    }
    return format
  }

  func flag(_ key: ArchitectureFormat.Key<Bool>) throws -> Bool {
    guard let value = (object[key.name] ?? .bool(key.standard)).bool else {
      throw error(key.name, expected: "true or false")
    }
    return value
  }

  func activation(_ key: ArchitectureFormat.Key<String>) throws -> EncoderConfiguration.Activation {
    guard let name = (object[key.name] ?? .string(key.standard)).string else {
      throw error(key.name, expected: "the name of a function, such as gelu")
    }
    switch name {
    case "gelu", "gelu_python": return .gelu
    case "gelu_new", "gelu_fast", "gelu_accurate", "gelu_pytorch_tanh", "gelu_python_tanh": return .geluTanh
    case "relu": return .relu
    default:
      throw ModelFileError.unsupported(
        path: path, what: key.name, found: "\"\(name)\"", supported: "gelu, gelu_new, gelu_pytorch_tanh, relu")
    }
  }

  /// - Throws: `ModelFileError.unsupported` for a key that would change the computation, and is not built.
  func refuse(by rules: SettingRules) throws { try rules.check(object, path: path) }
}

extension SettingRules {
  /// - Throws: `ModelFileError.unsupported` naming the first key that asks for what is not built.
  func check(_ object: JSONObject, path: String) throws {
    guard let refusal = refusal(in: object) else { return }
    throw ModelFileError.unsupported(
      path: path, what: refusal.key, found: refusal.found, supported: refusal.supported)
  }
}
