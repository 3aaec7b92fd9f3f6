/// Numbers of a MATLAB file.
public struct MatArray: Equatable, Sendable {
  /// MATLAB's extents: at least two.
  public var shape: [Int]
  /// Row-major.
  public var values: [Double]

  /// `values`: as many as the extents' product, row-major.
  public init(shape: [Int], values: [Double]) {
    self.shape = shape
    self.values = values
  }

  /// Turns column-major values, as MATLAB stores them, to row-major.
  /// Shapes: `columnMajor` and the result have the elements of `shape`.
  init(shape: [Int], columnMajor: [Double]) {
    let count = columnMajor.count
    self.shape = shape
    values = [Double](unsafeUninitializedCapacity: count) { rows, filled in
      filled = count
      var strides = [Int](repeating: 1, count: shape.count)
      for axis in shape.indices.dropFirst() { strides[axis] = strides[axis - 1] * shape[axis - 1] }
      guard let last = shape.last, last > 0 else { return }
      columnMajor.withUnsafeBufferPointer { columns in
        var index = [Int](repeating: 0, count: shape.count)
        let stride = strides[shape.count - 1]
        for row in 0..<count / last {
          var place = 0
          for axis in shape.indices.dropLast() { place += index[axis] * strides[axis] }
          for column in 0..<last { rows[row * last + column] = columns[place + column * stride] }
          var axis = shape.count - 2
          while axis >= 0 {
            index[axis] += 1
            if index[axis] < shape[axis] { break }
            index[axis] = 0
            axis -= 1
          }
        }
      }
    }
  }
}

/// Numbers of a MATLAB file where a helper wrote them, column-major as they are stored.
struct MatColumns {
  /// MATLAB's extents: at least two.
  var shape: [Int]
  var values: AnswerValues
}

/// Texts as names of classes.
struct MatNames: Equatable {
  var classes: [String]
  /// The place of each text among them.
  var places: [Double]

  /// Throws: `HelperFailure.answer` for places that there are not.
  init(_ names: [[UInt8]], _ values: AnswerValues) throws(HelperFailure) {
    classes = names.map { String(decoding: $0, as: UTF8.self) }
    places = try values.doubles()
    let count = Double(names.count)
    guard places.allSatisfy({ $0 >= 0 && $0 < count && $0 == $0.rounded(.down) }) else {
      throw .answer
    }
  }
}

/// What was read of a MATLAB file.
struct MatContents {
  var arrays: [String: MatArray]
  /// Those of an answer that is kept in a file, which are not copied.
  var columns: [String: MatColumns] = [:]
  /// Texts, of a cell array or of a matrix of characters.
  var labels: [String: MatNames] = [:]
  /// What the file holds besides.
  var others: [String]
}

/// MATLAB files of numbers: versions 4, 5, 6 and 7 through libmatio, 7.3 as the HDF5 that it is.
public enum MatFile {
  /// Bytes that a file may have.
  static let sizeLimit = 1 << 30
  /// Elements that a variable may have.
  static let elementLimit = 1 << 28

  /// Reads real, full arrays of numbers (double, single, integers, logical) as row-major Double. Files are not trusted:
  /// extents are checked before memory is allocated, and a helper reads them within limits.
  /// `optional`: read where the file has them. At most eight names in all.
  /// Throws: `MatFileError`; `.missing` names the variables that exist.
  public static func read(
    path: String, variables: [String], optional: [String] = []
  ) throws(MatFileError) -> [String: MatArray] {
    let found = try contents(path: path, variables: variables, optional: optional)
    if let name = variables.first(where: { found.labels[$0] != nil }) {
      throw .variable(
        path: path, variable: name, expected: expected, found: "text (char), or a cell array of it")
    }
    return found.arrays
  }

  /// The same, with the names of everything else in the file.
  /// Throws: `MatFileError`.
  static func contents(
    path: String, variables: [String], optional: [String] = []
  ) throws(MatFileError) -> MatContents {
    let file: SealedFile
    do { file = try SealedFile(path: path, limit: 4 << 30, for: .reader) } catch {
      throw .file(error)
    }
    return try contents(file, variables: variables, optional: optional)
  }

  /// `inPlace`: those that need not be arrays where memory is short of them.
  static func contents(
    _ file: SealedFile, variables: [String], optional: [String] = [], inPlace: Set<String> = []
  ) throws(MatFileError) -> MatContents {
    let isHDF5 = try MatFormat.isVersion7HDF5(file)
    return isHDF5
      ? try readHDF5(file, variables: variables, optional: optional, inPlace: inPlace)
      : try readPlain(file, variables: variables, optional: optional, inPlace: inPlace)
  }

  /// What an array of numbers is called in messages.
  static let expected = "a full array of real numbers"

  /// The product of extents.
  /// Throws: `MatFileError.variable` beyond the limit.
  static func elementCount(_ shape: [Int], path: String, variable: String) throws(MatFileError)
    -> Int
  {
    var count = 1
    for extent in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: extent)
      guard !overflow, product <= elementLimit else {
        throw .variable(
          path: path, variable: variable, expected: "at most 2^28 numbers", found: text(shape))
      }
      count = product
    }
    return count
  }

  /// "5000x400"
  static func text(_ shape: [Int]) -> String { shape.map(String.init).joined(separator: "x") }
}
