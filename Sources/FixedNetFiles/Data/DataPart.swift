import FixedNetCompute

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
  let weightName: String
  /// nil where the file has no weights of the samples.
  let weightShape: [Int]?
  let weights: [Double]
  /// MATLAB's: vectors hold images column by column, and indices count from 1.
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

  /// "sample_weight from 0.5 to 2"; nil where there is none.
  var weightNote: String? {
    guard weightShape != nil, let smallest = weights.min(), let largest = weights.max() else {
      return nil
    }
    return "\(weightName) \(Float(smallest)) to \(Float(largest))"
  }

  /// The weights of the samples `indices`; empty where the file has none.
  func sampleWeights(_ indices: [Int]) -> [Float] {
    weightShape == nil ? [] : indices.map { Float(weights[$0]) }
  }

  /// The samples `indices`, one after the other, channels last. `order`: how vectors hold images.
  func images(_ indices: [Int], shape: Shape, order pixelOrder: PixelOrder) -> [Float] {
    let width = x.count / count
    let order = pixelOrder == .columns && xShape.count == 2 ? DataPart.columnOrder(shape) : nil
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
  static func columnOrder(_ shape: Shape) -> [Int]? {
    guard case .image(let height, let width, let channels) = shape else { return nil }
    var order: [Int] = []
    for row in 0..<height {
      for column in 0..<width {
        for channel in 0..<channels { order.append(row + height * (column + width * channel)) }
      }
    }
    return order
  }
}
