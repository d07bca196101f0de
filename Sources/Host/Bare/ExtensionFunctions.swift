// The extension "cse.functions/1" of components with a descriptor: typed functions, found by name.

import PluginAPI
import PluginGrammar
package import PluginLoading

extension PluginComponent {
  /// The functions this component offers to be called by name; a bare component is its own.
  /// - Throws: `PluginRefusal` where the table or a declaration in it cannot be used.
  package func callableFunctions() throws(PluginRefusal) -> [ForeignFunction] {
    if place != nil {
      throw .worker("its functions are not called by hand in a process of its own; leave --isolate out")
    }
    if let bare { return [bare.forward] + (bare.backward.map { [$0] } ?? []) }
    guard let find = pointer.pointee.get_extension, let address = find(declared, "cse.functions/1") else { return [] }
    let field = "\(name): cse.functions/1"
    let reader = try DescriptorReader()
    let table = try reader.structure(
      cse_functions_1(), at: UInt(bitPattern: address), smallest: MemoryLayout<cse_functions_1>.size, field: field)
    guard table.n_functions <= UInt32(BareLimits.declarations) else {
      throw .descriptor(
        field: field, problem: "\(table.n_functions) functions are more than \(BareLimits.declarations)")
    }
    let words = try reader.words(at: UInt(bitPattern: table.functions), count: Int(table.n_functions) * 2, field: field)
    var functions: [ForeignFunction] = []
    for index in 0..<Int(table.n_functions) {
      let place = "\(field).functions[\(index)]"
      let text = try reader.text(UnsafePointer(bitPattern: words[2 * index]), place, limit: BareLimits.text)
      guard reader.code.contains(words[2 * index + 1]),
        let code = UnsafeMutableRawPointer(bitPattern: words[2 * index + 1])
      else { throw .descriptor(field: place, problem: "its function points to where no code is") }
      functions.append(try Self.function(text, code, place))
    }
    return functions
  }

  private static func function(
    _ text: String, _ code: UnsafeMutableRawPointer, _ place: String
  ) throws(PluginRefusal) -> ForeignFunction {
    let meanings: [BareComponent]
    do {
      meanings = try BareComponent.components(of: BareParser.parse(text), source: text)
    } catch {
      throw .functions(origin: place, problem: "\(error)")
    }
    guard let meaning = meanings.first, meanings.count == 1, meaning.kind == .other else {
      throw .functions(origin: place, problem: "expected one fn or schedule, found \(meanings.count) declarations")
    }
    return try ForeignFunction(meaning.forward, address: code)
  }
}
