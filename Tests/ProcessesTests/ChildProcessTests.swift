// Children: how they end, what they are given and what they are not, deadlines, groups.

import Foundation
import Glibc
import Processes
import TestSupport
import Testing

@Suite("child processes")
struct ChildProcessTests {
  private func shell(_ script: String, _ change: (inout ChildSettings) -> Void = { _ in }) throws -> ChildProcess {
    var settings = ChildSettings(program: "/bin/sh", name: "sh", ["-c", script])
    change(&settings)
    return try ChildProcess(settings)
  }

  @Test("codes and signals are told apart, and told again")
  func ends() throws {
    let child = try shell("exit 7")
    #expect(child.wait() == .exited(7) && child.poll() == .exited(7) && child.end == .exited(7))
    #expect(child.peakBytes > 0)
    #expect(try shell("kill -SEGV $$").wait() == .signalled(SIGSEGV))
    #expect(try shell("exec sleep 60").wait(atMost: 0.05) == nil)
  }

  @Test("a program that is not there is an error")
  func missing() {
    #expect(throws: SystemFailure(operation: "posix_spawn", code: ENOENT)) {
      _ = try ChildProcess(ChildSettings(program: "/nowhere/program", name: "program", []))
    }
  }

  @Test("standard output and errors go where they are sent, and are appended")
  func streams() throws {
    let scratch = try Scratch()
    let log = try scratch.file("log", "before\n")
    let child = try shell("read line; echo out $line; echo err >&2; ls /proc/$$/fd | tr '\\n' ' '") {
      $0.streams = [.nothing, .appended(to: log), .appended(to: log)]
    }
    #expect(child.wait() == .exited(0))
    let text = try String(contentsOfFile: log, encoding: .utf8)
    #expect(text.hasPrefix("before\nout\nerr\n0 1 2 "), "\(text)")
  }

  @Test("descriptors are put in order even where their numbers cross, and nothing else is inherited")
  func descriptors() throws {
    let (first, second, kept) = (try PipeEnds(), try PipeEnds(), dup(0))
    defer { close(kept) }
    let child = try shell("echo one >&3; echo two >&4; [ ! -e /proc/$$/fd/\(kept) ]") {
      $0.streams += [.descriptor(second.writing), .descriptor(first.writing)]
    }
    #expect(child.wait() == .exited(0))
    first.closeWriting()
    second.closeWriting()
    var buffer = [UInt8](repeating: 0, count: 16)
    #expect(read(second.reading, &buffer, 16) == 4 && String(decoding: buffer[..<4], as: UTF8.self) == "one\n")
    #expect(read(first.reading, &buffer, 16) == 4 && String(decoding: buffer[..<4], as: UTF8.self) == "two\n")
    #expect(read(first.reading, &buffer, 16) == 0, "nobody else holds the end that writes")
    let heir = try shell("[ -e /proc/$$/fd/\(kept) ]") { $0.inheritsOthers = true }
    #expect(heir.wait() == .exited(0))
  }

  @Test("a child that takes too long is ended with all that it started")
  func deadlines() throws {
    let scratch = try Scratch()
    let child = try shell("sleep 60 & echo $! > '\(scratch.path)/grandchild'; wait") {
      $0.deadline = 1
      $0.hasOwnGroup = true
    }
    #expect(child.wait() == .overran && child.poll() == .overran)
    let text = try String(contentsOfFile: scratch.path + "/grandchild", encoding: .utf8)
    let grandchild = try #require(pid_t(text.filter(\.isNumber)))
    // It is ended by the system, which may take its time to say so.
    for _ in 0..<1000 where !isGone(grandchild) { usleep(10_000) }
    #expect(isGone(grandchild))
  }

  /// Ended, though perhaps not collected by whoever inherited it.
  private func isGone(_ process: pid_t) -> Bool {
    guard kill(process, 0) == 0, let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8) else {
      return true
    }
    return text.split(separator: ")").last?.first { $0 != " " } == "Z"
  }

  @Test("a child ends with its object, unless it is left to itself")
  func ownership() throws {
    var owned: ChildProcess? = try shell("exec sleep 60")
    let identifier = try #require(owned?.identifier)
    owned = nil
    #expect(kill(identifier, 0) != 0)
    var left: ChildProcess? = try shell("exec sleep 60") { $0.endsWithObject = false }
    let other = try #require(left?.identifier)
    left = nil
    #expect(kill(other, 0) == 0)
    kill(other, SIGKILL)
    waitpid(other, nil, 0)
  }

  @Test("variables are replaced by name")
  func variables() throws {
    let entries = Environment.entries(with: ["PATH=/x", "CSE_NEW=1"])
    #expect(entries.filter { $0.hasPrefix("PATH=") } == ["PATH=/x"] && entries.contains("CSE_NEW=1"))
    #expect(entries.count == Environment.entries().count + 1)
    #expect(Environment.withoutBacktrace().count { $0.hasPrefix("SWIFT_BACKTRACE=") } == 1)
    let child = try shell("[ \"$CSE_NEW\" = 1 ]") { $0.variables = entries }
    #expect(child.wait() == .exited(0))
  }

  @Test("this program is found")
  func executable() throws {
    let path = try #require(ThisProcess.executable)
    #expect(path.hasPrefix("/") && path != ThisProcess.link && access(path, X_OK) == 0)
  }

  @Test("signals have names")
  func names() {
    #expect(SignalName.short(SIGSEGV) == "SIGSEGV" && SignalName.short(SIGILL) == "SIGILL (a trap)")
    #expect(SignalName.explained(SIGBUS) == "SIGBUS (bad memory access)")
    #expect(SignalName.explained(SIGTRAP) == "SIGTRAP (a trap)" && SignalName.short(63) == "signal 63")
  }
}
