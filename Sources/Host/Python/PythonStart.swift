// Starts a process of Python's with the worker's modules and the memory that both sides see. Used by PythonPlace for
// files, and by PythonEncoder.

import CIsolation
import CPythonPlugins
import Files
import Glibc
import Kernels
import PluginInstances
import PluginIsolation
import Processes

/// A process of Python's, started.
enum PythonStart {
  /// - Parameters:
  ///   - what: three texts: a plugin's file, or `--encoder` and what is to be loaded.
  ///   - name: by which what it prints is logged.
  static func line(
    _ what: [String], _ settings: PythonSettings, _ interpreter: String, name: String
  ) throws(PluginFailure.Reason) -> WorkerLine {
    let memory: SharedMemory
    do { memory = try SharedMemory.open() } catch {
      throw .contract("expected shared memory, but \(error.operation) failed: \(systemMessage(error.code))")
    }
    return try WorkerLine(settings.bounds, memory: memory) { doorbell in
      let modules = try PythonModules()
      let (shown, shared) = (memory.shown, memory.shared)
      var start = ChildSettings(
        program: interpreter, name: interpreter,
        ["-u", "-c", modules.boot] + what + [
          "\(getpid())", settings.isTied ? "1" : "0", "\(settings.bounds.memoryBytes)", "\(shown.address)",
          "\(shown.byteCount)", "\(shared.address)", "\(shared.byteCount)", "\(doorbell)",
        ])
      start.variables = variables(threads: settings.bounds.threads)
      return try WorkerProcess(
        start, memory: memory, more: [modules.descriptor], name: name, logger: settings.logger)
    }
  }

  /// Threads as the run has them, unless the user says otherwise; no fewer where the machine is busy, since the bits of
  /// a sum depend on how many share it.
  private static func variables(threads: Int) -> [String] {
    var variables = Environment.entries()
    let wanted = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"].map { ($0, "\(threads)") }
    for (name, value) in wanted + [("OMP_DYNAMIC", "FALSE"), ("MKL_DYNAMIC", "FALSE")]
    where !variables.contains(where: { $0.hasPrefix(name + "=") }) {
      variables.append("\(name)=\(value)")
    }
    return variables
  }
}

/// The Python side's modules, in memory that a process gets as a descriptor.
private final class PythonModules {
  /// What Python is started with.
  let boot: String
  let descriptor: Int32

  init() throws(SystemFailure) {
    var count: Int32 = 0
    guard let modules = pp_modules(&count) else { throw SystemFailure(operation: "modules", code: EINVAL) }
    let texts = (0..<Int(count)).map { index in
      let bytes = UnsafeRawBufferPointer(start: modules[index].source, count: Int(modules[index].length))
      return (name: String(cString: modules[index].name), source: String(decoding: bytes, as: UTF8.self))
    }
    boot = texts[0].source
    let bytes = Netstrings.encode(texts.dropFirst().flatMap { [$0.name, $0.source] })
    descriptor = iso_memory("mixcse-python", bytes.count)
    guard descriptor >= 0 else { throw SystemFailure(operation: "memfd_create", code: errno) }
    guard bytes.withUnsafeBytes({ pwrite(descriptor, $0.baseAddress, $0.count, 0) }) == bytes.count else {
      throw SystemFailure(operation: "pwrite", code: errno)
    }
  }

  deinit { Glibc.close(descriptor) }
}
