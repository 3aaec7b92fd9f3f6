import FixedNetCompute

/// How the values of an image follow each other in a vector.
public enum PixelOrder: String, CaseIterable, Sendable {
  /// Row by row, the channels of a pixel together: NumPy's and Keras' order.
  case rows
  /// Column by column, one channel after the other: as MATLAB's `X(:)` unrolls an image.
  case columns
}

/// What a user says about a data file.
public struct DataFileOptions: Equatable, Sendable {
  /// Samples are images of this shape.
  public var image: Shape?
  /// How vectors become images. nil: columns in a MATLAB file, rows in HDF5.
  public var pixelOrder: PixelOrder?
  /// The label that stands for class 0; the labels above it follow, and those below come last. One of the labels, or the
  /// one before or behind them, which no sample has.
  public var zeroLabel: Int?
  /// The part of the samples that becomes the test set where the file has none; 0: training and test set are the same.
  /// nil: 0.2.
  public var testFraction: Double?
  /// Whether `y` holds numbers to predict even where all are whole.
  public var isRegression: Bool
  /// A table's column of answers: its name or, from 1 on, its number. nil: the one that is called label, target, class,
  /// species or y, else the last.
  public var target: String?
  /// Whether the samples are their own answers, so that answers need not be there: in a table only a column that has a usual
  /// name for them is none of the features.
  public var learnsInputs = false
  /// Columns of a table that are passed over, by name or number.
  public var ignoredColumns: [String] = []
  /// What stands between a table's fields; nil: what fits.
  public var delimiter: TableDelimiter?
  /// The names of arrays in HDF5, MATLAB and NumPy files, of groups in HDF5 too ("train/data"). nil: the usual ones.
  public var arrays = DataArrayNames()

  /// Nothing is said unless it is given: the file decides.
  public init(
    image: Shape? = nil, pixelOrder: PixelOrder? = nil, zeroLabel: Int? = nil,
    testFraction: Double? = nil, isRegression: Bool = false
  ) {
    self.image = image
    self.pixelOrder = pixelOrder
    self.zeroLabel = zeroLabel
    self.testFraction = testFraction
    self.isRegression = isRegression
  }

  /// As on the command line: "--image 20x20x1 --zero-label 10"; empty without options.
  package var text: String {
    var words: [String] = []
    if let image { words.append("--image \(image)") }
    if let pixelOrder { words.append("--pixel-order \(pixelOrder.rawValue)") }
    if let zeroLabel { words.append("--zero-label \(zeroLabel)") }
    if let testFraction { words.append("--test-fraction \(testFraction)") }
    if isRegression { words.append("--regression") }
    for (option, value) in texts { words += [option, DataFileOptions.escaped(value)] }
    return words.joined(separator: " ")
  }

  /// Those alone that say which columns or arrays are used.
  static func chosen(_ options: DataFileOptions) -> DataFileOptions {
    var chosen = DataFileOptions()
    chosen.target = options.target
    chosen.ignoredColumns = options.ignoredColumns
    chosen.delimiter = options.delimiter
    chosen.arrays = options.arrays
    return chosen
  }

  /// Options whose values are names.
  private var texts: [(option: String, value: String)] {
    [
      ("--target", target), ("--delimiter", delimiter?.rawValue), ("--x", arrays.x),
      ("--y", arrays.y), ("--x-test", arrays.xTest), ("--y-test", arrays.yTest),
    ].compactMap { option, value in value.map { (option, $0) } }
      + ignoredColumns.map { ("--ignore-column", $0) }
  }

  /// A name without spaces: those, percent signs and what is no character that is shown become %XX of their bytes.
  private static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      if scalar.value > 0x20, scalar != "%", scalar.value != 0x7F {
        result.unicodeScalars.append(scalar)
      } else {
        result += "%" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
      }
    }
    return result
  }

  private static func unescaped(_ text: Substring) -> String? {
    var result = ""
    var rest = text.unicodeScalars[...]
    while let scalar = rest.popFirst() {
      guard scalar == "%" else {
        result.unicodeScalars.append(scalar)
        continue
      }
      let digits = String(String.UnicodeScalarView(rest.prefix(2)))
      guard digits.utf8.count == 2, let value = UInt8(digits, radix: 16), value < 0x80 else {
        return nil
      }
      result.unicodeScalars.append(Unicode.Scalar(value))
      rest = rest.dropFirst(2)
    }
    return result.isEmpty ? nil : result
  }

  /// These options, and `other`'s where these say nothing.
  package func completed(by other: DataFileOptions) -> DataFileOptions {
    var options = DataFileOptions(
      image: image ?? other.image, pixelOrder: pixelOrder ?? other.pixelOrder,
      zeroLabel: zeroLabel ?? other.zeroLabel, testFraction: testFraction ?? other.testFraction,
      isRegression: isRegression || other.isRegression)
    options.target = target ?? other.target
    options.learnsInputs = learnsInputs || other.learnsInputs
    options.ignoredColumns = ignoredColumns.isEmpty ? other.ignoredColumns : ignoredColumns
    options.delimiter = delimiter ?? other.delimiter
    options.arrays = arrays == DataArrayNames() ? other.arrays : arrays
    return options
  }

  /// Takes options off the end of a data set's name, as a checkpoint records it: "digits.mat --zero-label 10".
  /// Returns: the file's path.
  package static func split(_ name: String) -> (path: String, options: DataFileOptions) {
    var words = name.split(separator: " ", omittingEmptySubsequences: false)
    var options = DataFileOptions()
    while words.count > 1 {
      if words.last == "--regression" {
        options.isRegression = true
        words.removeLast()
        continue
      }
      guard words.count > 2, options.set(words[words.count - 2], words[words.count - 1]) else {
        break
      }
      words.removeLast(2)
    }
    return (words.joined(separator: " "), options)
  }

  private mutating func set(_ option: Substring, _ value: Substring) -> Bool {
    switch option {
    case "--image":
      image = Shape(imageText: String(value))
      return image != nil
    case "--pixel-order":
      pixelOrder = PixelOrder(rawValue: String(value))
      return pixelOrder != nil
    case "--zero-label":
      zeroLabel = Int(value)
      return zeroLabel != nil
    case "--test-fraction":
      testFraction = Double(value)
      return testFraction.map { (0..<1).contains($0) } ?? false
    default: return setName(option, DataFileOptions.unescaped(value))
    }
  }

  private mutating func setName(_ option: Substring, _ name: String?) -> Bool {
    guard let name else { return false }
    switch option {
    case "--target": target = name
    case "--ignore-column": ignoredColumns.insert(name, at: 0)
    case "--delimiter":
      delimiter = TableDelimiter(rawValue: name)
      return delimiter != nil
    case "--x": arrays.x = name
    case "--y": arrays.y = name
    case "--x-test": arrays.xTest = name
    case "--y-test": arrays.yTest = name
    default: return false
    }
    return true
  }
}

/// The names of the arrays in a data file, as a user says them. nil: nothing was said.
public struct DataArrayNames: Equatable, Sendable {
  /// Of the training samples.
  public var x: String?
  /// Of their answers.
  public var y: String?
  /// Of the test samples.
  public var xTest: String?
  /// Of their answers.
  public var yTest: String?

  /// nil: found by the names that are usual.
  public init(x: String? = nil, y: String? = nil, xTest: String? = nil, yTest: String? = nil) {
    (self.x, self.y, self.xTest, self.yTest) = (x, y, xTest, yTest)
  }
}

extension Shape {
  /// An image of height x width x channels, "20x20x1", or of one channel, "20x20". nil for other texts, and for extents
  /// that no model may have.
  package init?(imageText: String) {
    let parts = imageText.split(separator: "x", omittingEmptySubsequences: false)
    let extents = parts.compactMap { Int($0) }
    guard (2...3).contains(parts.count), extents.count == parts.count,
      extents.allSatisfy({ (1...65_536).contains($0) })
    else { return nil }
    let channels = extents.count == 3 ? extents[2] : 1
    guard extents[0] * extents[1] * channels <= Shape.extentLimit else { return nil }
    self = .image(height: extents[0], width: extents[1], channels: channels)
  }
}
