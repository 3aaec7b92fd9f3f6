import FixedNetCore

/// Parts of a set.
extension ImageSet {
  /// Whether there are weights of the samples, and none is above 0: there is nothing to learn and nothing to measure.
  package var isWeightless: Bool { !sampleWeights.isEmpty && !sampleWeights.contains { $0 > 0 } }

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
    let part = ImageSet(
      shape: shape, pixels: pixels.images(at: indices, width: shape.elementCount),
      labels: rows(labels, width: 1),
      targets: rows(targets, width: targetWidth), targetWidth: targetWidth,
      sampleWeights: rows(sampleWeights, width: 1))
    return areOwnTargets ? part.learningItself : part
  }

  /// Two parts without a sample in common: always the same for a seed. The second has its share of all samples, rounded;
  /// of labels every class gives its share to it, to within a sample, and keeps one sample in the first.
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
    let (first, second) = StratifiedSplit.places(
      count, taking: StratifiedSplit.share(of: count, fraction), seed: seed
    ) { labels.isEmpty ? 0 : Int(labels[$0]) }
    guard !second.isEmpty else {
      throw .option(
        name: "fraction", expected: "large enough for one sample of \(count)", found: "\(fraction)")
    }
    return (try samples(at: first), try samples(at: second))
  }
}

/// Two parts of samples that have the same share of every class.
package enum StratifiedSplit {
  /// How many samples a fraction of them is.
  package static func share(of count: Int, _ fraction: Double) -> Int {
    Int((Double(count) * fraction).rounded())
  }

  /// `total`: samples of the second part; fewer where classes cannot give so many, as each keeps one in the first.
  /// The order of one permutation of all samples decides which ones of a class come first into the second part.
  /// Returns: the samples of both parts, in order.
  package static func places(
    _ count: Int, taking total: Int, seed: UInt64, label: (Int) -> Int
  ) -> (first: [Int], second: [Int]) {
    let order = Permutation(count: count, seed: seed, epoch: 0)
    var groups: [[Int]] = []
    for place in 0..<count {
      let index = order[place]
      let group = label(index)
      while groups.count <= group { groups.append([]) }
      groups[group].append(index)
    }
    let shares = shares(of: groups.map(\.count), total: total)
    var (first, second) = ([Int](), [Int]())
    for (group, share) in zip(groups, shares) {
      second += group.prefix(share)
      first += group.dropFirst(share)
    }
    return (first.sorted(), second.sorted())
  }

  /// `total` in the proportion of `counts`, each rounded down and then those with the largest remainders up (the first of
  /// equal ones first): at most all but one of each.
  static func shares(of counts: [Int], total: Int) -> [Int] {
    let sum = counts.reduce(0, +)
    let most = counts.map { max($0 - 1, 0) }
    guard sum > 0 else { return most }
    var shares = zip(counts, most).map { min($0 * total / sum, $1) }
    let byRemainder = counts.indices.sorted {
      let (one, other) = (counts[$0] * total % sum, counts[$1] * total % sum)
      return one == other ? $0 < $1 : one > other
    }
    var rest = total - shares.reduce(0, +)
    while rest > 0, zip(shares, most).contains(where: { $0 < $1 }) {
      for index in byRemainder where rest > 0 && shares[index] < most[index] {
        shares[index] += 1
        rest -= 1
      }
    }
    return shares
  }
}
