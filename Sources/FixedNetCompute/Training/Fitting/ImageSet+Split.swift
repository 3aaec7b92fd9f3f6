import FixedNetCore

/// Parts of a set.
extension ImageSet {
  /// Some of the samples, in this order.
  /// Throws: `NetworkError.option` for an index that there is not; as `check` where the arrays do not go together.
  public func samples(at indices: [Int]) throws(NetworkError) -> ImageSet {
    try check()
    if let odd = indices.first(where: { !(0..<count).contains($0) }) {
      throw .option(name: "indices", expected: "from 0 to \(count - 1)", found: "\(odd)")
    }
    func rows<Value>(_ values: [Value], width: Int) -> [Value] {
      values.isEmpty ? [] : indices.flatMap { values[$0 * width..<($0 + 1) * width] }
    }
    let width = shape.elementCount
    let pixels: Pixels =
      switch pixels {
      case .bytes(let bytes): .bytes(rows(bytes, width: width))
      case .floats(let floats): .floats(rows(floats, width: width))
      }
    return ImageSet(
      shape: shape, pixels: pixels, labels: rows(labels, width: 1),
      targets: rows(targets, width: targetWidth), targetWidth: targetWidth,
      sampleWeights: rows(sampleWeights, width: 1))
  }

  /// Two parts without a sample in common: always the same for a seed. Of labels every class gives its share to the second
  /// part, rounded, and keeps one sample in the first.
  /// - Parameters:
  ///   - fraction: the second part's share, above 0 and below 1.
  ///   - seed: another one gives other parts.
  /// - Throws: `NetworkError.option` for another fraction, and where a part would be empty.
  public func split(fraction: Double, seed: UInt64 = 0) throws(NetworkError) -> (
    first: ImageSet, second: ImageSet
  ) {
    guard fraction > 0, fraction < 1 else {
      throw .option(name: "fraction", expected: "above 0 and below 1", found: "\(fraction)")
    }
    try check()
    let (first, second) = StratifiedSplit.places(count, fraction: fraction, seed: seed) { index in
      labels.isEmpty ? 0 : Int(labels[index])
    }
    guard !second.isEmpty else {
      throw .option(
        name: "fraction", expected: "large enough for one sample of \(count)", found: "\(fraction)")
    }
    return (try samples(at: first), try samples(at: second))
  }
}

/// Two parts of samples that have the same share of every class.
package enum StratifiedSplit {
  /// The order of one permutation of all samples decides which ones of a class come first into the second part: its share
  /// of them, rounded, but never all.
  /// Returns: the samples of both parts, in order.
  package static func places(
    _ count: Int, fraction: Double, seed: UInt64, label: (Int) -> Int
  ) -> (first: [Int], second: [Int]) {
    let order = Permutation(count: count, seed: seed, epoch: 0)
    var groups: [[Int]] = [[]]
    for place in 0..<count {
      let index = order[place]
      let group = label(index)
      while groups.count <= group { groups.append([]) }
      groups[group].append(index)
    }
    var (first, second) = ([Int](), [Int]())
    for group in groups where !group.isEmpty {
      let wanted = Int((Double(group.count) * fraction).rounded())
      let taken = min(wanted, group.count - 1)
      second += group.prefix(taken)
      first += group.dropFirst(taken)
    }
    return (first.sorted(), second.sorted())
  }
}
