// A component and its library, as text and as JSON; used by `mixcse plugins list` and `info`.

import Host

/// One component with all that is known about it.
struct ComponentReport: Encodable {
  struct Parameter: Encodable {
    let name: String
    let type: String
    let choices: [String]?
    let `default`: String
    let range: String?
    let live: Bool
    let log: Bool
    let text: String
  }

  /// What a pooler says of itself.
  struct Pooling: Encodable {
    let tokens: String
    let head: String
  }

  let id: String
  let name: String
  let kind: String
  let doc: String
  let pooling: Pooling?
  let parameters: [Parameter]
  let metrics: [String]
  let library: LibraryReport

  init(_ component: PluginComponent) {
    id = component.id
    name = component.name
    kind = component.kind.rawValue
    doc = component.doc
    pooling = component.pooling.map { Pooling(tokens: $0.tokens.rawValue, head: $0.wantsHead ? "mlp" : "none") }
    metrics = component.metrics
    library = LibraryReport(component.library)
    parameters = component.parameters.map { parameter in
      var choices: [String]?
      if case .choice(let words) = parameter.type { choices = words }
      return Parameter(
        name: parameter.name, type: choices == nil ? "\(parameter.type)" : "choice", choices: choices,
        default: "\(parameter.default)", range: parameter.range.map { "\($0)" }, live: parameter.live,
        log: parameter.log, text: parameter.text)
    }
  }

  var text: String {
    var lines = ["\(kind) \(name) (\(id))"]
    lines += doc.split(separator: "\n", omittingEmptySubsequences: false).map { "  \($0)" }
    let heads = parameters.map { parameter -> [String] in
      let type = parameter.choices?.joined(separator: "|") ?? parameter.type
      let traits = [parameter.live ? "live" : nil, parameter.log ? "log" : nil].compactMap { $0 }
      let value = parameter.default.isEmpty ? "\"\"" : parameter.default
      let range = parameter.range.map { " in \($0)" } ?? ""
      return ["\(parameter.name)", "\(type) = \(value)\(range)", traits.joined(separator: " "), parameter.text]
    }
    lines.append(heads.isEmpty ? "PARAMETERS: none" : "PARAMETERS\n" + textTable(heads, indent: 2))
    if let pooling {
      lines.append("POOLING: \(pooling.tokens) of the tokens in exported models; default head \(pooling.head)")
    } else if kind == ComponentKind.pooler.rawValue {
      lines.append("POOLING: not said; exported models keep the name as text")
    }
    if !metrics.isEmpty { lines.append("METRICS: " + metrics.joined(separator: ", ")) }
    return lines.joined(separator: "\n")
  }
}

/// Where something comes from.
struct LibraryReport: Encodable {
  let id: String
  let declaredID: String
  let version: String
  let license: String?
  let path: String
  let sha256: String
  let buildID: String?
  let abi: String
  /// What runs it, where the processor does not.
  let runtime: String?

  init(_ library: LibraryIdentity) {
    id = library.id
    declaredID = library.declaredID
    version = library.version
    license = library.license
    path = library.path
    sha256 = library.sha256
    buildID = library.buildID
    abi = "1.\(library.abiMinor)"
    runtime = library.runtime
  }

  var text: String {
    let rows = [
      ["library", declaredID == id ? id : "\(id) (\(declaredID), renamed)"], ["version", version],
      ["license", license ?? "not stated"], ["plugin ABI", abi], ["file", path], ["sha256", sha256],
      runtime.map { ["run by", $0] } ?? ["build id", buildID ?? "none"],
    ]
    return "FROM\n" + textTable(rows, indent: 2)
  }
}
