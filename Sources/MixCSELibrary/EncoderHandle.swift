// What a mixcse_encoder is, and its C functions: a model folder that makes embeddings of texts, as `mixcse encode`.

import Glibc
import Host
import Kernels
public import LibraryAPI
import ModelFiles
import Objective
import Search
import TextData

/// A model folder, opened.
final class EncoderHandle: Handle, Callable {
  /// What embeds.
  let embedder: SentenceEmbedder
  private let options: EmbeddingOptions
  private let folder: ModelFolder
  private let pooler: PoolerSpec
  private let asked: Int?
  let context: Context
  private var known: IndexedModel?

  override class var name: String { "encoder" }

  /// - Throws: errors of folders and files, `PluginError`, `UsageError`, `ObjectiveError`.
  init(_ options: mixcse_encoder_options, in context: Context) throws {
    let known = Int(MIXCSE_NORMALIZE | MIXCSE_BEFORE_HEAD | MIXCSE_BF16)
    let flags = try Argument.flags(options.flags, known: known, "options")
    let maximum = try Argument.count(options.max_length, in: 0...Int.max, "options->max_length")
    let folder = try ModelFolder(path: Argument.text(options.folder, "options->folder"))
    let spec = try SentenceEmbedder.pooler(
      Argument.optionalText(options.pooler), beforeHead: flags & UInt32(MIXCSE_BEFORE_HEAD) != 0, of: folder,
      say: context.note)
    asked = maximum == 0 ? nil : maximum
    let precision = flags & UInt32(MIXCSE_BF16) != 0 ? ProductPrecision.bf16 : .float32
    if let note = precision.note { context.note(note) }
    let encoder = try SentenceEmbedder.encoder(of: folder, services: context.services, precision: precision)
    embedder = try SentenceEmbedder.open(
      folder, pooler: spec, registry: context.registry, services: context.services, maximumLength: asked,
      encoder: encoder, say: context.note)
    self.options = EmbeddingOptions(normalize: flags & UInt32(MIXCSE_NORMALIZE) != 0)
    (pooler, self.folder, self.context) = (spec, folder, context)
  }

  var width: Int { embedder.width }
  var maximumLength: Int { embedder.maximumLength }
  var poolerText: UnsafePointer<CChar>? { keep(pooler.text) }

  /// What an index of this encoder says of it; its files are read once.
  /// - Throws: `FileError`
  func indexed() throws -> IndexedModel {
    let model = try known ?? IndexedModel(folder, pooler: pooler, maximumLength: asked)
    known = model
    return model
  }

  /// Writes [n, width] to `out`.
  func encode(
    _ texts: UnsafePointer<UnsafePointer<CChar>?>, _ lengths: UnsafePointer<Int64>?, _ n: Int,
    into out: UnsafeMutablePointer<Float>
  ) throws -> mixcse_encode_report {
    var report = mixcse_encode_report()
    for start in stride(from: 0, to: n, by: SentenceEmbedder.linesAtOnce) {
      let lines = try (start..<min(start + SentenceEmbedder.linesAtOnce, n)).map { index in
        let bytes = try Argument.bytes(texts, lengths, index)
        report.replaced_bytes += Int64(invalidUTF8Bytes(bytes))
        return String(decoding: bytes, as: UTF8.self)
      }
      let table = try embedder.embed(lines, options: options)
      report.cut += Int64(table.truncatedLines)
      withExtendedLifetime(table) {
        out.advanced(by: start * width).update(from: table.matrix.pointer, count: lines.count * width)
      }
    }
    return report
  }
}

@c @implementation
public func mixcse_encoder_open(
  _ context: OpaquePointer?, _ options: UnsafePointer<mixcse_encoder_options>?,
  _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
  attempt {
    let out = try Argument.pointer(out, "out")
    out.pointee = nil
    let options = try Argument.structure(options, mixcse_encoder_options(), "options")
    try Context.with(context) { try EncoderHandle(options, in: $0).open(into: out) }
  }
}

@c @implementation
public func mixcse_encoder_close(_ encoder: OpaquePointer?) { EncoderHandle.close(encoder) }

@c @implementation
public func mixcse_encoder_width(_ encoder: OpaquePointer?) -> Int64 {
  attempt(or: -1) { try EncoderHandle.with(encoder) { Int64($0.width) } }
}

@c @implementation
public func mixcse_encoder_max_length(_ encoder: OpaquePointer?) -> Int64 {
  attempt(or: -1) { try EncoderHandle.with(encoder) { Int64($0.maximumLength) } }
}

@c @implementation
public func mixcse_encoder_pooler(_ encoder: OpaquePointer?) -> UnsafePointer<CChar>? {
  attempt(or: nil) { try EncoderHandle.with(encoder) { $0.poolerText } }
}

@c @implementation
public func mixcse_encoder_encode(
  _ encoder: OpaquePointer?, _ texts: UnsafePointer<UnsafePointer<CChar>?>?, _ lengths: UnsafePointer<Int64>?,
  _ n: Int64, _ out: UnsafeMutablePointer<Float>?, _ report: UnsafeMutablePointer<mixcse_encode_report>?
) -> Int32 {
  attempt {
    let n = try Argument.count(n, in: 0...Int.max, "n")
    let found =
      try n == 0
      ? mixcse_encode_report()
      : EncoderHandle.with(encoder) {
        try $0.encode(Argument.pointer(texts, "texts"), lengths, n, into: Argument.pointer(out, "out"))
      }
    if report != nil { try Argument.fill(report, with: found, "report") }
  }
}
