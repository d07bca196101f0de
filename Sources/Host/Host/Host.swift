// The host of plugins in one import: everything between the text that names a plugin and the numbers it gives back.
// Host links no plugin; it finds, checks, loads and calls them. Each of its parts knows only those before it:
//
//   PluginGrammar     names, parameters, strategies: what can be written
//   PluginLoading     files found, checked and loaded; descriptors read; the registry
//   PluginInstances   a component with its parameters, memory, states, and every call into it
//   BareFunctions     C functions described by a line of text, called through libffi
//   PluginIsolation   plugins in processes of their own
//   PluginPython      plugins in Python, in processes of Python's
//   PluginReload      private copies of libraries, and the watch on their files
//   Strategies        names looked up: flags and texts become components to make instances of

@_exported public import BareFunctions
@_exported public import PluginGrammar
@_exported public import PluginInstances
@_exported public import PluginIsolation
@_exported public import PluginLoading
@_exported public import PluginPython
@_exported public import PluginReload
@_exported public import Strategies
