/// Counter-based random numbers: Philox 4x32-10. The same (seed, stream, index) always gives the
/// same four words, so any number can be drawn again without replaying those before it.
///
/// Key words (low first): seed. Counter words (low first): index, then stream.
/// Source: Salmon, Moraes, Dror and Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011.
package struct Philox: Sendable {
  private let seed: UInt64
  private let stream: UInt64

  package init(seed: UInt64, stream: UInt64) {
    self.seed = seed
    self.stream = stream
  }

  /// The four words at `index`, each uniform in 0 ..< 2^32.
  @inline(__always)
  package func words(at index: UInt64) -> (UInt32, UInt32, UInt32, UInt32) {
    var (c0, c1) = Philox.lowHigh(index)
    var (c2, c3) = Philox.lowHigh(stream)
    var (k0, k1) = Philox.lowHigh(seed)
    for _ in 0..<10 {
      let a = c0.multipliedFullWidth(by: 0xD251_1F53)
      let b = c2.multipliedFullWidth(by: 0xCD9E_8D57)
      (c0, c1, c2, c3) = (b.high ^ c1 ^ k0, b.low, a.high ^ c3 ^ k1, a.low)
      k0 &+= 0x9E37_79B9  // the golden ratio
      k1 &+= 0xBB67_AE85  // sqrt(3) - 1
    }
    return (c0, c1, c2, c3)
  }

  /// A reader that starts at the first word of `index` and goes on without end.
  package func reader(at index: UInt64 = 0) -> Reader {
    Reader(self, at: index)
  }

  /// word -> [0, 1): the upper 24 bits of the word times 2^-24; exact in Float.
  @inline(__always)
  package static func unit(_ word: UInt32) -> Float {
    Float(Int(word >> 8)) * 0x1p-24
  }

  /// high 2^32 + low, for a stream or an index made of two numbers. Embedded Swift without
  /// allocations takes no `UInt64(UInt32)` or `UInt64(Int)` on 32-bit targets, but it takes this.
  @inline(__always)
  package static func join(low: UInt32, high: UInt32) -> UInt64 {
    unsafe unsafeBitCast(SIMD2(low.littleEndian, high.littleEndian), to: UInt64.self).littleEndian
  }

  @inline(__always)
  private static func lowHigh(_ value: UInt64) -> (UInt32, UInt32) {
    (UInt32(truncatingIfNeeded: value), UInt32(truncatingIfNeeded: value &>> 32))
  }

  /// Reads a stream word by word; a value type, so a copy goes on from the same place.
  package struct Reader: Sendable {
    private let philox: Philox
    private var index: UInt64
    private var block: (UInt32, UInt32, UInt32, UInt32)
    private var position = 0

    init(_ philox: Philox, at index: UInt64) {
      self.philox = philox
      self.index = index
      block = philox.words(at: index)
    }

    /// The next word, uniform in 0 ..< 2^32.
    package mutating func next() -> UInt32 {
      if position == 4 {
        index &+= 1
        block = philox.words(at: index)
        position = 0
      }
      position += 1
      switch position {
      case 1: return block.0
      case 2: return block.1
      case 3: return block.2
      default: return block.3
      }
    }

    /// The next uniform Float in [0, 1).
    package mutating func nextUnit() -> Float {
      Philox.unit(next())
    }
  }
}

/// A pseudo-random permutation of 0 ..< count that needs no memory: an epoch's shuffle is
/// `Permutation(count:seed:epoch:)`.
///
/// A position's bits are split into halves (high, low), and four times
///     high ^= mix(low ^ key),  low ^= mix(high ^ key)
/// with keys from Philox: a Feistel network, so a bijection of 0 ..< 2^bits, the next power of two.
/// A value outside 0 ..< count goes through again (cycle walking): fewer than two passes on average
/// from 512 elements on.
/// Source: Black and Rogaway, "Ciphers with Arbitrary Finite Domains", CT-RSA 2002.
package struct Permutation: Sendable {
  package let count: Int
  private let lowBits: UInt32
  private let lowMask: UInt32
  private let highMask: UInt32
  private let keys: [8 of UInt32]

  /// Requires 0 <= count <= 2^31.
  package init(count: Int, seed: UInt64, epoch: UInt64) {
    precondition(count >= 0 && count - 1 <= Int(Int32.max), "Permutation: count is not 0 ... 2^31")
    self.count = count
    // At least 10 bits: with fewer, eight rounds do not reach all permutations equally often.
    let last = UInt32(max(count - 1, 0x3FF))
    let bits = UInt32(32 - last.leadingZeroBitCount)
    lowBits = bits - bits / 2
    lowMask = (1 &<< lowBits) &- 1
    highMask = (1 &<< (bits / 2)) &- 1
    // The high word of the stream, "perm", keeps these numbers apart from those of other uses.
    let philox = Philox(seed: seed, stream: epoch ^ 0x7065_726D_0000_0000)
    let (a, b) = (philox.words(at: 0), philox.words(at: 1))
    keys = [a.0, a.1, a.2, a.3, b.0, b.1, b.2, b.3]
  }

  /// The element at `position`. Requires 0 <= position < count.
  package subscript(position: Int) -> Int {
    precondition(position >= 0 && position < count, "Permutation: position is not in 0 ..< count")
    var value = position
    repeat {
      value = scramble(value)
    } while value >= count
    return value
  }

  /// The Feistel network: a bijection of 0 ..< 2^bits.
  private func scramble(_ value: Int) -> Int {
    let word = UInt32(truncatingIfNeeded: value)
    var (high, low) = (word &>> lowBits, word & lowMask)
    for round in stride(from: 0, to: 8, by: 2) {
      high ^= Permutation.mix(low ^ keys[round]) & highMask
      low ^= Permutation.mix(high ^ keys[round + 1]) & lowMask
    }
    return Int(high &<< lowBits | low)
  }

  /// A 32-bit hash in which every input bit flips every output bit with probability near 1/2.
  /// Source: Wellons, "Prospecting for Hash Functions", 2018 (lowbias32).
  @inline(__always)
  private static func mix(_ word: UInt32) -> UInt32 {
    var x = word
    x = (x ^ x >> 16) &* 0x7FEB_352D
    x = (x ^ x >> 15) &* 0x846C_A68B
    return x ^ x >> 16
  }
}
