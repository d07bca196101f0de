// One reader under libFuzzer, whose `main` calls the two functions below: FUZZ_TARGET=json fuzz FOLDER..., or with
// files in place of folders to try single inputs. Without FUZZ_TARGET it lists the readers. Started by run.py.

import Foundation
import FuzzTargets

private let target = ProcessInfo.processInfo.environment["FUZZ_TARGET"].flatMap(FuzzTarget.named)
private let folder = NSTemporaryDirectory() + "/mixcse-fuzz-\(getpid())"
private let scratch = FuzzScratch(path: folder)

/// Called once, before the first input.
@_cdecl("LLVMFuzzerInitialize")
public func initialize(_ count: UnsafeMutablePointer<Int32>, _ arguments: UnsafeMutableRawPointer) -> Int32 {
  guard target != nil else {
    for target in FuzzTarget.all { print(target.name, target.largest) }
    exit(0)
  }
  do {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  } catch {
    print("fuzz: \(error)")
    exit(74)
  }
  atexit { try? FileManager.default.removeItem(atPath: folder) }
  return 0
}

/// Called with each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
  do {
    try target?.read([UInt8](UnsafeBufferPointer(start: bytes, count: size)), scratch)
  } catch {
    // Messages are written by code, too.
    precondition(!"\(error)".isEmpty)
  }
  return 0
}
