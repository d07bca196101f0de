// A stretch of a vector, for components that put several vectors side by side.

extension Vector {
  /// The numbers at `positions`; what is written there is written here.
  public subscript(positions: Range<Int>) -> Vector {
    Vector(pointer: pointer + positions.lowerBound, count: positions.count)
  }
}
