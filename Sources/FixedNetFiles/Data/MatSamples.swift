import FixedNetCompute

/// Samples of a MATLAB file, one after the other, wherever their axis is.
struct MatSamples {
  private(set) var shape: [Int]
  /// Row-major, samples first.
  private(set) var values: [Float]
  /// How the axes were turned; nil: not.
  private(set) var note: String?

  /// `answers`: the shape of `y`, which says how many samples there are. `turnsRows`: whether a matrix may hold them as its
  /// columns, as files whose arrays are called data and label do.
  init(_ x: MatArray, answers: [Int], turnsRows: Bool) {
    let count = answers.max() ?? 0
    let last = x.shape.last ?? 0
    let mayTurn = x.shape.count == 2 ? turnsRows : x.shape.count <= 4
    guard mayTurn, last == count, x.shape[0] != count, last > 0 else {
      (shape, note) = (x.shape, nil)
      values = x.values.withUnsafeBufferPointer { values in values.map { Float($0) } }
      return
    }
    shape = [last] + x.shape.dropLast()
    note = "the samples along its last axis"
    let width = x.values.count / last
    values = [Float](unsafeUninitializedCapacity: x.values.count) { result, filled in
      filled = x.values.count
      x.values.withUnsafeBufferPointer { values in
        for feature in 0..<width {
          for sample in 0..<last {
            result[sample * width + feature] = Float(values[feature * last + sample])
          }
        }
      }
    }
  }
}
