// `mixcse plugins call`: one function of a plugin, by name, with arguments from the command line.

import ArgumentParser
import Host

struct PluginsCallCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "call", abstract: "Calls one function of a plugin and prints what it returns.",
    discussion: """
      NAME is a bare function (./lib.so:warm, warm) or COMPONENT.FUNCTION of a plugin that offers cse.functions/1. \
      Arrays are [1,2,3], [1,2;3,4] with rows, or a .npy file; sizes follow from them. \
      The function runs in this process: check what you do not trust with `mixcse plugins check` first.
      """)

  @OptionGroup var plugins: PluginOptions
  @Flag(help: "Print one JSON document.") var json = false
  @Argument(help: ArgumentHelp("The function.", valueName: "name")) var name: String
  @Argument(help: ArgumentHelp("Its arguments.", valueName: "argument=value")) var arguments: [String] = []

  func run() throws {
    let registry = try plugins.registry(logger: commandLogger())
    let function = try function(in: registry)
    let pairs = try arguments.map { text -> (String, String) in
      guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
        throw ValidationError("'\(text)': expected argument=value")
      }
      return (String(text[..<equals]), String(text[text.index(after: equals)...]))
    }
    let result = try DirectCall(function, arguments: pairs).run()
    if json { return try printJSON(CallReport(result)) }
    if let value = result.returned { try printText("\(value)") }
    for (name, array) in result.arrays { try printText("\(name) = \(text(array))") }
  }

  /// The bare function of this name, else the function of an extension.
  private func function(in registry: PluginRegistry) throws -> ForeignFunction {
    let failure: any Error
    do {
      let found = try registry.everything(called: name).components
      let functions = try found.flatMap { component in
        try callable(component).filter { component.bare == nil || $0.signature.declaration.name == component.name }
      }
      if let function = functions.first, functions.count == 1 { return function }
      let offered = try found.flatMap(callable).map { $0.signature.declaration.name }
      throw UsageError.ambiguous(kind: "function", name: name, candidates: offered.isEmpty ? ["(none)"] : offered)
    } catch {
      failure = error
    }
    guard let dot = name.lastIndex(of: "."), dot != name.startIndex,
      let found = try? registry.everything(called: String(name[..<dot])).components
    else { throw failure }
    let wanted = name[name.index(after: dot)...]
    guard let function = try found.flatMap(callable).first(where: { $0.signature.declaration.name == wanted }) else {
      throw failure
    }
    return function
  }

  private func callable(_ component: PluginComponent) throws -> [ForeignFunction] {
    do {
      return try component.callableFunctions()
    } catch {
      throw PluginError.refused(path: component.library.path, reason: error)
    }
  }

  private func text(_ array: CallArray) -> String {
    guard array.shape.count == 2 else { return "\(array.values)" }
    let width = array.shape[1]
    return (0..<array.shape[0]).map { "\(array.values[($0 * width)..<(($0 + 1) * width)])" }.joined(separator: "\n  ")
  }
}

/// The whole of `plugins call --json`; what is not finite is null.
private struct CallReport: Encodable {
  struct Array: Encodable {
    let shape: [Int]
    let values: [Double?]
  }

  let result: Double?
  let arrays: [String: Array]

  init(_ call: CallResult) {
    result = call.returned.flatMap { $0.isFinite ? $0 : nil }
    arrays = Dictionary(
      uniqueKeysWithValues: call.arrays.map { name, array in
        (name, Array(shape: array.shape, values: array.values.map { $0.isFinite ? $0 : nil }))
      })
  }
}
