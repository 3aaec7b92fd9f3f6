import FixedNetCompute

/// The records of an answer. Every length is checked: nothing is believed that a helper says.
struct AnswerRecords {
  private let output: HelperOutput
  private var place = 0
  private var count = 0

  /// More than any helper writes: it ends before.
  private static let limit = 1 << 19

  init(_ output: HelperOutput) { self.output = output }

  /// The next one; nil at the end.
  mutating func next() throws(HelperFailure) -> AnswerRecord? {
    guard place < output.count else { return nil }
    count += 1
    guard count <= AnswerRecords.limit else { throw .answer }
    let tag = try output.number(at: place, as: UInt32.self)
    let length = try output.number(at: place + 8, as: UInt64.self)
    let start = place + 16
    guard length <= UInt64(output.count - start) else { throw .answer }
    let end = start + Int(length)
    place = start + (Int(length) + 7) / 8 * 8
    return AnswerRecord(tag: Int(tag), output: output, start..<end)
  }
}

/// One record, read from its first number to the last.
struct AnswerRecord {
  let tag: Int
  private let output: HelperOutput
  private var place: Int
  private let end: Int

  fileprivate init(tag: Int, output: HelperOutput, _ range: Range<Int>) {
    self.tag = tag
    self.output = output
    (place, end) = (range.lowerBound, range.upperBound)
  }

  var hasMore: Bool { place < end }

  mutating func bits() throws(HelperFailure) -> UInt64 {
    guard end - place >= 8 else { throw .answer }
    defer { place += 8 }
    return try output.number(at: place, as: UInt64.self)
  }

  /// A number that is 0 or more.
  mutating func count() throws(HelperFailure) -> Int {
    guard let value = Int(exactly: try bits()) else { throw .answer }
    return value
  }

  mutating func signed() throws(HelperFailure) -> Int { Int(Int64(bitPattern: try bits())) }

  mutating func text() throws(HelperFailure) -> [UInt8] {
    let length = try count()
    guard length <= end - place else { throw .answer }
    defer { place += min(end - place, (length + 7) / 8 * 8) }
    return try output.values(at: place, count: length, as: UInt8.self)
  }

  /// As many texts as the next number says.
  mutating func texts() throws(HelperFailure) -> [[UInt8]] {
    let length = try count()
    // Each takes 8 bytes at least.
    guard length <= (end - place) / 8 else { throw .answer }
    var texts: [[UInt8]] = []
    texts.reserveCapacity(length)
    for _ in 0..<length { texts.append(try text()) }
    return texts
  }

  /// As many numbers as the next number says.
  mutating func counts() throws(HelperFailure) -> [Int] {
    let length = try count()
    guard length <= (end - place) / 8 else { throw .answer }
    var numbers: [Int] = []
    for _ in 0..<length { numbers.append(try count()) }
    return numbers
  }

  /// Where bytes are: how many, their place.
  mutating func bytes() throws(HelperFailure) -> [UInt8] {
    let (count, place) = (try self.count(), try self.count())
    return try output.values(at: place, count: count, as: UInt8.self)
  }

  /// Where values are: as what, how many, their place.
  mutating func values() throws(HelperFailure) -> AnswerValues {
    let (how, count, place) = (try self.count(), try self.count(), try self.count())
    guard [1, 2].contains(how), place <= output.count,
      count <= (output.count - place) / (how == 1 ? 4 : 8)
    else { throw .answer }
    return AnswerValues(output: output, isDouble: how == 2, count: count, place: place)
  }
}

/// Values in an answer.
struct AnswerValues {
  private let output: HelperOutput
  let isDouble: Bool
  let count: Int
  private let place: Int

  fileprivate init(output: HelperOutput, isDouble: Bool, count: Int, place: Int) {
    (self.output, self.isDouble, self.count, self.place) = (output, isDouble, count, place)
  }

  func floats() throws(HelperFailure) -> [Float] {
    isDouble
      ? try doubles().map { Float($0) }
      : try output.values(at: place, count: count, as: Float.self)
  }

  /// Whether they are doubles of an answer that is kept in a file.
  var isInPlace: Bool { output.scratch != nil && isDouble && place % 8 == 0 }

  /// Calls `body` with such values.
  func withDoubles<Result>(_ body: (UnsafeBufferPointer<Double>) -> Result) throws(HelperFailure)
    -> Result
  {
    guard isInPlace else { throw .answer }
    let start = try output.address(at: place, count: 8 * count)
    return withExtendedLifetime(output) {
      body(UnsafeBufferPointer(start: start.assumingMemoryBound(to: Double.self), count: count))
    }
  }

  /// The values of `imageCount` images: of an answer that is kept in a file where they are, else in an array.
  func pixels(_ imageCount: Int) throws(HelperFailure) -> ImageSet.Pixels {
    guard let scratch = output.scratch, !isDouble, imageCount > 0, count > 0, place % 4 == 0 else {
      return .floats(try floats())
    }
    let start = try output.address(at: place, count: 4 * count)
    return .mapped(
      MappedPixels(
        owner: output, start: start, isBytes: false, imageCount: imageCount,
        width: count / imageCount, folder: scratch.folder))
  }

  func doubles() throws(HelperFailure) -> [Double] {
    isDouble
      ? try output.values(at: place, count: count, as: Double.self)
      : try floats().map { Double($0) }
  }
}
