// A trap of Swift's own, for faulty.c: an index behind the end of an array.

@_cdecl("trap_in_swift")
public func trap(_ index: Int64) {
  let numbers = [1, 2, 3]
  if numbers[Int(index) + 3] == 0 { print("never") }
}
