import FixedNet

/// The arrays of one part of a data file, training or test.
struct DataPart: Sendable {
  let path: String
  let xName: String
  let xShape: [Int]
  /// Row-major.
  let x: [Float]
  let yName: String
  let yShape: [Int]
  let y: [Double]
  /// MATLAB's: images are stored column by column, and indices count from 1.
  let isMATLAB: Bool

  var count: Int { xShape.first ?? 0 }

  /// One sample as the file stores it. `check` comes first.
  var sample: Shape {
    switch xShape.count {
    case 2: .vector(xShape[1])
    case 3: .image(height: xShape[1], width: xShape[2], channels: 1)
    default: .image(height: xShape[1], width: xShape[2], channels: xShape[3])
    }
  }

  /// Samples there must be, of shapes that a model can have, with finite values, and as many answers.
  func check() throws(DataFileError) {
    let expected =
      isMATLAB
      ? "samples x features"
      : "[samples, features], [samples, height, width] or [samples, height, width, channels]"
    guard isMATLAB ? xShape.count == 2 : (2...4).contains(xShape.count) else {
      throw .array(path: path, array: xName, expected: expected, found: DataPart.text(xShape))
    }
    guard xShape.allSatisfy({ $0 > 0 }) else {
      throw .array(
        path: path, array: xName, expected: "at least one sample with values",
        found: "the empty array \(DataPart.text(xShape))")
    }
    guard x.count / count <= Shape.extentLimit else {
      throw .array(
        path: path, array: xName, expected: "samples of at most 2^24 values",
        found: DataPart.text(xShape))
    }
    if let place = x.withUnsafeBufferPointer({ x in x.firstIndex { !$0.isFinite } }) {
      throw .array(
        path: path, array: xName, expected: "finite numbers (float32)",
        found: "\(x[place]) at \(element(xName, place, xShape))")
    }
    guard answerWidth != nil, !y.isEmpty else {
      let columns = isMATLAB ? "\(count) x 1, 1 x \(count)" : "[\(count)], [\(count), 1]"
      throw .array(
        path: path, array: yName,
        expected: "\(columns) or \(count) x classes, for the \(count) samples of \(xName)",
        found: DataPart.text(yShape))
    }
    if let place = y.firstIndex(where: { !$0.isFinite }) {
      throw .array(
        path: path, array: yName, expected: "finite numbers",
        found: "\(y[place]) at \(element(yName, place, yShape))")
    }
  }

  /// Values of `y` per sample; nil where its shape does not fit `x`.
  var answerWidth: Int? {
    switch yShape.count {
    case 1 where yShape[0] == count: 1
    case 2 where yShape[0] == count: yShape[1]
    case 2 where yShape[0] == 1 && yShape[1] == count: 1
    default: nil
    }
  }

  /// "X(3,7)" or "x[2, 6]".
  func element(_ name: String, _ place: Int, _ shape: [Int]) -> String {
    var indices: [Int] = []
    var rest = place
    for extent in shape.reversed() {
      indices.insert(rest % extent, at: 0)
      rest /= extent
    }
    return isMATLAB
      ? "\(name)(\(indices.map { "\($0 + 1)" }.joined(separator: ",")))"
      : "\(name)[\(indices.map(String.init).joined(separator: ", "))]"
  }

  static func text(_ shape: [Int]) -> String {
    shape.isEmpty ? "a single value" : shape.map { Format.grouped($0) }.joined(separator: " x ")
  }

  /// "X 5,000 x 400, values -0.132 to 1.13 as they are"
  var note: String {
    let (smallest, largest) = x.withUnsafeBufferPointer { x in
      x.reduce(into: (x[0], x[0])) { $0 = (min($0.0, $1), max($0.1, $1)) }
    }
    return "\(xName) \(DataPart.text(xShape)), values \(smallest) to \(largest) as they are"
  }

  /// The samples `indices`, one after the other, channels last.
  func images(_ indices: [Int], shape: Shape) -> [Float] {
    let width = x.count / count
    let order = columnOrder(shape)
    return [Float](unsafeUninitializedCapacity: indices.count * width) { result, filled in
      x.withUnsafeBufferPointer { x in
        for (place, index) in indices.enumerated() {
          for feature in 0..<width {
            result[place * width + feature] = x[index * width + (order?[feature] ?? feature)]
          }
        }
      }
      filled = indices.count * width
    }
  }

  /// Where each value of an image is in a row of `X`: MATLAB unrolls height, then width, then channels. nil: in place.
  private func columnOrder(_ shape: Shape) -> [Int]? {
    guard isMATLAB, case .image(let height, let width, let channels) = shape else { return nil }
    var order: [Int] = []
    for row in 0..<height {
      for column in 0..<width {
        for channel in 0..<channels { order.append(row + height * (column + width * channel)) }
      }
    }
    return order
  }
}
