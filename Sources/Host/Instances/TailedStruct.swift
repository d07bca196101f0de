// Structs as a newer host passes them: bigger, with a tail of unknown content. `plugins check` asks for them, so that a
// plugin meets the host of tomorrow.

/// A struct of the ABI with room behind it that only a newer host counts in.
struct TailedStruct<Head> {
  var head: Head
  private var tail = (UInt64(0xA5A5_A5A5_A5A5_A5A5), UInt64(0x5A5A_5A5A_5A5A_5A5A))

  init(_ head: Head) { self.head = head }
}
