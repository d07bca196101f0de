// How errors leave the library: a code as the program's, and a text for the thread that made the call.

import Encoder
import Files
import Glibc
import Host
import LibraryAPI
import ModelFiles
import Objective
import Search
import Tokenizer

/// What callers can do wrong with the C functions themselves.
enum CallError: Error, CustomStringConvertible {
  /// An argument that makes no sense: which, what was expected, what was found.
  case argument(String, expected: String, found: String)
  /// The strategy asks for what an objective on given embeddings does not have.
  case notHere(String)
  /// A handle in a process that was forked off.
  case forked(handle: String)

  var description: String {
    switch self {
    case .argument(let name, let expected, let found): "\(name): expected \(expected), found \(found)"
    case .notHere(let text): text
    case .forked(let handle):
      "\(handle): expected a handle of this process, found one from before fork(), whose threads are not here; open "
        + "another one in the child"
    }
  }
}

/// An error of one of the modules with the code that the program would end with.
private protocol CodedError: Error {
  var exitCode: Int32 { get }
}

extension CallError: CodedError {
  var exitCode: Int32 { Int32(MIXCSE_E_USAGE) }
}
extension EncoderError: CodedError {}
extension FileError: CodedError {}
extension ModelFileError: CodedError {}
extension ObjectiveError: CodedError {}
extension PluginError: CodedError {}
extension PluginFailure: CodedError {}
extension SearchError: CodedError {}
extension TokenizerError: CodedError {}
extension UsageError: CodedError {}

/// Runs the body of a C function.
/// - Returns: `MIXCSE_OK`, or the code of what it threw, which is then this thread's last error.
func attempt(_ body: () throws -> Void) -> Int32 {
  do {
    try body()
    return Int32(MIXCSE_OK)
  } catch {
    LastError.set("\(error)")
    return (error as? any CodedError)?.exitCode ?? Int32(MIXCSE_E_INTERNAL)
  }
}

/// The same for functions that return a value, and `failed` after an error.
func attempt<Value>(or failed: Value, _ body: () throws -> Value) -> Value {
  var value = failed
  return attempt { value = try body() } == Int32(MIXCSE_OK) ? value : failed
}

/// The text of each thread's last error.
private enum LastError {
  private static let key: pthread_key_t? = {
    var key = pthread_key_t()
    return pthread_key_create(&key) { free($0) } == 0 ? key : nil
  }()
  private static let none: StaticString = ""
  private static let unknown: StaticString = "the system has no room for the text of an error"

  static func set(_ text: String) {
    guard let key else { return }
    free(pthread_getspecific(key))
    pthread_setspecific(key, strdup(text))
  }

  static var text: UnsafePointer<CChar> {
    guard let key else { return UnsafeRawPointer(unknown.utf8Start).assumingMemoryBound(to: CChar.self) }
    guard let text = pthread_getspecific(key) else {
      return UnsafeRawPointer(none.utf8Start).assumingMemoryBound(to: CChar.self)
    }
    return UnsafePointer(text.assumingMemoryBound(to: CChar.self))
  }
}

@c @implementation
public func mixcse_last_error() -> UnsafePointer<CChar>? { LastError.text }
