// The service "cse.vocabulary/1": augmenters read tokens as text and make tokens of text. Training says how; what is
// asked stands here.

import PluginAPI

/// A run's tokenizer, as augmenters may ask it.
package final class VocabularyTexts: Sendable, Equatable {
  /// Token ids are below it.
  let size: Int
  /// A token as the vocabulary spells it.
  let token: @Sendable (Int32) -> [UInt8]?
  /// The text that tokens stand for; nil where one is none.
  let text: @Sendable ([Int32]) -> [UInt8]?
  /// The tokens of a piece of text, without special ones around them.
  let encode: @Sendable ([UInt8]) -> [Int32]

  /// A tokenizer by what it is asked.
  package init(
    size: Int, token: @escaping @Sendable (Int32) -> [UInt8]?, text: @escaping @Sendable ([Int32]) -> [UInt8]?,
    encode: @escaping @Sendable ([UInt8]) -> [Int32]
  ) {
    (self.size, self.token, self.text, self.encode) = (size, token, text, encode)
  }

  /// The same object.
  package static func == (a: VocabularyTexts, b: VocabularyTexts) -> Bool { a === b }
}

/// What `get_service` returns for the id.
enum VocabularyService {
  nonisolated(unsafe) static let table: UnsafePointer<cse_vocabulary_1> = {
    let table = UnsafeMutablePointer<cse_vocabulary_1>.allocate(capacity: 1)
    table.initialize(
      to: cse_vocabulary_1(
        struct_size: UInt32(MemoryLayout<cse_vocabulary_1>.size), reserved: 0,
        size: { call in Int64(CallContext.of(call)?.vocabulary?.size ?? -1) },
        token: { call, id, length in
          length?.pointee = 0
          guard let context = CallContext.of(call), let vocabulary = context.vocabulary else { return nil }
          return context.lent.lend(.token(id), length) { vocabulary.token(id) }
        },
        text: { call, ids, count, bytes, room in
          guard let vocabulary = CallContext.of(call)?.vocabulary, let ids = list(ids, count) else { return -1 }
          guard let text = vocabulary.text(ids) else { return -1 }
          return give(text, bytes.map { UnsafeMutableRawPointer($0).assumingMemoryBound(to: UInt8.self) }, room)
        },
        encode: { call, text, length, ids, room in
          guard let vocabulary = CallContext.of(call)?.vocabulary,
            let text = list(text.map { UnsafeRawPointer($0).assumingMemoryBound(to: UInt8.self) }, length)
          else { return -1 }
          return give(vocabulary.encode(text), ids, room)
        }))
    return UnsafePointer(table)
  }()

  private static func list<T>(_ start: UnsafePointer<T>?, _ count: Int64) -> [T]? {
    guard count > 0 else { return count == 0 ? [] : nil }
    guard let start, count < 1 << 31 else { return nil }
    return Array(UnsafeBufferPointer(start: start, count: Int(count)))
  }

  /// Writes `values` where there is room for all of them.
  private static func give<T>(_ values: [T], _ target: UnsafeMutablePointer<T>?, _ room: Int64) -> Int64 {
    if let target, Int64(values.count) <= room { target.update(from: values, count: values.count) }
    return Int64(values.count)
  }
}
