// Bare functions: what a call costs over calling the C function directly, and ten million texts for the parser.
//
//   make bare-bench ARGUMENTS=calls
//   make bare-bench ARGUMENTS='fuzz 10000000 [SEED]'

import Foundation
import Host
import Kernels
import Logging
import PluginAPI
import TestSupport

@main
enum BareBench {
  static func main() throws {
    let arguments = CommandLine.arguments.dropFirst()
    switch arguments.first {
    case "fuzz":
      let numbers = arguments.dropFirst().compactMap { UInt64($0) }
      fuzz(Int(numbers.first ?? 10_000_000), seed: numbers.dropFirst().first ?? 1)
    case "calls": try calls()
    default: print("usage: bare-bench fuzz [count] [seed] | bare-bench calls")
    }
  }

  // MARK: The parser

  /// Parses `count` texts; a crash or a hang is the failure that is looked for, a position outside of the text another.
  static func fuzz(_ count: Int, seed: UInt64) {
    var generator = GrammarFuzz(seed: seed, corpus: bareCorpus)
    var (accepted, understood, outside) = (0, 0, 0)
    let start = ContinuousClock.now
    for _ in 0..<count {
      let bytes = generator.next()
      do throws(BareTextProblem) {
        let text = try BareParser.parse(bytes: bytes)
        accepted += 1
        _ = try BareComponent.components(of: text, source: String(decoding: bytes, as: UTF8.self))
        understood += 1
      } catch {
        if error.line < 1 || error.column < 1 || error.line > bytes.count + 1 || error.column > bytes.count + 1 {
          outside += 1
        }
      }
    }
    let seconds = Double((ContinuousClock.now - start).components.seconds)
    print("\(count) texts (seed \(seed)): \(accepted) parsed, \(understood) of them understood, the others refused")
    print("positions outside of their text: \(outside); \(seconds) s")
  }

  // MARK: Calls

  /// The same small loss three ways: called directly, through libffi as the host does it, and an empty sampler.
  static func calls() throws {
    let folder = FileManager.default.temporaryDirectory.path + "/bare-bench-\(getpid())"
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try source.write(toFile: folder + "/empty.c", atomically: true, encoding: .utf8)
    let library = folder + "/libempty.so"
    let built = try shell([
      "cc", "-O2", "-shared", "-fPIC", "-I", Resources.packageRoot + "/Sources/PluginAPI/include",
      folder + "/empty.c", "-o", library,
    ])
    guard built.code == 0 else { return print(built.errors) }
    let table = library.replacingOccurrences(of: "empty", with: "table")
    let tableBuilt = try shell([
      "cc", "-O2", "-DTABLE", "-shared", "-fPIC",
      "-I", Resources.packageRoot + "/Sources/PluginAPI/include", folder + "/empty.c", "-o", table,
    ])
    guard tableBuilt.code == 0 else { return print(tableBuilt.errors) }
    for path in [library, table] {
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
    }
    let bare = try CallBench(library)
    let descriptor = try CallBench(table)
    // Interleaved, so that other load on the machine meets both.
    var (bareTimes, tableTimes): ([Double], [Double]) = ([], [])
    for _ in 0..<21 {
      bareTimes.append(try bare.nanoseconds())
      tableTimes.append(try descriptor.nanoseconds())
    }
    bareTimes.sort()
    tableTimes.sort()
    let (ours, peer) = (bareTimes[10], tableTimes[10])
    print("one call of a loss with nothing to do, 8 arguments, 4 rows of 4 logits, medians of 21 interleaved runs:")
    print("  bare function       \(Int(ours)) ns")
    print("  descriptor plugin   \(Int(peer)) ns")
    print("  what libffi adds    \(Int(ours - peer)) ns a call (asked for: under 1000)")
  }

  private static let source = """
    #include <stdint.h>
    #ifdef TABLE
    #include "cse_plugin.h"
    static cse_status on_logits(const cse_call *c, const cse_logits *x, double *loss) {
      (void)c, (void)x; *loss = 1; return CSE_OK;
    }
    static const cse_component empty = {CSE_COMPONENT(CSE_LOSS), .name = "empty", .doc = "empty",
      .params = "temperature: float = 0.05 in (0,)", .on_logits = on_logits};
    CSE_LIBRARY("org.example.empty", "1", "MIT", NULL, &empty)
    #else
    const char cse_functions[] = "loss empty(logits:f32[n,m], sim:f32[n,m], target:i64[n], n:i64, m:i64, step:i64, "
      "temperature:f64=0.05 in (0,), out dlogits:f32[n,m]) -> f64 ;";
    double empty(const float *l, const float *s, const int64_t *t, int64_t n, int64_t m, int64_t step, double T, float *dl) {
      (void)l, (void)s, (void)t, (void)n, (void)m, (void)step, (void)T, (void)dl; return 1;
    }
    #endif
    """
}

/// One instance of a loss and the logits it is called with.
private struct CallBench {
  private let instance: PluginInstance
  private let tensors: [Tensor]
  private let logits: UnsafeMutablePointer<cse_logits>
  private static let calls = 20_000

  init(_ library: String) throws {
    let services = HostServices(pool: ThreadPool(threads: 1), logger: Logger(label: "bench"))
    let registry = try PluginRegistry(searchPath: PluginSearchPath(folders: []), host: services.table)
    let component = try registry.component(.loss, library)
    instance = try PluginInstance(
      component: component, values: ParameterValues(for: component, settings: []), name: "empty", services: services,
      seed: 1)
    try instance.prepare(
      PluginLimits(maxRows: 4, width: 4, maxTokens: 8, maxSequences: 8, layerCount: 1, viewCount: 2))
    tensors = (0..<4).map { Tensor(shape: [4, 4], storage: GuardedBuffer(byteCount: 64, label: "\($0)")) }
    logits = .allocate(capacity: 1)
    logits.initialize(to: cse_logits())
    let target = UnsafeMutablePointer<Int64>.allocate(capacity: 4)
    for row in 0..<4 { (target + row).initialize(to: Int64(row)) }
    logits.pointee.struct_size = UInt32(MemoryLayout<cse_logits>.size)
    (logits.pointee.rows, logits.pointee.cols, logits.pointee.temperature) = (4, 4, 0.05)
    logits.pointee.logits = UnsafePointer(tensors[0].dl)
    logits.pointee.sim = UnsafePointer(tensors[1].dl)
    logits.pointee.dlogits = tensors[2].dl
    logits.pointee.dsim = tensors[3].dl
    logits.pointee.target = UnsafePointer(target)
  }

  /// Nanoseconds of one call, over many.
  func nanoseconds() throws -> Double {
    let start = ContinuousClock.now
    for _ in 0..<Self.calls { _ = try instance.onLogits(logits, wantsGradients: true) }
    let passed = (ContinuousClock.now - start).components
    return (Double(passed.seconds) * 1e9 + Double(passed.attoseconds) / 1e9) / Double(Self.calls)
  }
}
