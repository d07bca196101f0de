// The torch of a Python environment: where its headers and libraries are, asked of Python itself. Used by
// `mixcse encoder build torch`.

import ArgumentParser
import Files
import FoundationEssentials
import Processes

/// A torch to build against.
struct TorchInstallation: Decodable {
  let version: String
  let folder: String
  /// The value of _GLIBCXX_USE_CXX11_ABI it was built with.
  let abi: Int
  /// The version of CUDA it was built for; nil: for processors only.
  let cuda: String?

  private static let question = """
    import json, os, sys
    try:
        import torch
    except ImportError as error:
        sys.exit(str(error))
    print(json.dumps({"version": torch.__version__, "folder": os.path.dirname(torch.__file__),
                      "abi": int(torch._C._GLIBCXX_USE_CXX11_ABI), "cuda": torch.version.cuda}))
    """

  /// - Throws: `ValidationError` that says what is missing, and the command that gets it.
  init(python: String) throws {
    let answer: ChildOutput
    do { answer = try ChildOutput(of: python, ["-c", Self.question]) } catch {
      throw ValidationError("--python \(python): expected a Python, found none (\(error)); name one: --python PYTHON")
    }
    let line = answer.output.split(separator: "\n").last.map(String.init) ?? ""
    guard answer.isSuccess, let found = try? JSONDecoder().decode(Self.self, from: Data(line.utf8)) else {
      let reason = answer.errors.split(separator: "\n").last.map { ": \($0)" } ?? ""
      throw ValidationError(
        "--python \(python): expected an environment with torch, found none\(reason)\n  \(python) -m pip install torch")
    }
    self = found
    for part in ["include/ATen/ATen.h", "lib/libtorch_cpu.so", "lib/libc10.so"]
    where !Path.exists(folder + "/" + part) {
      throw ValidationError(
        "torch \(version): expected \(folder)/\(part), found none\n  \(python) -m pip install --force-reinstall torch")
    }
  }

  /// What a compiler is told to make `target` of `source` with the header of plugins in `header`.
  func arguments(source: String, header: String, target: String) -> [String] {
    [
      "-std=c++20", "-O2", "-fPIC", "-shared", "-fvisibility=hidden", "-w", "-D_GLIBCXX_USE_CXX11_ABI=\(abi)",
      "-I" + header, "-isystem", folder + "/include", "-isystem", folder + "/include/torch/csrc/api/include", source,
      "-o", target, "-L" + folder + "/lib", "-Wl,--no-as-needed", "-ltorch_cpu", "-lc10",
      "-Wl,-rpath," + folder + "/lib",
    ]
  }
}
