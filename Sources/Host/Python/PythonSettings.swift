// Which Python runs plugins in Python, and within which bounds. Made by whoever makes a registry.

import Files
import Glibc
package import Logging
package import PluginIsolation
import PluginLoading
import Processes

/// The settings of plugins in Python.
package struct PythonSettings: Sendable {
  /// A Python by its path; nil: MIXCSE_PYTHON, else that of the active virtual environment, else `python3`.
  package var python: String?
  /// What its processes may use.
  package var bounds: Isolation.Bounds
  /// Whether a plugin may come when there are others already that its process cannot see the memory of: only where
  /// each objective has all of its memory to itself.
  package var comesLate = false
  /// Whether processes die with the thread that started them; a library is called from threads that come and go.
  package var isTied = true
  /// Takes what plugins log and print.
  package var logger: Logger

  /// Settings by their parts.
  package init(
    python: String? = nil, bounds: Isolation.Bounds, comesLate: Bool = false, isTied: Bool = true, logger: Logger
  ) {
    (self.python, self.bounds, self.comesLate, self.isTied) = (python, bounds, comesLate, isTied)
    self.logger = logger
  }

  /// The path of the Python.
  /// - Throws: `PluginRefusal.worker` where there is none, with what was looked for.
  func interpreter() throws(PluginRefusal) -> String {
    let (name, origin) = wanted
    guard let path = ChildOutput.found(name) else {
      throw .worker("expected a Python at \(name) (\(origin)), found none; set MIXCSE_PYTHON to one that has NumPy")
    }
    return path
  }

  private var wanted: (name: String, origin: String) {
    if let python { return (python, "as the caller says") }
    // A program that runs with more rights than its user does not let the environment choose what runs.
    func variable(_ name: String) -> String? {
      runsPrivileged() ? nil : getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }
    if let named = variable("MIXCSE_PYTHON") { return (named, "MIXCSE_PYTHON") }
    if let environment = variable("VIRTUAL_ENV") { return (environment + "/bin/python", "VIRTUAL_ENV") }
    return ("python3", "on the PATH")
  }
}
