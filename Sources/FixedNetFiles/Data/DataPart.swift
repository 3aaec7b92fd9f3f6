import FixedNetCompute
import FixedNetCore

/// The arrays of one part of a data file, training or test.
struct DataPart: Sendable {
  let path: String
  let xName: String
  let xShape: [Int]
  /// Row-major.
  let x: ImageSet.Pixels
  let yName: String
  let yShape: [Int]
  let y: [Double]
  var weightName = "sample_weight"
  /// nil where the file has no weights of the samples.
  var weightShape: [Int]?
  var weights: [Double] = []
  /// What the classes are called whose places `y` holds; nil where it holds numbers.
  var classNames: [String]?
  let form: Form

  /// What kind of file it is from: how places in it are named.
  enum Form {
    /// Vectors hold images column by column, and indices count from 1. `note`: how its axes were turned; nil: not.
    case matlab(note: String?)
    /// Row-major, indices count from 0.
    case arrays
    /// The same, of images of bytes.
    case bytes
    /// The file of each, and to how many something was done.
    case pictures(paths: [String], PictureCounts)
    /// The line that each row starts in, and what the table is.
    case table(lines: [Double], note: String)
  }

  var isMATLAB: Bool { if case .matlab = form { true } else { false } }

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
    switch form {
    case .matlab(nil): return "\(name)(\(indices.map { "\($0 + 1)" }.joined(separator: ",")))"
    case .matlab: return "sample \(indices[0] + 1) of \(name)"
    case .arrays, .bytes: return "\(name)[\(indices.map(String.init).joined(separator: ", "))]"
    case .pictures: return sampleName(indices[0])
    case .table(let lines, _):
      return indices[0] < lines.count ? "line \(Int(lines[indices[0]]))" : name
    }
  }

  /// How messages name a sample.
  func sampleName(_ sample: Int) -> String {
    switch form {
    case .matlab: "sample \(sample + 1)"
    case .arrays, .bytes: "sample \(sample)"
    case .pictures(let paths, _): sample < paths.count ? "'\(paths[sample])'" : "a picture"
    case .table(let lines, _): sample < lines.count ? "line \(Int(lines[sample]))" : "a row"
    }
  }

  static func text(_ shape: [Int]) -> String {
    shape.isEmpty ? "a single value" : shape.map { Format.grouped($0) }.joined(separator: " x ")
  }

  /// "values -0.132 to 1.13 as they are"
  private var values: String {
    let (smallest, largest) = x.withFloats { ValueScan.range($0) } ?? (0, 1)
    return "values \(smallest) to \(largest) as they are"
  }

  /// "X 5,000 x 400, values -0.132 to 1.13 as they are"
  var note: String {
    switch form {
    case .pictures: return DataPart.pictureNote([self]) ?? ""
    case .matlab(let turned?): return "\(xName) \(DataPart.text(xShape)), \(turned), \(values)"
    case .matlab, .arrays: return "\(xName) \(DataPart.text(xShape)), \(values)"
    case .bytes: return "\(xName) \(DataPart.text(xShape)), bytes divided by 255"
    case .table(_, let note):
      return "\(Format.grouped(count)) rows of \(xShape[1]) features (\(note)), \(values)"
    }
  }

  /// Where its samples are, if in no memory.
  var scratchNote: String? {
    guard case .mapped(let mapped) = x else { return nil }
    let count = mapped.count * (mapped.isBytes ? 1 : MemoryLayout<Float>.stride)
    return ScratchFile.note(count, in: mapped.folder)
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

  /// The samples `indices`, as bytes where they are bytes.
  /// `order`: how vectors hold images.
  func pixels(_ indices: [Int], shape: Shape, order: PixelOrder) throws(DataFileError)
    -> ImageSet.Pixels
  {
    let width = x.count / count
    if order == .columns, xShape.count == 2, let places = DataPart.columnOrder(shape) {
      return try reordered(indices, width: width, places)
    }
    // All of them are not there twice.
    return indices == Array(0..<count) ? x : x.images(at: indices, width: width)
  }

  /// The samples `indices`, one after the other. `order`: where each value of an image is in its vector.
  private func reordered(_ indices: [Int], width: Int, _ order: [Int]) throws(DataFileError)
    -> ImageSet.Pixels
  {
    func gather(to result: UnsafeMutableBufferPointer<Float>) {
      _ = x.withFloats { x in
        indices.withUnsafeBufferPointer { rows in
          order.withUnsafeBufferPointer { order in
            ValueScan.gather(x, width: width, rows: rows, order: order, to: result)
          }
        }
      }
    }
    let count = indices.count * width
    guard case .mapped = x, count > 0 else {
      return .floats(
        [Float](unsafeUninitializedCapacity: count) { result, filled in
          gather(to: result)
          filled = count
        })
    }
    do throws(FileError) {
      let memory = try ScratchMemory(count: 4 * count, for: path)
      gather(to: memory.bytes.bindMemory(to: Float.self))
      return memory.pixels(isBytes: false, imageCount: indices.count, width: width)
    } catch { throw .file(error) }
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

extension DataPart {
  /// Samples that have no answers.
  init(
    path: String, xName: String, shape: [Int], x: ImageSet.Pixels,
    weightName: String = "sample_weight",
    weightShape: [Int]? = nil, weights: [Double] = [], form: Form
  ) {
    let count = shape.first ?? 0
    self.init(
      path: path, xName: xName, xShape: shape, x: x, yName: DataAnswers.none, yShape: [count],
      y: [Double](repeating: 0, count: count), weightName: weightName, weightShape: weightShape,
      weights: weights, form: form)
  }
}
