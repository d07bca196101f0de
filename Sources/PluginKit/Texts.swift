// What a run can tell of text: that of its rows, for samplers and losses, and of its tokens, for augmenters.

import PluginAPI

/// The texts of the training data (service `cse.rows/1`). Valid until the function returns.
public struct RowTexts {
  private let raw: UnsafePointer<cse_call>
  private let table: UnsafePointer<cse_rows_1>
  /// The number of rows; row ids are below it.
  public let rows: Int
  /// Text columns of a row: 1 where sentences are their own positives, else anchor, positive and perhaps hard negative.
  public let columns: Int

  init(_ call: Call) throws {
    let table = try call.service(CSE_ROWS_1, as: cse_rows_1.self, "texts of the data")
    var columns: Int32 = 0
    let rows = table.pointee.size?(call.raw, &columns) ?? -1
    guard rows >= 0 else {
      throw PluginError.unsupported("there are no texts here: call readTexts in plan, and ask in any function but plan")
    }
    (raw, self.table, self.rows, self.columns) = (call.raw, table, Int(rows), Int(columns))
  }

  /// The text of a column of a row as UTF-8; `column`: 0 anchor, 1 positive, 2 hard negative. Where sentences are their
  /// own positives, 1 is the anchor's.
  public func text(ofRow row: Int64, column: Int) throws -> UnsafeBufferPointer<UInt8> {
    var length: Int64 = 0
    let column = columns == 1 && column == 1 ? 0 : column
    guard let text = table.pointee.text?(raw, row, Int32(column), &length) else {
      throw PluginError.unsupported("there is no text of row \(row), column \(column)")
    }
    return UnsafeBufferPointer(
      start: UnsafeRawPointer(text).assumingMemoryBound(to: UInt8.self), count: Int(length))
  }
}

/// The run's tokenizer (service `cse.vocabulary/1`), for augmenters, in plan and in augment.
public struct Vocabulary {
  private let raw: UnsafePointer<cse_call>
  private let table: UnsafePointer<cse_vocabulary_1>
  /// Token ids are below it.
  public let size: Int

  init(_ call: Call) throws {
    let table = try call.service(CSE_VOCABULARY_1, as: cse_vocabulary_1.self, "vocabulary")
    let size = table.pointee.size?(call.raw) ?? -1
    guard size >= 0 else {
      throw PluginError.unsupported("there is no tokenizer here: augmenters have it, inside the program (no --isolate)")
    }
    (raw, self.table, self.size) = (call.raw, table, Int(size))
  }

  /// The text that tokens side by side stand for, with the blank that begins it where the vocabulary has it in its
  /// tokens; nil where it is not UTF-8: tokens may end within a character.
  public func text(of ids: [Int32]) throws -> String? {
    guard let ask = table.pointee.text else { throw PluginError.unsupported("this host tells no text of tokens") }
    return String(
      validating: try list { start, room in
        start.withMemoryRebound(to: CChar.self, capacity: room) { ask(raw, ids, Int64(ids.count), $0, Int64(room)) }
      } as [UInt8], as: UTF8.self)
  }

  /// The tokens of a piece of text, without special ones around them.
  public func tokens(of text: String) throws -> [Int32] {
    guard let ask = table.pointee.encode else { throw PluginError.unsupported("this host makes no tokens of text") }
    var text = text
    return try text.withUTF8 { bytes in
      try bytes.withMemoryRebound(to: CChar.self) { bytes in
        try list { ask(raw, bytes.baseAddress, Int64(bytes.count), $0, Int64($1)) }
      }
    }
  }

  /// Asks again where the first room was too small.
  private func list<T>(_ ask: (UnsafeMutablePointer<T>, Int) -> Int64) throws -> [T] where T: FixedWidthInteger {
    var room = 64
    while true {
      var needed = 0
      let found = [T](unsafeUninitializedCapacity: room) { buffer, filled in
        needed = buffer.baseAddress.map { Int(ask($0, room)) } ?? -1
        filled = max(0, min(needed, room))
      }
      if needed < 0 { throw PluginError.invalid("the host's tokenizer knows no such token or text") }
      if needed <= room { return found }
      room = needed
    }
  }
}

extension Call {
  /// The texts of the training data, for samplers and losses that called `Plan.readTexts`.
  /// - Throws: where this host or this run has none.
  public func rowTexts() throws -> RowTexts { try RowTexts(self) }

  /// The run's tokenizer, for augmenters.
  /// - Throws: where this host or this run has none, as in a process of its own.
  public func vocabulary() throws -> Vocabulary { try Vocabulary(self) }

  /// The table of a service of the host.
  func service<Table>(_ id: String, as type: Table.Type, _ what: String) throws -> UnsafePointer<Table> {
    let host = raw.pointee.host
    guard let table = id.withCString({ host?.pointee.get_service?(host, $0) }) else {
      throw PluginError.unsupported("this host offers no \(what) (service \(id)): it needs a newer one")
    }
    return table.assumingMemoryBound(to: Table.self)
  }
}
