// What a mistake in a plugin in Python says, and what it leaves of a run.

import Foundation
import TestSupport
import Testing

@Suite struct PythonMistakeTests {
  private let world: CommandWorld

  init() throws { world = try CommandWorld() }

  private func train(_ output: String, _ more: [String], environment: [String: String] = [:]) throws -> ShellResult {
    try shell(
      [
        Resources.command, "train", "--model", world.path("model"), "--train-file", world.path("train.txt"),
        "--output-dir", world.path(output), "--max-steps", "12", "--batch-size", "8", "--threads", "1", "--loss",
        "infonce", "--pooler", "avg",
      ] + more, environment: environment)
  }

  /// Body of a sampler, what the message says, and the code.
  static let faults: [(body: String, says: [String])] = [
    ("    return z2[:, :3] @ z2", ["ValueError: matmul", "idea.py:6, in idea", "line 6, in idea", "at step 5"]),
    ("    return z2[1:]", ["expected an array of shape [8, ", "found [7, ", "at step 5"]),
    ("    z2[0] = 1", ["assignment destination is read-only", "idea.py:6"]),
    ("    import sys; sys.exit(3)", ["it ends the process, which no plugin may", "idea.py:6"]),
    ("    import os; os._exit(3)", ["its process ended with code 3", "the run itself is unharmed"]),
    ("    import ctypes; ctypes.string_at(8)", ["its process died of SIGSEGV", "idea.py"]),
    ("    return z2 * np.nan", ["holds nan at [0, 0]"]),
    ("    return ['a']", ["expected"]),
    ("    while True: pass", ["did not return within 2 s"]),
  ]

  @Test(.needs(.numpy), arguments: faults.indices) func aMistakeCostsNoStep(index: Int) throws {
    let (body, says) = Self.faults[index]
    let path = world.path("idea.py")
    try world.write(
      "idea.py",
      """
      import numpy as np
      from mixcse.plugin import sampler
      @sampler
      def idea(z2, step):
          if step < 5: return z2
      \(body)
      """)
    let failed = try train("out", ["--sampler", path, "--plugin-deadline", "2"])
    #expect(failed.code == 69, "\(failed.errors)")
    for text in says { #expect(failed.errors.contains(text), "\(text): \(failed.errors)") }
    let kept = failed.errors.contains("the state after step 5 is in") && world.lines("out") >= 5
    #expect(kept, "\(failed.errors)")
  }

  @Test(.needs(.numpy)) func aFileThatCannotBeUsedSaysWhy() throws {
    let head = "from mixcse.plugin import *\n"
    let cases: [(text: String, says: [String])] = [
      (head + "@sampler\ndef f(z2):\n  return z2 +\n", ["SyntaxError: invalid syntax", "idea.py:4"]),
      (head + "import nowhere_to_be_found\n", ["No module named", "-m pip install nowhere_to_be_found"]),
      (head + "@sampler\ndef f(z9):\n  return z9\n", ["found 'z9', which is none of them", "idea.py:2"]),
      (head + "@loss\ndef f(logits):\n  return logits.mean()\n", ["expected its gradient", "@f.gradient"]),
      (head + "@loss\ndef f(logits, z1):\n  return 0\n", ["a loss on logits or on embeddings, found both"]),
      (head + "x = 1\n", ["expected a function with @sampler, @loss or @pooler"]),
      (head + "@sampler\ndef f(z2, *, a=param(0.5, '[0, 1')):\n  return z2\n", ["range"]),
      (head + "@sampler\ndef f(z2, *, a=param(2.0, '[0, 1]')):\n  return z2\n", ["a", "2"]),
      (head + "1 / 0\n", ["ZeroDivisionError", "idea.py:2"]),
      ("import numpy\n", ["it imports nothing of mixcse.plugin"]),
    ]
    for (text, says) in cases {
      try world.write("idea.py", text)
      let info = try shell([Resources.command, "plugins", "info", world.path("idea.py")])
      #expect(info.code == 69, "\(text) \(info.output)")
      for part in says { #expect(info.errors.contains(part), "\(part): \(info.errors)") }
    }
  }

  @Test(.needs(.numpy)) func whichPythonAndWhatItLacks() throws {
    try world.write("idea.py", "from mixcse.plugin import sampler\n@sampler\ndef f(z2):\n  'x'\n  return z2\n")
    let file = world.path("idea.py")
    func info(_ environment: [String: String]) throws -> ShellResult {
      try shell([Resources.command, "plugins", "info", file], environment: environment)
    }
    let none = try info(["MIXCSE_PYTHON": world.path("no-python")])
    #expect(none.code == 69 && none.errors.contains("expected a Python at \(world.path("no-python")) (MIXCSE_PYTHON)"))
    // Without its site-packages it has no NumPy.
    try world.write("bare-python", "#!/bin/sh\nexec python3 -S -E \"$@\"\n")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: world.path("bare-python"))
    let bare = try info(["MIXCSE_PYTHON": world.path("bare-python"), "PYTHONPATH": ""])
    #expect(bare.code == 69 && bare.errors.contains("-m pip install numpy"), "\(bare.errors)")
    // An active environment comes before the PATH.
    try FileManager.default.createDirectory(atPath: world.path("venv/bin"), withIntermediateDirectories: true)
    try world.write("venv/bin/python", "#!/bin/sh\necho from the environment >&2\nexec python3 \"$@\"\n")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: world.path("venv/bin/python"))
    let active = try info(["VIRTUAL_ENV": world.path("venv"), "MIXCSE_PYTHON": ""])
    #expect(active.code == 0 && active.errors.contains("from the environment"), "\(active.errors)")
  }

  @Test(.needs(.numpy)) func checkFindsWhatIsWrong() throws {
    let cases: [(text: String, test: String)] = [
      (
        """
        import numpy as np
        from mixcse.plugin import loss
        @loss
        def f(logits):
            "half of its gradient"
            return (logits ** 2).mean()
        @f.gradient
        def g(logits):
            return logits / logits.size
        """, "grad.fd"
      ),
      (
        """
        import numpy as np
        from mixcse.plugin import sampler
        calls = [0]
        @sampler
        def f(z2):
            "not a function of its arguments"
            calls[0] += 1
            return z2 * calls[0]
        """, "pure.forward"
      ),
      (
        """
        import numpy as np
        from mixcse.plugin import sampler
        @sampler
        def f(z2):
            "does not know rows of zeros"
            return z2 / np.linalg.norm(z2, axis=1, keepdims=True)
        """, "value.zero"
      ),
      (
        """
        import os
        from mixcse.plugin import sampler
        @sampler
        def f(z2):
            "ends its process where there is one row"
            if len(z2) == 1: os._exit(1)
            return z2 * 1
        """, "shape.one"
      ),
    ]
    for (text, test) in cases {
      try world.write("idea.py", text)
      let checked = try shell([
        Resources.command, "plugins", "check", world.path("idea.py"), "--only", test, "--only", "finite.normal",
      ])
      #expect(checked.code == 1 && checked.output.contains("FAILED  \(test)"), "\(checked.output)\(checked.errors)")
      #expect(checked.output.contains("1 passed, 1 failed"), "\(checked.output)")
    }
  }
}
