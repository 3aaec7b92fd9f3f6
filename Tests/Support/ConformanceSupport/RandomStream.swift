import CSupport
import FixedNet
import FixedNetCore
import Foundation

/// The program's random numbers in each way in which they are used, as words of 32 bits without end.
public struct RandomStream: Sendable {
  public let name: String
  /// The next 4,096 words, a function of the seed and the number of the chunk.
  let chunk: @Sendable (_ seed: UInt64, _ index: Int) -> [UInt32]

  static let chunkCount = 4096

  public static let all = [
    words, streams, seeds, shuffle, epochs, dropout, initializer, normal,
  ]

  /// One stream, word by word.
  static let words = RandomStream(name: "words") { seed, index in
    var reader = Philox(seed: seed, stream: 0).reader(at: UInt64(index * chunkCount / 4))
    return (0..<chunkCount).map { _ in reader.next() }
  }

  /// The first word of one stream after the other: weights of a network, images of the built-in data.
  static let streams = RandomStream(name: "streams") { seed, index in
    (0..<chunkCount).map {
      Philox(seed: seed, stream: UInt64(index * chunkCount + $0)).words(at: 0).0
    }
  }

  /// The first word of one seed after the other.
  static let seeds = RandomStream(name: "seeds") { seed, index in
    (0..<chunkCount).map {
      Philox(seed: seed &+ UInt64(index * chunkCount + $0), stream: 0).words(at: 0).0
    }
  }

  /// The low halves of the places of a shuffle of 2^31 samples, two in a word: so few of so many that none has to repeat.
  static let shuffle = RandomStream(name: "shuffle") { seed, index in
    let order = Permutation(count: 1 << 31, seed: seed, epoch: 0)
    return (0..<chunkCount).map {
      let position = 2 * (index * chunkCount + $0)
      return pair(order[position], order[position + 1])
    }
  }

  /// Where the first two of 65,536 samples are in one epoch after the other.
  static let epochs = RandomStream(name: "epochs") { seed, index in
    (0..<chunkCount).map {
      let order = Permutation(count: 1 << 16, seed: seed, epoch: UInt64(index * chunkCount + $0))
      return pair(order[0], order[1])
    }
  }

  /// Which elements a dropout of one half keeps, a bit each, through the kernel: 16 images of 256 elements a step.
  static let dropout = RandomStream(name: "dropout") { seed, index in
    let kernels = InstructionSet.best.kernels.pointee
    let (elements, images) = (256, 16)
    let x = [Float](repeating: 1, count: elements * images)
    var y = x
    let steps = 32 * chunkCount / (elements * images)
    return (0..<steps).flatMap { step in
      var mask = cs_dropout(
        seed: (UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32)),
        step: UInt32(truncatingIfNeeded: index * steps + step), stream: 7,
        threshold: 1 << 31, scale: 2)
      kernels.dropout(elements, Int32(images), &mask, 0, x, &y)
      return stride(from: 0, to: y.count, by: 32).map { first in
        (0..<32).reduce(UInt32(0)) { $0 << 1 | (y[first + $1] > 0 ? 1 : 0) }
      }
    }
  }

  /// A uniform start: the upper 16 of each value's 24 bits.
  static let initializer = RandomStream(name: "initializer") { seed, index in
    let values = Initializer.randomUniform(low: 0, high: 1).values(
      count: 2 * chunkCount, fanIn: 1, fanOut: 1, seed: seed, stream: UInt64(index))
    return (0..<chunkCount).map {
      pair(Int(values[2 * $0] * 65_536), Int(values[2 * $0 + 1] * 65_536))
    }
  }

  /// A normal start: the upper 16 bits of each value's probability, by libm's erfc.
  static let normal = RandomStream(name: "normal") { seed, index in
    let values = Initializer.randomNormal(mean: 0, deviation: 1).values(
      count: 2 * chunkCount, fanIn: 1, fanOut: 1, seed: seed, stream: UInt64(index))
    func probability(_ value: Float) -> Int {
      min(65_535, Int(0.5 * erfc(-Double(value) / 2.0.squareRoot()) * 65_536))
    }
    return (0..<chunkCount).map {
      pair(probability(values[2 * $0]), probability(values[2 * $0 + 1]))
    }
  }

  private static func pair(_ first: Int, _ second: Int) -> UInt32 {
    UInt32(truncatingIfNeeded: first) << 16 | UInt32(truncatingIfNeeded: second) & 0xFFFF
  }
}

// MARK: - Statistics of our own

extension RandomStream {
  /// How far each statistic of the first `count` words is from what it should be. Units: standard deviations.
  public func deviations(seed: UInt64, count: Int) -> [(name: String, value: Double)] {
    let chunks = (count + RandomStream.chunkCount - 1) / RandomStream.chunkCount
    let words = Array((0..<chunks).flatMap { chunk(seed, $0) }.prefix(count))
    let bytes = words.flatMap { word in (0..<4).map { Int(word >> (8 * $0) & 0xFF) } }
    let nibbles = bytes.flatMap { [$0 & 15, $0 >> 4] }
    let bits = words.reduce(0) { $0 + $1.nonzeroBitCount }
    // Bits that differ from the one before: half of them, as many as there are runs.
    let changes = words.reduce(0) { $0 + (($1 ^ $1 >> 1) & 0x7FFF_FFFF).nonzeroBitCount }
    let pairs = zip(nibbles, nibbles.dropFirst()).enumerated().filter { $0.offset % 2 == 1 }
      .map { $0.element.0 << 4 | $0.element.1 }
    return [
      ("bits", RandomStream.binomial(bits, of: 32 * words.count)),
      ("changes", RandomStream.binomial(changes, of: 31 * words.count)),
      ("bytes", RandomStream.chiSquare(bytes)),
      ("pairs across bytes", RandomStream.chiSquare(pairs)),
      ("words in a row", RandomStream.correlation(words)),
    ]
  }

  private static func binomial(_ hits: Int, of count: Int) -> Double {
    (Double(hits) - Double(count) / 2) / (Double(count) / 4).squareRoot()
  }

  /// Chi square of values in 0 ..< 256 by Wilson and Hilferty's cube root, which is close to normal.
  private static func chiSquare(_ values: [Int]) -> Double {
    var counts = [Int](repeating: 0, count: 256)
    for value in values { counts[value] += 1 }
    let expected = Double(values.count) / 256
    let sum = counts.reduce(0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
    let spread = 2.0 / (9 * 255)
    return (cbrt(sum / 255) - (1 - spread)) / spread.squareRoot()
  }

  /// The correlation of each word with the next, times the root of their number.
  private static func correlation(_ words: [UInt32]) -> Double {
    let values = words.map { Double($0) * 0x1p-32 - 0.5 }
    let products = zip(values, values.dropFirst()).reduce(0) { $0 + $1.0 * $1.1 }
    return 12 * products / Double(words.count - 1).squareRoot()
  }

  /// The statistics of every stream within 4 standard deviations, with two seeds: one in 16,000 of truly random numbers
  /// is beyond that; the numbers are the same in every run.
  public static func ownChecks(count: Int) -> Row {
    Row.timed(Row("random-statistics", unit: "sigma")) { row in
      for stream in all {
        for seed: UInt64 in [0, 0x9E37_79B9_7F4A_7C15] {
          for (name, value) in stream.deviations(seed: seed, count: count) {
            let outcome: Outcome =
              abs(value) <= 4
              ? .passed(error: abs(value)) : .failed(reason: "\(value) standard deviations")
            row.add("\(stream.name), seed \(seed): \(name)", outcome)
          }
        }
      }
    }
  }
}
