// One reader under libFuzzer: FUZZ_TARGET=json fuzz FOLDER..., or fuzz FILE... to try single inputs. Started by run.py.

import Foundation
import FuzzTargets

/// libFuzzer's loop, which is given the function that it tries inputs on.
@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
  _ count: UnsafeMutablePointer<Int32>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
  _ body: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
) -> Int32

@main
enum Fuzz {
  private static let scratch = FuzzScratch(path: folder)
  private static let folder = NSTemporaryDirectory() + "mixcse-fuzz-\(getpid())"
  private static let target = FuzzTarget.named(ProcessInfo.processInfo.environment["FUZZ_TARGET"] ?? "")

  static func main() throws {
    guard target != nil else {
      for target in FuzzTarget.all { print(target.name, target.largest) }
      return
    }
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    atexit { try? FileManager.default.removeItem(atPath: Fuzz.folder) }
    var (count, arguments) = (CommandLine.argc, CommandLine.unsafeArgv)
    let code = runDriver(&count, &arguments) { bytes, size in
      let input = [UInt8](UnsafeBufferPointer(start: bytes, count: size))
      do {
        try Fuzz.target?.read(input, Fuzz.scratch)
      } catch {
        // Messages are written by code, too.
        precondition(!"\(error)".isEmpty)
      }
      return 0
    }
    exit(code)
  }
}
