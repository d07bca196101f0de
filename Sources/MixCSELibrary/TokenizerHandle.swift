// What a mixcse_tokenizer is, and its C functions.

import Glibc
import LibraryAPI
import ModelFiles
import Tokenizer

/// The tokenizer of a model folder.
final class TokenizerHandle: Handle, Callable {
  let tokenizer: any Tokenizer
  private let encoder: any LineEncoder

  override class var name: String { "tokenizer" }

  /// - Throws: `FileError`, `TokenizerError`.
  init(folder: String) throws {
    tokenizer = try TokenizerFolder.load(ModelFolder.encoderPath(of: ModelFolder.locate(folder)))
    encoder = tokenizer.makeEncoder()
  }

  func encode(_ text: UnsafePointer<CChar>, length: Int, maximumLength: Int) -> [Int32] {
    let bytes = UnsafeRawBufferPointer(start: text, count: length).bindMemory(to: UInt8.self)
    return encoder.encode(bytes, maximumLength: maximumLength).ids
  }
}

@c @implementation
public func mixcse_tokenizer_open(
  _ folder: UnsafePointer<CChar>?, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
  attempt {
    let out = try Argument.pointer(out, "out")
    out.pointee = nil
    try TokenizerHandle(folder: Argument.text(folder, "folder")).open(into: out)
  }
}

@c @implementation
public func mixcse_tokenizer_close(_ tokenizer: OpaquePointer?) { TokenizerHandle.close(tokenizer) }

@c @implementation
public func mixcse_tokenizer_encode(
  _ tokenizer: OpaquePointer?, _ text: UnsafePointer<CChar>?, _ length: Int64, _ maximumLength: Int64,
  _ ids: UnsafeMutablePointer<Int32>?, _ room: Int64, _ number: UnsafeMutablePointer<Int64>?
) -> Int32 {
  attempt {
    let (text, number) = (try Argument.pointer(text, "text"), try Argument.pointer(number, "count"))
    let bytes = try length == -1 ? strlen(text) : Argument.count(length, in: 0...Int.max, "length")
    // Half of what there is: room for the special tokens.
    let limit = try maximumLength == 0 ? Int.max / 2 : Argument.count(maximumLength, in: 2...Int.max / 2, "max_length")
    let room = try Argument.count(room, in: 0...Int.max, "room")
    let found = try TokenizerHandle.with(tokenizer) { $0.encode(text, length: bytes, maximumLength: limit) }
    number.pointee = Int64(found.count)
    guard room > 0 else { return }
    let target = try Argument.pointer(ids, "ids")
    for (index, id) in found.prefix(room).enumerated() { target[index] = id }
  }
}

@c @implementation
public func mixcse_tokenizer_size(_ tokenizer: OpaquePointer?) -> Int64 {
  attempt(or: -1) { try TokenizerHandle.with(tokenizer) { Int64($0.tokenizer.vocabularySize) } }
}

@c @implementation
public func mixcse_tokenizer_token(_ tokenizer: OpaquePointer?, _ id: Int32) -> UnsafePointer<CChar>? {
  attempt(or: nil) {
    try TokenizerHandle.with(tokenizer) { handle in handle.tokenizer.token(id).flatMap { handle.keep($0) } }
  }
}
