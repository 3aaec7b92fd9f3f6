/// Samples as arrays of arrays: what a table, or a few lines of code, give.
extension ImageSet {
  /// Rows of features with the class of each, from 0.
  /// Throws: `NetworkError.malformedImages` for rows of different lengths, and labels that no class has.
  public init(rows: [[Float]], labels: [Int]) throws(NetworkError) {
    let numbers = labels.compactMap(UInt16.init(exactly:))
    guard numbers.count == labels.count else {
      let odd = labels.first { UInt16(exactly: $0) == nil } ?? 0
      throw .malformedImages(what: "labels", expected: "classes from 0 to 65535", found: "\(odd)")
    }
    self.init(
      shape: .vector(rows.first?.count ?? 0), pixels: .floats(try ImageSet.joined(rows, "rows")),
      labels: numbers)
    try check()
  }

  /// Rows of features with the numbers to predict for each.
  /// Throws: `NetworkError.malformedImages` for rows or targets of different lengths.
  public init(rows: [[Float]], targets: [[Float]]) throws(NetworkError) {
    self.init(
      shape: .vector(rows.first?.count ?? 0), pixels: .floats(try ImageSet.joined(rows, "rows")),
      labels: [], targets: try ImageSet.joined(targets, "targets"),
      targetWidth: targets.first?.count ?? 0)
    try check()
  }

  /// Rows of features without answers, to predict on.
  /// Throws: `NetworkError.malformedImages` for rows of different lengths.
  public init(rows: [[Float]]) throws(NetworkError) {
    self.init(
      shape: .vector(rows.first?.count ?? 0), pixels: .floats(try ImageSet.joined(rows, "rows")),
      labels: [])
    try check()
  }

  private static func joined(_ rows: [[Float]], _ what: String) throws(NetworkError) -> [Float] {
    let width = rows.first?.count ?? 0
    if let place = rows.firstIndex(where: { $0.count != width }) {
      throw .malformedImages(
        what: what, expected: "\(width) values each, as the first has",
        found: "\(rows[place].count) at index \(place)")
    }
    return rows.flatMap(\.self)
  }
}
