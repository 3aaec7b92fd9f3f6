import FixedNet
import FixedNetCore

/// Spectrograms that have what spoken words have: three resonances that move, at a speed, pitch and loudness of their own each
/// time, in noise. Nobody has spoken them: there is no recorded speech at hand without a network. A pure function of
/// the seed; only sums, products and quotients, so that the bytes are the same everywhere.
struct SpokenWords {
  /// What is heard in a sample.
  enum Utterance {
    case silence
    /// One of the words that there are.
    case word(Int)
    /// A word that is heard once and never again.
    case other
  }

  static let wordCount = 10
  private static let resonanceCount = 3
  private static let corners = 5

  let frames: Int
  let bands: Int
  private let words: [Word]

  init(frames: Int, bands: Int) {
    self.frames = frames
    self.bands = bands
    words = (0..<SpokenWords.wordCount).map { index in
      var reader = Philox(seed: 0, stream: SpokenWords.stream | 0xFFFF_0000 | UInt64(index))
        .reader()
      return Word(&reader)
    }
  }

  /// "word" in the high half, so that no other numbers are these.
  private static let stream: UInt64 = 0x776F_7264_0000_0000

  /// Where the resonances are (0 ..< 1 of the bands) and how loud (0 ... 1), at corners that are evenly spaced over the word.
  private struct Word {
    var places: [[Float]]
    var levels: [[Float]]

    init(_ reader: inout Philox.Reader) {
      places = []
      levels = []
      for resonance in 0..<SpokenWords.resonanceCount {
        var (place, level): ([Float], [Float]) = ([], [])
        for corner in 0..<SpokenWords.corners {
          place.append((Float(resonance) + reader.nextUnit()) / 3)
          let isEnd = corner == 0 || corner == SpokenWords.corners - 1
          level.append(isEnd ? 0.2 * reader.nextUnit() : 0.15 + 0.85 * reader.nextUnit())
        }
        places.append(place)
        levels.append(level)
      }
    }
  }

  /// `count` samples of [frames][bands], byte by byte. `isTest`: none is one of the training samples.
  /// `utterance`: what is heard in a sample; it may take numbers.
  func draw(
    _ count: Int, isTest: Bool, utterance: (Int, inout Philox.Reader) -> Utterance
  ) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count * frames * bands)
    for index in 0..<count {
      let sample = SpokenWords.stream | UInt64(index) << 1 | (isTest ? 1 : 0)
      var reader = Philox(seed: 1, stream: sample).reader()
      switch utterance(index, &reader) {
      case .silence: draw(nil, &reader, into: &bytes)
      case .word(let word): draw(words[word], &reader, into: &bytes)
      case .other: draw(Word(&reader), &reader, into: &bytes)
      }
    }
    return bytes
  }

  private func draw(_ word: Word?, _ reader: inout Philox.Reader, into bytes: inout [UInt8]) {
    let start = 0.02 + 0.2 * reader.nextUnit()
    let length = 0.5 + 0.3 * reader.nextUnit()
    let shift = 0.14 * (reader.nextUnit() - 0.5)
    let loudness = 0.35 + 0.5 * reader.nextUnit()
    let noise = 0.15 + 0.35 * reader.nextUnit()
    for frame in 0..<frames {
      let time = (Float(frame) / Float(frames) - start) / length
      let resonances = word.map { SpokenWords.resonances(of: $0, at: time) } ?? []
      for band in 0..<bands {
        let place = (Float(band) + 0.5) / Float(bands) - shift
        var value = noise * reader.nextUnit()
        for (centre, level) in resonances {
          let distance = (place - centre) / 0.13
          let rest = max(0, 1 - distance * distance)
          value += loudness * level * rest * rest
        }
        bytes.append(UInt8(min(255, 255 * value)))
      }
    }
  }

  /// Places and levels at a time from 0 to 1; none before and after.
  private static func resonances(of word: Word, at time: Float) -> [(Float, Float)] {
    guard time >= 0, time < 1 else { return [] }
    let position = time * Float(corners - 1)
    let corner = Int(position)
    let part = position - Float(corner)
    func between(_ values: [Float]) -> Float {
      values[corner] + part * (values[corner + 1] - values[corner])
    }
    return zip(word.places, word.levels).map { (between($0), between($1)) }
  }

  // MARK: - Data sets

  /// Silence, other words, and the ten: as keyword spotting has them.
  static func keywords(trainCount: Int, testCount: Int) -> DataSet {
    let words = SpokenWords(frames: 49, bands: 10)
    let names = ["silence", "other"] + (0..<wordCount).map { "word \($0)" }
    return words.set("words", names, trainCount, testCount) { index, _ in
      switch index % names.count {
      case 0: .silence
      case 1: .other
      case let label: .word(label - 2)
      }
    }
  }

  /// Silence, other words (of the ten and new ones, half and half), and the first one.
  static func wakeWord(trainCount: Int, testCount: Int) -> DataSet {
    let words = SpokenWords(frames: 30, bands: 40)
    return words.set("wake word", ["silence", "other", "wake word"], trainCount, testCount) {
      index, reader in
      switch index % 3 {
      case 0: return .silence
      case 2: return .word(0)
      default:
        let isNew = reader.nextUnit() < 0.5
        let other = 1 + Int(reader.nextUnit() * Float(wordCount - 1))
        return isNew ? .other : .word(other)
      }
    }
  }

  private func set(
    _ name: String, _ classNames: [String], _ trainCount: Int, _ testCount: Int,
    _ utterance: (Int, inout Philox.Reader) -> Utterance
  ) -> DataSet {
    let shape: Shape =
      bands == 40
      ? .image(height: frames, width: 1, channels: bands)
      : .image(height: frames, width: bands, channels: 1)
    func part(_ count: Int, isTest: Bool) -> ImageSet {
      ImageSet(
        shape: shape, pixels: .bytes(draw(count, isTest: isTest, utterance: utterance)),
        labels: (0..<count).map { UInt16($0 % classNames.count) })
    }
    return DataSet(
      name: name, train: part(trainCount, isTest: false), test: part(testCount, isTest: true),
      classNames: classNames)
  }
}
