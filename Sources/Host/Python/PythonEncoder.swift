// A model of transformers in a process of Python's, driven by the calls of cse_encoder.h over the memory that both
// sides see. Made by Objective.TransformersModel for a run; its other end is Python/mixcse/_worker/encoder.py.

package import Files
import Kernels
package import PluginInstances
import PluginIsolation
import PluginLoading

/// An opened model of transformers.
package final class PythonEncoder: EncoderCalls {
  /// What is loaded, and how.
  package struct Order: Sendable {
    /// The folder of config.json and the weights.
    package var folder: String
    /// Keys of config.json that have other values.
    package var overrides: JSONObject
    /// `cpu`, `cuda`, `cuda:1`, as typed.
    package var device: String
    /// `f32` or `bf16`.
    package var precision: String
    /// Decides dropout.
    package var seed: UInt64
    /// In place of all probabilities of the model; nil: as the model has them.
    package var dropout: Double?
    /// Among the processes of this machine that each load it.
    package var seat = EncoderSeat.alone
    /// With the model's head for masked words.
    package var masked = false

    /// An order by its parts.
    package init(
      folder: String, overrides: JSONObject, device: String, precision: String, seed: UInt64, dropout: Double?
    ) {
      (self.folder, self.overrides, self.device, self.precision) = (folder, overrides, device, precision)
      (self.seed, self.dropout) = (seed, dropout)
    }

    func text(threads: Int) -> String {
      JSONValue.object(
        JSONObject([
          ("folder", .string(folder)), ("overrides", .object(overrides)), ("device", .string(device)),
          // A number in JSON has not all bits of a seed.
          ("precision", .string(precision)), ("seed", .string("\(seed)")), ("threads", .integer(threads)),
          ("dropout", dropout.map { .number($0) } ?? .null),
          ("seat", .array([.integer(seat.rank), .integer(seat.size)])), ("masked", .bool(masked)),
        ])
      ).text(indent: nil)
    }
  }

  /// What the model is.
  package struct Model: Sendable, Equatable {
    /// Rows of the word matrix; width of hidden states; layers without the embeddings; the longest sequence.
    package let vocabulary, hidden, layers, positions: Int
    /// Probabilities of its dropout, at most.
    package let hiddenDropout, attentionDropout: Float
    /// How many of its tensors, the last ones, are those of its head for masked words; nil: it has none.
    package let headTensors: Int?
    /// Whether the checkpoint had these.
    package let hasPretrainedHead: Bool
    /// Of what loaded it: "5.24.0, torch 2.15.0".
    package let version: String
  }

  /// The name by which `--encoder` asks for it.
  package static let name = "transformers"
  /// Loading takes longer than any call: so many times as long.
  private static let patience = 10.0

  /// What the model is.
  package let model: Model
  /// What it says of itself.
  package let facts: EncoderFacts
  /// For messages.
  package var name: String { Self.name }

  let line: WorkerLine
  /// For what a call reads and writes.
  let block = SharedBlock()
  /// For what a call says of a failure.
  let message: UnsafeMutablePointer<CChar>
  static let messageBytes = 4096
  /// Rows and number of the states that were kept last.
  var kept = (rows: 0, count: 0)

  /// Starts Python and loads the model.
  /// - Throws: `EncoderFailure` with what is missing, or what Python says.
  package init(_ order: Order, _ settings: PythonSettings) throws {
    let what = ["--encoder", order.text(threads: settings.bounds.threads), ""]
    let report: [String]
    do {
      let interpreter = try settings.interpreter()
      line = try PythonStart.line(what, settings, interpreter, name: Self.name)
      let deadline = settings.bounds.deadline
      report = try line.awaitStart(within: deadline * Self.patience)
    } catch let reason as PluginFailure.Reason {
      throw Self.failure("open", reason)
    } catch let refusal as PluginRefusal {
      throw EncoderFailure(component: Self.name, function: "open", message: "\(refusal)")
    }
    guard let text = report.first, let (model, facts) = Self.read(text) else {
      throw EncoderFailure(component: Self.name, function: "open", message: "its process reported nothing of use")
    }
    (self.model, self.facts) = (model, facts)
    message = .visible(.shared, capacity: Self.messageBytes, repeating: 0)
  }

  deinit { message.freeVisible() }

  /// What the process says of its model; nil where it makes no sense.
  private static func read(_ text: String) -> (Model, EncoderFacts)? {
    guard let object = (try? JSONValue.parse(Array(text.utf8)))?.object else { return nil }
    func size(_ key: String, from least: Int) -> Int? {
      object[key]?.integer.flatMap { (least...Int(Int32.max)).contains($0) ? $0 : nil }
    }
    func rate(_ key: String) -> Float? { object[key]?.double.flatMap { (0..<1).contains($0) ? Float($0) : nil } }
    let tensors = object["tensors"]?.array?.compactMap { entry -> EncoderTensor? in
      guard let parts = entry.array, parts.count == 3, let name = parts[0].string, let extents = parts[1].array,
        let decays = parts[2].bool
      else { return nil }
      let shape = extents.compactMap(\.integer).filter { $0 > 0 }
      return shape.count == extents.count ? EncoderTensor(name: name, shape: shape, decays: decays) : nil
    }
    guard let vocabulary = size("vocabulary", from: 1), let hidden = size("hidden", from: 1),
      let layers = size("layers", from: 0), let positions = size("positions", from: 1),
      let hiddenDropout = rate("hiddenDropout"), let attentionDropout = rate("attentionDropout"),
      let tensors, tensors.count == object["tensors"]?.array?.count, Set(tensors.map(\.name)).count == tensors.count
    else { return nil }
    let headTensors = size("headTensors", from: 0)
    guard headTensors ?? 0 <= tensors.count else { return nil }
    let model = Model(
      vocabulary: vocabulary, hidden: hidden, layers: layers, positions: positions, hiddenDropout: hiddenDropout,
      attentionDropout: attentionDropout, headTensors: headTensors,
      hasPretrainedHead: object["hasPretrainedHead"]?.bool ?? false, version: object["version"]?.string ?? "")
    return (
      model,
      EncoderFacts(
        tensors: tensors, deviceName: object["device"]?.string ?? "", libraryName: object["library"]?.string ?? "",
        deviceID: object["deviceID"]?.string ?? "", hasExactDropout: false)
    )
  }
}
