import FixedNetCompute
import FixedNetCore

/// Samples of a MATLAB file, one after the other, wherever their axis is.
struct MatSamples {
  let shape: [Int]
  /// Row-major, samples first.
  let pixels: ImageSet.Pixels
  /// How the axes were turned; nil: not.
  let note: String?

  /// `answers`: the shape of `y`, which says how many samples there are. `turnsRows`: whether a matrix may hold them as its
  /// columns, as files whose arrays are called data and label do.
  init(_ x: MatArray, answers: [Int], turnsRows: Bool) {
    guard MatSamples.areLast(x.shape, answers, turnsRows) else {
      (shape, note) = (x.shape, nil)
      pixels = .floats(x.values.withUnsafeBufferPointer { values in values.map { Float($0) } })
      return
    }
    let last = x.shape[x.shape.count - 1]
    shape = [last] + x.shape.dropLast()
    note = MatSamples.lastAxis
    let width = x.values.count / last
    let values = [Float](unsafeUninitializedCapacity: x.values.count) { result, filled in
      filled = x.values.count
      x.values.withUnsafeBufferPointer { values in
        for feature in 0..<width {
          for sample in 0..<last {
            result[sample * width + feature] = Float(values[feature * last + sample])
          }
        }
      }
    }
    pixels = .floats(values)
  }

  /// The same of values in a file, into another one. `path`: for messages.
  /// Throws: `DataFileError.file` where no disk holds it.
  init(_ x: MatColumns, answers: [Int], turnsRows: Bool, path: String) throws(DataFileError) {
    let isLast = MatSamples.areLast(x.shape, answers, turnsRows)
    let (axes, extents) = (x.shape.count, x.shape)
    shape = isLast ? [extents[axes - 1]] + extents.dropLast() : extents
    note = isLast ? MatSamples.lastAxis : nil
    let count = shape[0]
    guard count > 0, x.values.count > 0 else {
      pixels = .floats([])
      return
    }
    var strides = [1]
    for extent in extents.dropLast() { strides.append(strides[strides.count - 1] * extent) }
    let stride = isLast ? strides.removeLast() : strides.removeFirst()
    // Where each value of a sample is: the last axis is the fastest here.
    let places = zip(shape.dropFirst(), strides).reduce([0]) { places, axis in
      places.flatMap { place in (0..<axis.0).map { place + $0 * axis.1 } }
    }
    let memory: ScratchMemory
    do { memory = try ScratchMemory(count: 4 * x.values.count, for: path) } catch {
      throw .file(error)
    }
    do throws(HelperFailure) {
      try x.values.withDoubles { values in
        places.withUnsafeBufferPointer { places in
          ValueScan.gather(
            values, stride: stride, count: count, places: places,
            to: memory.bytes.bindMemory(to: Float.self))
        }
      }
    } catch { throw .wrongFormat(path: path, found: error.reason) }
    pixels = memory.pixels(isBytes: false, imageCount: count, width: places.count)
  }

  private static let lastAxis = "the samples along its last axis"

  private static func areLast(_ shape: [Int], _ answers: [Int], _ turnsRows: Bool) -> Bool {
    let (count, last) = (answers.max() ?? 0, shape.last ?? 0)
    let mayTurn = shape.count == 2 ? turnsRows : shape.count <= 4
    return mayTurn && last == count && shape[0] != count && last > 0
  }
}
