// The child of `plugins check`: it runs one test and writes down how that went. Started by CheckRun.

import FoundationEssentials
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
}

/// The child: one test, one report.
struct PluginCheckChild {
  let command: PluginsCheckCommand

  func run(_ target: String, report path: String) throws {
    let report: ChildReport
    if let equals = target.lastIndex(of: "=") {
      report = try test(String(target[target.index(after: equals)...]), of: String(target[..<equals]))
    } else {
      report = load(target)
    }
    try JSONEncoder().encode(report).write(to: URL(fileURLWithPath: path))
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
      return ChildReport(outcome: "passed", components: found.map(\.id))
    } catch {
      return ChildReport(outcome: "failed", problem: "\(error)")
    }
  }

  private func test(_ id: String, of component: String) throws -> ChildReport {
    guard let found = try components().first(where: { $0.id == component }),
      let test = ConformanceTest.all.first(where: { $0.id == id })
    else { return ChildReport(outcome: "failed", problem: "no test \(id) of \(component)") }
    switch test.run(on: ComponentBench(found, seed: command.seed, settings: command.settings)) {
    case .passed: return ChildReport(outcome: "passed")
    case .failed(let problem): return ChildReport(outcome: "failed", problem: problem)
    case .skipped(let reason): return ChildReport(outcome: "skipped", problem: reason)
    }
  }
}
