/// Loops over all values of a data set, which every build optimises.
package enum ValueScan {
  /// The place of the first value that is infinite or no number; nil where all are finite.
  package static func firstNonFinite(_ values: UnsafeBufferPointer<Float>) -> Int? {
    var place = 0
    while place < values.count {
      if !values[place].isFinite { return place }
      place += 1
    }
    return nil
  }

  /// The smallest and the largest of at least one value.
  package static func range(_ values: UnsafeBufferPointer<Float>) -> (Float, Float) {
    var (smallest, largest) = (values[0], values[0])
    var place = 1
    while place < values.count {
      let value = values[place]
      if value < smallest { smallest = value }
      if value > largest { largest = value }
      place += 1
    }
    return (smallest, largest)
  }

  /// Bytes as numbers, each divided by `divisor`, as a network reads images of bytes.
  /// Shapes: values [count], result [count].
  package static func scale(
    _ values: UnsafeBufferPointer<UInt8>, by divisor: Float,
    to result: UnsafeMutableBufferPointer<Float>
  ) {
    for place in 0..<values.count { result[place] = Float(Int(values[place])) / divisor }
  }

  /// Rows of values that lie anywhere, as MATLAB's columns do: value `feature` of row `row` is at places[feature] +
  /// row stride. Some rows at a time, so that what is written stays near.
  /// Shapes: places [width], result [count][width].
  package static func gather(
    _ values: UnsafeBufferPointer<Double>, stride: Int, count: Int,
    places: UnsafeBufferPointer<Int>, to result: UnsafeMutableBufferPointer<Float>
  ) {
    let width = places.count
    let part = max(1, (1 << 20) / width)
    var first = 0
    while first < count {
      let end = min(count, first + part)
      for feature in 0..<width {
        for row in first..<end {
          result[row * width + feature] = Float(values[places[feature] + row * stride])
        }
      }
      first = end
    }
  }

  /// The rows `rows` of `values`, one after the other. `order`: where each value of a result's row is in its own; empty:
  /// in place.
  /// Shapes: values [count][width], order [width] or [0], result [rows][width].
  package static func gather(
    _ values: UnsafeBufferPointer<Float>, width: Int, rows: UnsafeBufferPointer<Int>,
    order: UnsafeBufferPointer<Int>, to result: UnsafeMutableBufferPointer<Float>
  ) {
    var place = 0
    for row in rows {
      let start = row * width
      if order.isEmpty {
        for feature in 0..<width { result[place + feature] = values[start + feature] }
      } else {
        for feature in 0..<width { result[place + feature] = values[start + order[feature]] }
      }
      place += width
    }
  }
}
