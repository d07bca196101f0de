// Where an encoder's weights come from: named tensors of known shape. Implemented by ModelFiles.WeightTable for every
// checkpoint format; emptied by TransformerEncoder and MaskedLanguageHead, which know no file.

/// Named float32 tensors: Hugging Face's names without a `bert.` or `roberta.` prefix.
package protocol WeightSource: AnyObject {
  /// Whether there is a tensor of that name.
  func contains(_ name: String) -> Bool

  /// Checks names, shapes and types of everything a model needs before anything is loaded.
  /// - Throws: an error that lists all that are missing, or names the first of another shape or type.
  func require(_ wanted: [(name: String, shape: [Int])]) throws

  /// Reads a tensor, row-major; `destination` has room for the product of `shape`.
  /// - Throws: an error that names the tensor where it is missing, of another shape or type, or cannot be read.
  func copy(_ name: String, shape: [Int], into destination: UnsafeMutablePointer<Float>) throws
}
