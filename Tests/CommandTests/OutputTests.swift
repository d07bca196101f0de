// Where output goes: standard output that takes nothing is an error, standard error that takes nothing is no matter,
// and what is no regular file is written into.

import Foundation
import TestSupport
import Testing

@Suite struct OutputTests {
  let world: CommandWorld

  init() throws { world = try CommandWorld() }

  /// A command line of bash in which `mixcse`, the tiny model and its files stand by these names.
  private func bash(_ line: String) throws -> ShellResult {
    try shell(
      ["bash", "-c", line], in: world.folder, environment: ["MX": Resources.command, "SWIFT_BACKTRACE": "enable=no"])
  }

  /// The short run of `world` as words of bash.
  private func train(_ output: String, _ more: [String] = []) throws -> String {
    (try world.trainArguments(output, more)).map { "'\($0)'" }.joined(separator: " ")
  }

  static let printing = [
    "encode --model model --pooler avg --input train.txt --json", "tokenize --model model --input train.txt",
    "evaluate --model model --pooler avg --pairs pairs.tsv",
    "evaluate --model model --pooler avg --pairs pairs.tsv --json",
    "plugins list", "plugins list --json", "plugins info mixcse", "plugins check --list-tests", "--help", "--version",
    "probe --help", "probe --model model --input train.txt --sampler mixcse --loss infonce",
  ]

  @Test(arguments: printing)
  func outputThatCannotBeWrittenIsAnError(arguments: String) throws {
    let usual = try bash("$MX \(arguments)")
    try #require(usual.code == 0 && !usual.output.isEmpty, "\(usual.errors)")
    let full = try bash("$MX \(arguments) >/dev/full")
    #expect(full.code == 75 && full.errors.contains("standard output: write failed: No space left"), "\(full)")
    let closed = try bash("$MX \(arguments) >&-")
    #expect(closed.code == 74 && closed.errors.contains("standard output"), "\(closed)")
    // Whoever closes the other end has seen enough: the code of the signal, and no message. The reader is waited for:
    // while it lives, a short text fits into the pipe.
    let gone = try bash("exec 3> >(true); wait $!; $MX \(arguments) >&3; echo code $? >&2")
    #expect(gone.errors.contains("code 141") && !gone.errors.contains("error: "), "\(gone)")
  }

  @Test func theResultOfATrainingIsPrintedOrMissed() throws {
    for flag in ["--json", "--profile"] {
      let result = try bash(try train("out" + flag, ["--max-steps", "3", flag]) + " >/dev/full")
      #expect(result.code == 75, "\(result.code) \(result.errors)")
      #expect(world.exists("out" + flag + "/model.safetensors"))
    }
    let dry = try bash(try train("dry", ["--dry-run"]) + " >/dev/full")
    #expect(dry.code == 75, "\(dry.code) \(dry.errors)")
  }

  /// The run is the same whatever becomes of what it says.
  @Test(arguments: ["2>/dev/full", "2>&-", "2> >(head -1 >/dev/null)", "2>&1 >/dev/null | head -1", "2>&- >&- <&-"])
  func standardErrorNeverEndsARun(redirection: String) throws {
    let whole = try world.train("whole", ["--max-steps", "12"])
    try #require(whole.code == 0, "\(whole.errors)")
    let end = redirection.contains(">&- <&-") ? 74 : 0
    let result = try bash("set -o pipefail; " + (try train("deaf", ["--max-steps", "12"])) + " " + redirection)
    #expect(result.code == Int32(end), "\(result.code) \(result.errors)")
    #expect(try world.data("deaf/model.safetensors") == world.data("whole/model.safetensors"))
    // A closed descriptor is not the next file's.
    #expect(try world.metrics("deaf") == world.metrics("whole"))
  }

  /// As `disown` and closing the window: writes to the terminal fail, and nobody sends a signal.
  @Test(.needs(.compiler("python3"))) func aTerminalMayGo() throws {
    try world.write(
      "terminal.py",
      """
      import os, pty, sys, time, signal, tty
      master, slave = pty.openpty()
      tty.setraw(slave)
      pid = os.fork()
      if pid == 0:
          os.setsid()
          for stream in (1, 2): os.dup2(slave, stream)
          os.closerange(3, 64)
          os.execv(sys.argv[1], sys.argv[1:])
      os.close(slave)
      seen = b""
      while b"step " not in seen: seen += os.read(master, 4096)
      os.close(master)
      sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
      """)
    let result = try shell(["python3", world.path("terminal.py")] + (try world.trainArguments("pty")))
    // The result could not be printed.
    #expect(result.code == 74, "\(result.code) \(result.errors)")
    #expect(world.exists("pty/model.safetensors"))
  }

  @Test func whatIsReadIsNotReplaced() throws {
    let before = try (world.data("train.txt"), world.data("model/config.json"), world.data("pairs.tsv"))
    _ = try bash("ln -s train.txt also; ln -s model/config.json deep")
    let encode = "encode --model model --pooler avg --input train.txt --output"
    let evaluate = "evaluate --model model --pooler avg --pairs pairs.tsv --pair-scores"
    for arguments in [
      "\(encode) train.txt", "\(encode) ./model/../also", "\(encode) model/config.json", "\(encode) deep",
      "\(evaluate) pairs.tsv", "\(evaluate) model/config.json",
    ] {
      let result = try bash("$MX \(arguments)")
      #expect(result.code == 64 && result.errors.contains("another file than those that are read"), "\(result)")
    }
    #expect(try before == (world.data("train.txt"), world.data("model/config.json"), world.data("pairs.tsv")))
  }

  @Test func whatIsNoRegularFileIsWrittenInto() throws {
    let encode = "$MX encode --model model --pooler avg --input train.txt --threads 1 2>/dev/null --output"
    let plain = try bash("\(encode) plain.npy")
    try #require(plain.code == 0, "\(plain.errors)")
    let expected = try world.data("plain.npy")
    let pipe = try bash("mkfifo pipe; cat pipe >from-pipe & \(encode) pipe; code=$?; wait; exit $code")
    #expect(try pipe.code == 0 && world.data("from-pipe") == expected, "\(pipe.code)")
    let link = try bash("echo old >target; ln -s target link; \(encode) link && test -L link && test -p pipe")
    #expect(try link.code == 0 && world.data("target") == expected, "\(link.code)")
    let appended = try bash("printf before >log; \(encode) /dev/stdout >>log")
    #expect(try appended.code == 0 && world.data("log") == Data("before".utf8) + expected)
    let piped = try bash("set -o pipefail; \(encode) /dev/stdout | cat >from-cat")
    #expect(try piped.code == 0 && world.data("from-cat") == expected)
    #expect(try bash("\(encode) /dev/full").code == 75)
    #expect(try bash("\(encode) model").code != 0)
    let scores = try bash(
      "mkfifo scores; cat scores >from-scores & "
        + "$MX evaluate --model model --pooler avg --pairs pairs.tsv --pair-scores scores >/dev/null; wait")
    #expect(scores.code == 0)
    #expect(try JSONSerialization.jsonObject(with: world.data("from-scores")) is [String: Any])
  }
}
