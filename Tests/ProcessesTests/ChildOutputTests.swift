// Programs run for what they print.

import Glibc
import Processes
import Testing

struct ChildOutputTests {
  @Test func keepsBothStreamsHoweverMuchThereIs() throws {
    let script = "for i in $(seq 20000); do echo out$i; echo err$i >&2; done; exit 3"
    let result = try ChildOutput(of: "sh", ["-c", script])
    #expect(result.end == .exited(3) && !result.isSuccess)
    #expect(result.output.hasSuffix("out20000\n") && result.errors.hasSuffix("err20000\n"))
    #expect(result.output.split(separator: "\n").count == 20000)
  }

  @Test func saysWhatIsNowhere() throws {
    #expect(ChildOutput.found("a-program-that-is-nowhere") == nil)
    #expect(throws: SystemFailure(operation: "/absent/program", code: ENOENT)) {
      try ChildOutput(of: "/absent/program", [])
    }
  }
}
