// Plugins in Python: the same numbers as the library's own, states and random numbers, and what a mistake leaves.

import Foundation
import TestSupport
import Testing

@Suite struct PythonPluginTests {
  private let world: CommandWorld

  init() throws { world = try CommandWorld() }

  /// A short run with these parts, at a temperature that leaves something to learn.
  private func train(_ output: String, _ more: [String], steps: Int = 20, environment: [String: String] = [:]) throws
    -> ShellResult
  {
    try shell(
      [
        Resources.command, "train", "--model", world.path("model"), "--train-file", world.path("train.txt"),
        "--output-dir", world.path(output), "--max-steps", "\(steps)", "--batch-size", "8", "--threads", "1",
        "--learning-rate", "1e-3",
      ] + more, environment: environment)
  }

  private func example(_ name: String) -> String { Resources.packageRoot + "/Examples/python/" + name }

  /// Losses of both runs, step by step, and the largest difference.
  private func difference(_ a: [String], _ b: [String], steps: Int = 20) throws -> Double {
    let (first, second) = (try train("a", a, steps: steps), try train("b", b, steps: steps))
    try #require(first.code == 0, "\(first.errors)")
    try #require(second.code == 0, "\(second.errors)")
    let (x, y) = (try world.values("a"), try world.values("b"))
    try #require(x.count == steps && y.count == steps && Set(x).count == steps)
    return zip(x, y).map { abs($0 - $1) }.max() ?? .infinity
  }

  @Test(.needs(.numpy)) func mixcseHasTheLossesOfTheLibrarys() throws {
    let lines = try String(contentsOfFile: example("mixcse.py"), encoding: .utf8)
      .split(separator: "\n").filter { !$0.hasPrefix("\"\"\"") }
    #expect(lines.count <= 15, "\(lines.count) lines")
    let rest = ["--loss", "infonce:temperature=0.5", "--pooler", "avg"]
    let own = ["--sampler", "mixcse:lambda=0.3"] + rest
    #expect(try difference(own, ["--sampler", example("mixcse.py") + ":lambda=0.3"] + rest) < 1e-5)
    // And the two are told apart: another share gives other losses.
    let other = try train("c", ["--sampler", example("mixcse.py") + ":lambda=0.9"] + rest)
    try #require(other.code == 0, "\(other.errors)")
    #expect(try abs(world.values("c")[0] - world.values("a")[0]) > 1e-4)
  }

  @Test(.needs(.numpy)) func aLossAndAPoolerHaveTheNumbersOfTheLibrarys() throws {
    for kind in ["loss", "pooler"] {
      let made = try shell([
        Resources.command, "plugins", "new", kind, "my_" + kind, "--language", "python", "--directory", world.folder,
      ])
      try #require(made.code == 0, "\(made.errors)")
    }
    let (loss, pooler) = (world.path("my_loss/my_loss.py"), world.path("my_pooler/my_pooler.py"))
    let found = try difference(
      ["--sampler", "mixcse", "--loss", "infonce:temperature=0.5", "--pooler", "avg", "--learn-temperature"],
      ["--sampler", "mixcse", "--loss", loss + ":temperature=0.5", "--pooler", pooler, "--learn-temperature"])
    #expect(found < 1e-5)
    // The pooler says what it computes, so its model is one that other programs load.
    #expect(world.exists("b/modules.json"))
  }

  @Test(.needs(.numpy)) func randomNumbersAreTheHosts() throws {
    try world.write(
      "drawn.py",
      """
      import numpy as np
      from mixcse.plugin import Block, Cells, param, sampler

      @sampler(Block("mixed"), Block("mixed-anchor", rows="new", columns="z2"), edits=True)
      def mixcse(z1, z2, rng, *, lambda_=param(0.2)):
          "as mixcse:neighbour=random, whose name it has and so its numbers"
          rows = np.arange(len(z1))
          steps = (rng.uniform(len(rows)) * np.float32(len(rows) - 1)).astype(int)
          other = (rows + 1 + np.minimum(steps, len(rows) - 2)) % len(rows)
          gain = np.ones((len(rows), len(rows)), np.float32)
          gain[other, rows] = 0
          mix = lambda z: np.float32(lambda_) * z + np.float32(1 - lambda_) * z[other]
          return Cells(mix(z2), gain=gain), Cells(mix(z1), gain=gain.T)
      """)
    let rest = ["--loss", "infonce:temperature=0.5", "--pooler", "avg"]
    let own = ["--sampler", "mixcse:neighbour=random"] + rest
    #expect(try difference(own, ["--sampler", world.path("drawn.py")] + rest) < 1e-5)
  }

  @Test(.needs(.numpy)) func normalNumbersFollowTheHostsToTheLastBits() throws {
    try world.write(
      "noise.py",
      """
      from mixcse.plugin import Block, sampler

      @sampler(Block("noise", count=8), name="gaussian-noise")
      def noise(z1, rng):
          "as gaussian-noise:count=8"
          return rng.normal(8, z1.shape[1])
      """)
    let rest = ["--loss", "infonce:temperature=0.5", "--pooler", "avg"]
    let own = ["--sampler", "gaussian-noise:count=8"] + rest
    #expect(try difference(own, ["--sampler", world.path("noise.py")] + rest) < 1e-5)
  }

  @Test(.needs(.numpy)) func furtherEncodingsAndTheHostsOwnBlockAreThere() throws {
    try world.write(
      "off.py",
      """
      import numpy as np
      from mixcse.plugin import Block, Cells, Encoding, sampler

      @sampler(Block("off-dropout", columns="keys"), encodings={"keys": Encoding("z2", dropout=0.0)}, edits=True)
      def off(z1):
          "as off-dropout: the new block has all but the positives, the host's own nothing but them"
          own = np.eye(len(z1), dtype=bool)
          return Cells(bias=np.where(own, -np.inf, 0)), Cells(bias=np.where(own, 0, -np.inf))

      @sampler(Block("momentum", columns="keys", base=True), encodings={"keys": Encoding("z2", "average", decay=0.9)})
      def average():
          "as momentum:decay=0.9"
      """)
    let rest = ["--loss", "infonce:temperature=0.5", "--pooler", "avg"]
    let found = try difference(
      ["--sampler", "off-dropout"] + rest, ["--sampler", world.path("off.py") + ":off"] + rest)
    #expect(found < 1e-5)
    for folder in ["a", "b"] { try FileManager.default.removeItem(atPath: world.path(folder)) }
    let other = try difference(
      ["--sampler", "momentum:decay=0.9"] + rest, ["--sampler", world.path("off.py") + ":average"] + rest)
    #expect(other < 1e-5)
  }

  /// All that a file can say, in NumPy, through the conformance suite: its gradients are held against differences.
  @Test(.needs(.numpy)) func allKindsOfPartsPassTheCheck() throws {
    try world.write(
      "parts.py",
      """
      import numpy as np
      from mixcse.plugin import *

      library("org.example.parts", version="1.2", license="MIT", recipes=["turned = sampler:turned loss:near"])

      @sampler(Block("turned", private="k", detached=False), weights={"w": Weight("dim", start=1.0)})
      def turned(z2, w, *, k=param(2, "[1, 8]"), share=param(0.3, "[0, 1]"), kind=param("own", choices=["own", "next"])):
          "k scaled positives for each row alone"
          source = z2 if kind == "own" else np.roll(z2, -1, 0)
          return np.stack([share * (index + 1) * source * w for index in range(k)], axis=1)

      @turned.gradient
      def of_turned(z2, w, grad, k, share, kind):
          source = z2 if kind == "own" else np.roll(z2, -1, 0)
          sum = np.einsum("nkd,k->nd", grad, share * np.arange(1, k + 1))
          back = sum * w if kind == "own" else np.roll(sum * w, 1, 0)
          return back, (sum * source).sum(0)

      @loss(weights={"scale": Weight(1, start=0.7)})
      def near(u1, u2, scale):
          "squared distances of each row"
          return scale[0] * np.square(u1 - u2).sum(1)

      @near.gradient
      def of_near(u1, u2, scale):
          difference = 2 * scale[0] * (u1 - u2) / len(u1)
          return {"u1": difference, "u2": -difference, "scale": np.square(u1 - u2).sum(1).mean(keepdims=True)}

      @loss
      def scored(logits, scores, classes, target, sim):
          "squares of the logits by score, over the rows' classes"
          squares = np.square(np.where(np.isneginf(logits), 0, logits))
          return (squares * (1 + scores[:, None] + classes[:, None])).mean()

      @scored.gradient
      def of_scored(logits, scores, classes):
          return 2 * logits * (1 + scores[:, None] + classes[:, None]) / logits.size, None

      @pooler(layers=[-1, 1], width=3, weights={"mix": Weight(2, start=0.5)})
      def mixed(layers, lengths, segments, mix, offsets):
          "the first three numbers of a mixture of two layers, summed"
          hidden = mix[0] * layers[0][:, :3] + mix[1] * layers[1][:, :3]
          return np.add.reduceat(np.pad(hidden, ((0, 0), (0, max(0, 3 - hidden.shape[1])))), offsets[:-1], axis=0)

      @mixed.gradient
      def of_mixed(layers, segments, mix, grad):
          width = min(3, layers[0].shape[1])
          each = grad[segments][:, :width]
          back = [np.zeros(layer.shape, np.float32) for layer in layers]
          for layer, share in zip(back, mix):
              layer[:, :width] = share * each
          return back, np.array([(layer[:, :width] * each).sum() for layer in layers])
      """)
    let checked = try shell([Resources.command, "plugins", "check", world.path("parts.py")])
    #expect(checked.code == 0 && checked.output.contains(" 0 failed"), "\(checked.output)\(checked.errors)")
    #expect(checked.output.contains("org.example.parts.turned") && checked.output.contains("org.example.parts.mixed"))
    let trained = try train("out", ["--method", world.path("parts.py"), "--pooler", "avg"], steps: 2)
    #expect(trained.code == 0, "\(trained.errors)")
  }

  @Test(.needs(.numpy)) func aStoppedRunGoesOnBitForBit() throws {
    let flags = [
      "--sampler", example("queue.py") + ":size=20", "--sampler", example("mixcse.py"), "--loss",
      "infonce:temperature=0.5", "--pooler", "avg", "--save-steps", "7",
    ]
    let whole = try train("whole", flags, steps: 40)
    try #require(whole.code == 0, "\(whole.errors)")
    #expect(try world.values("whole", "queue.used").suffix(30) == ArraySlice([Double](repeating: 20, count: 30)))
    func arguments(_ output: String, _ more: [String] = []) -> [String] {
      [
        Resources.command, "train", "--model", world.path("model"), "--train-file", world.path("train.txt"),
        "--output-dir", world.path(output), "--max-steps", "40", "--batch-size", "8", "--threads", "1",
        "--learning-rate", "1e-3",
      ] + flags + more
    }
    let stopped = try world.stopped("stopped", by: SIGINT, { arguments($0) }, when: { self.world.lines($0) > 9 })
    let resumed = try shell(arguments(stopped, ["--resume"]))
    #expect(resumed.code == 0, "\(resumed.errors)")
    #expect(try world.metrics(stopped) == world.metrics("whole"))
    #expect(try world.data(stopped + "/model.safetensors") == world.data("whole/model.safetensors"))
  }

  @Test(.needs(.numpy)) func theRecordSaysWhatComputed() throws {
    let flags = ["--sampler", example("mixcse.py"), "--loss", "infonce", "--pooler", "avg"]
    let trained = try train("out", flags, steps: 2)
    try #require(trained.code == 0, "\(trained.errors)")
    let record = String(decoding: try world.data("out/run.json"), as: UTF8.self)
    #expect(record.contains("\"runtime\": \"Python 3.") && record.contains("NumPy"))
    #expect(record.contains("\"id\": \"python.mixcse.mixcse\""))
    let info = try shell([Resources.command, "plugins", "info", example("mixcse.py")])
    #expect(info.code == 0 && info.output.contains("lambda  float = 0.2 in [0, 1]  live"), "\(info.output)")
    #expect(info.output.contains("run by") && info.output.contains("NumPy"))
  }

  @Test(.needs(.numpy), arguments: ["mixcse.py", "queue.py"]) func examplesPassTheCheck(name: String) throws {
    let checked = try shell([Resources.command, "plugins", "check", example(name)])
    #expect(checked.code == 0 && checked.output.contains(" 0 failed"), "\(checked.output)\(checked.errors)")
  }

  @Test(.needs(.numpy)) func aFolderOfThemIsSearched() throws {
    try world.write("plugins.txt", "")
    try FileManager.default.createDirectory(atPath: world.path("mine"), withIntermediateDirectories: true)
    for name in ["queue.py", "mixcse.py"] {
      try FileManager.default.copyItem(atPath: example(name), toPath: world.path("mine/" + name))
    }
    try world.write("mine/other.py", "print('no plugin')\n")
    let list = try shell([Resources.command, "plugins", "list", "--plugin-path", world.path("mine")])
    #expect(list.code == 0 && list.output.contains("python.queue") && list.errors.isEmpty, "\(list.errors)")
    #expect(!list.output.contains("no plugin"))
    let rest = ["--sampler", "python.queue.queue", "--loss", "infonce", "--pooler", "avg"]
    let trained = try train("out", ["--plugin-path", world.path("mine")] + rest, steps: 2)
    #expect(trained.code == 0, "\(trained.errors)")
  }

  @Test(.needs(.numpy)) func shadowsAndIsolationTakeThemAsTheyAre() throws {
    let flags = [
      "--sampler", example("mixcse.py"), "--loss", "infonce", "--pooler", "avg", "--shadow",
      "infonce+\(example("mixcse.py")):lambda=0.9", "--isolate",
    ]
    let trained = try train("out", flags, steps: 4)
    #expect(trained.code == 0, "\(trained.errors)")
    let plain = try train("plain", Array(flags.prefix(6)), steps: 4)
    #expect(plain.code == 0, "\(plain.errors)")
    #expect(try world.values("out") == world.values("plain"))
  }
}
