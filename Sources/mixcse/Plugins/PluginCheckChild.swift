// The child of `plugins check`: it runs one test and writes down how that went. Started by CheckRun.

import Files
import FoundationEssentials
import Glibc
import Host
import Kernels
import Logging
import PluginCheck

/// What a child writes for its parent.
struct ChildReport: Codable {
  /// passed, failed, skipped
  var outcome: String
  var problem: String?
  /// The components of the library, for the parent to go through.
  var components: [String] = []
  /// Whether the plugin runs in a process of its own anyway, as one in Python.
  var isApart: Bool?
}

/// The child: one test and its report, or several of one component and their reports line by line.
struct PluginCheckChild {
  let command: PluginsCheckCommand

  func run(_ target: String, report path: String) throws {
    let report: ChildReport
    if let equals = target.lastIndex(of: "=") {
      let (component, ids) = (String(target[..<equals]), target[target.index(after: equals)...].split(separator: ","))
      if ids.count > 1 { return try several(ids.map(String.init), of: component, report: path) }
      report = try test(String(ids.first ?? ""), of: component, in: components())
    } else {
      report = load(target)
    }
    try JSONEncoder().encode(report).write(to: URL(fileURLWithPath: path))
  }

  /// What has been found when this process ends early is there already.
  private func several(_ ids: [String], of component: String, report path: String) throws {
    let found = try components()
    let file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw WriteFailure(code: errno) }
    defer { close(file) }
    for id in ids { try writeAll(JSONEncoder().encode(test(id, of: component, in: found)) + [10], to: file) }
  }

  private func components(services: HostServices? = nil) throws -> [PluginComponent] {
    let logger = Logger(label: "check") { _ in SwiftLogNoOpLogHandler() }
    return try command.plugins.registry(logger: logger, services: services).everything(called: command.name).components
  }

  /// The components that a host of a later minor version is offered.
  private func componentsOfNewerHost() throws -> [PluginComponent] {
    let logger = Logger(label: "check") { _ in SwiftLogNoOpLogHandler() }
    return try components(services: HostServices(pool: ThreadPool(threads: 1), logger: logger, age: .newer))
  }

  private func load(_ id: String) -> ChildReport {
    let traces = ProcessTraces()
    let start = ContinuousClock.now
    do {
      let found = try id == "load.new-host" ? componentsOfNewerHost() : components()
      let time = ContinuousClock.now - start
      if id == "load.fast", time > .milliseconds(500) {
        return ChildReport(outcome: "failed", problem: "loading took \(time)")
      }
      if id == "load.no-side-effects", let difference = traces.difference() {
        return ChildReport(outcome: "failed", problem: "after loading: \(difference)")
      }
      if let component = found.first, !command.settings.isEmpty {
        guard found.count == 1 else {
          return ChildReport(outcome: "failed", problem: "values are of one component: name it, \(command.name):NAME")
        }
        _ = try ParameterValues(for: component, settings: command.settings)
      }
      return ChildReport(
        outcome: "passed", components: found.map(\.id), isApart: found.contains { ComponentBench($0, seed: 0).isApart })
    } catch {
      return ChildReport(outcome: "failed", problem: "\(error)")
    }
  }

  private func test(_ id: String, of component: String, in components: [PluginComponent]) throws -> ChildReport {
    guard let found = components.first(where: { $0.id == component }),
      let test = ConformanceTest.all.first(where: { $0.id == id })
    else { return ChildReport(outcome: "failed", problem: "no test \(id) of \(component)") }
    switch test.run(on: ComponentBench(found, seed: command.seed, settings: command.settings)) {
    case .passed: return ChildReport(outcome: "passed")
    case .failed(let problem): return ChildReport(outcome: "failed", problem: problem)
    case .skipped(let reason): return ChildReport(outcome: "skipped", problem: reason)
    }
  }
}
