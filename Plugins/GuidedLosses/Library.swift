// The one symbol of libGuidedLosses.so.

import PluginAPI
import PluginKit

private let library = Library(
  id: "org.mixcse.guided", version: "1.0.0",
  recipes: [
    "rankcse = loss:infonce loss:consistency loss:listmle",
    "rankcse-listnet = loss:infonce loss:consistency loss:listnet",
    "distill = loss:distill", "margin-mse = loss:margin-mse",
  ],
  [ListNet(), ListMLE(), Consistency(), Distill(), MarginMSE()])

@c @implementation
public func cse_library_entry_v1(_ host: UnsafePointer<cse_host>?) -> UnsafePointer<cse_library>? { library.entry }
