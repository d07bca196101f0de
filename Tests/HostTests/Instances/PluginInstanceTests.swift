// Instances and services, seen from a plugin's side: a C plugin checks what it is given, the tests what it left behind.

import Foundation
import Host
import Kernels
import Logging
import PluginAPI
import Synchronization
import TestSupport
import Testing

struct PluginInstanceTests {
  private let limits = PluginLimits(
    maxRows: 4, width: 6, maxTokens: 8, maxSequences: 8, layerCount: 1, viewCount: 2)

  private func instance(_ log: LogLines = LogLines(), seed: UInt64 = 42, name: String = "services") throws
    -> PluginInstance
  {
    let library = try ServicesPlugin.path.get()
    let services = HostServices(pool: ThreadPool(threads: 2), logger: Logger(label: "test") { _ in LogCollector(log) })
    let registry = try PluginRegistry(searchPath: PluginSearchPath(folders: []), host: services.table)
    let component = try registry.component(.loss, library)
    return try PluginInstance(
      component: component, values: ParameterValues(for: component, settings: []), name: name, services: services,
      seed: seed)
  }

  @Test func servicesKeepWhatTheHeaderPromises() throws {
    let log = LogLines()
    let instance = try instance(log)
    #expect(log.all == ["info hello from a plugin", "warning careful: \u{FFFD} is no UTF-8"])
    try instance.prepare(limits)
    #expect(instance.plan.scratchBytes == 100 && instance.plan.tapeBytes == 3)
  }

  @Test func weightsStartAsDeclared() throws {
    let first = try instance()
    try first.prepare(limits)
    func values(_ index: Int, of instance: PluginInstance) -> [Double] {
      let weight = instance.weights[index]
      return withExtendedLifetime(weight) { (0..<weight.count).map { Double(weight.value[$0]) } }
    }
    #expect(first.weights.map(\.name) == ["zero", "const", "normal", "uniform", "eye"].map { "plugin.services.\($0)" })
    #expect(values(0, of: first).allSatisfy { $0 == 0 } && values(1, of: first).allSatisfy { $0 == 2 })
    let normal = values(2, of: first)
    let mean = normal.reduce(0, +) / 2000
    let deviation = (normal.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 2000).squareRoot()
    #expect(abs(mean - 2) < 0.3 && abs(deviation - 3) < 0.3)
    let uniform = values(3, of: first)
    #expect(uniform.allSatisfy { $0 >= 2 && $0 < 3 } && abs(uniform.reduce(0, +) / 2000 - 2.5) < 0.05)
    #expect(values(4, of: first).indices.allSatisfy { values(4, of: first)[$0] == ($0 % 51 == 0 ? 1 : 0) })
    let (same, seed, name) = (try instance(), try instance(seed: 43), try instance(name: "services#2"))
    for other in [same, seed, name] { try other.prepare(limits) }
    #expect(values(2, of: same) == normal && values(2, of: seed) != normal && values(2, of: name) != normal)
  }

  @Test func metricsThatAreNotReportedAreLeftOut() throws {
    let instance = try instance()
    try instance.prepare(limits)
    let matrix = Tensor(shape: [2, 3], rowStride: 16, storage: GuardedBuffer(byteCount: 128, label: "logits"))
    var logits = cse_logits()
    logits.struct_size = UInt32(MemoryLayout<cse_logits>.size)
    logits.logits = UnsafePointer(matrix.dl)
    instance.begin(StepPosition(step: 1))
    #expect(instance.metrics.isEmpty)
    #expect(try withExtendedLifetime(matrix) { try instance.onLogits(&logits, wantsGradients: false) } == 1)
    #expect(instance.metrics.map(\.name) == ["spoken"] && instance.metrics.map(\.value) == [2.5])
    let failure = #expect(throws: PluginFailure.self) { try instance.pool(UnsafePointer(&emptyTokens), output: matrix) }
    #expect("\(try #require(failure))".contains("has no function pool"))
  }

  @Test func canariesSeeTheFirstByteOutside() {
    for size in [0, 1, 7, 64, 100] {
      for offset in [-64, -1, size, size + 63] {
        let buffer = GuardedBuffer(byteCount: size, label: "room")
        #expect(buffer.damage == nil)
        #expect(UInt(bitPattern: buffer.pointer) % 64 == 0)
        buffer.pointer.storeBytes(of: 1, toByteOffset: offset, as: UInt8.self)
        let expected =
          offset < 0
          ? "wrote \(-offset) bytes before the start of 'room'"
          : "wrote past the end of 'room': byte \(offset) of \(size)"
        #expect(buffer.damage == expected)
      }
    }
  }

  @Test func tensorsFindWhatIsNotFinite() {
    let tensor = Tensor(shape: [3, 5], rowStride: 16, storage: GuardedBuffer(byteCount: 192, label: "t"))
    #expect(tensor.firstNonFinite == nil)
    tensor.floats[5] = .nan  // padding is nobody's value
    #expect(tensor.firstNonFinite == nil)
    tensor.floats[2 * 16 + 4] = -.infinity
    #expect(tensor.firstNonFinite == 14)
    tensor.floats[0] = 1e30  // its square overflows, it is finite all the same
    #expect(tensor.firstNonFinite == 14)
    tensor.floats[2 * 16 + 4] = 0
    #expect(tensor.firstNonFinite == nil)
    #expect(tensor.shape == [3, 5] && tensor.dl.pointee.strides[1] == 1 && tensor.dl.pointee.strides[0] == 16)
  }
}

nonisolated(unsafe) private var emptyTokens = cse_tokens()

/// The plugin of services.c, compiled once.
private enum ServicesPlugin {
  static let path: Result<String, any Error> = Result {
    let folder = FileManager.default.temporaryDirectory.path + "/running-plugin-\(getpid())"
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
    let built = try shell([
      "cc", "-O2", "-shared", "-fPIC", "-I", Resources.packageRoot + "/Sources/PluginAPI/include",
      Resources.fixture("objective/services.c"), "-o", folder + "/libservices.so", "-lm",
    ])
    try #require(built.code == 0, "\(built.errors)")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder + "/libservices.so")
    return folder + "/libservices.so"
  }
}

private final class LogLines: Sendable {
  private let lines = Mutex<[String]>([])
  var all: [String] { lines.withLock { $0 } }
  func add(_ line: String) { lines.withLock { $0.append(line) } }
}

private struct LogCollector: LogHandler {
  let lines: LogLines
  var metadata: Logger.Metadata = [:]
  var logLevel: Logger.Level = .trace
  init(_ lines: LogLines) { self.lines = lines }
  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }
  func log(event: LogEvent) { lines.add("\(event.level) \(event.message)") }
}
