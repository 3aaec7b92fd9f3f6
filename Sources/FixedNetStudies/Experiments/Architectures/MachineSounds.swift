import FixedNet
import FixedNetCore

/// Spectrograms that have what a running machine's have: harmonics of a speed that varies a little, at a load that changes,
/// in noise; and what a broken one adds or lacks. No machine has made them: there are no recordings at hand without a
/// network. A pure function of the seed; only sums, products and quotients, so that the bytes are the same everywhere.
enum MachineSounds {
  static let frames = 5
  static let bands = 128
  private static let harmonics = 14

  private enum Fault: Int, CaseIterable {
    /// A tone between two harmonics.
    case tone
    /// Two of the strong harmonics are lost.
    case loss
    /// Two of the frames are loud everywhere.
    case rattle
  }

  /// "mach" in the high half, so that no other numbers are these.
  private static let stream: UInt64 = 0x6D61_6368_0000_0000

  /// The machine's levels of its harmonics, 0.3 ... 1.
  private static let levels: [Float] = {
    var reader = Philox(seed: 0, stream: stream).reader()
    return (0..<harmonics).map { _ in 0.3 + 0.7 * reader.nextUnit() }
  }()

  /// Good machines to learn from, half of the test samples good, and as many broken.
  static func samples(trainCount: Int, testCount: Int) -> ArchitectureSamples {
    let half = testCount / 2
    let set = DataSet(
      name: "machines", train: part(trainCount, split: 0), test: part(half, split: 1),
      classNames: [])
    return ArchitectureSamples(set: set, broken: part(half, split: 2))
  }

  /// `split`: 0 training, 1 test, 2 broken.
  private static func part(_ count: Int, split: UInt64) -> ImageSet {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count * frames * bands)
    for index in 0..<count {
      var reader = Philox(seed: 1, stream: stream | UInt64(index) << 2 | split).reader()
      draw(split == 2 ? Fault.allCases[index % 3] : nil, &reader, into: &bytes)
    }
    return ImageSet(
      shape: .vector(frames * bands), pixels: .bytes(bytes), labels: [],
      targets: bytes.map { Float($0) / 255 }, targetWidth: frames * bands)
  }

  private static func draw(
    _ fault: Fault?, _ reader: inout Philox.Reader, into bytes: inout [UInt8]
  ) {
    let base = 8.2 * (1 + 0.06 * (reader.nextUnit() - 0.5))
    let load = 0.45 + 0.2 * reader.nextUnit()
    let drift = 0.1 * (reader.nextUnit() - 0.5)
    let noise = 0.1 + 0.12 * reader.nextUnit()
    var tones = levels.enumerated().map { (place: base * Float($0 + 1), level: load * $1) }
    var loudFrame = -1
    switch fault {
    case nil: break
    case .tone:
      let between = Float(1 + Int(reader.nextUnit() * 12)) + 0.35 + 0.3 * reader.nextUnit()
      tones.append((base * between, load * (0.15 + 0.3 * reader.nextUnit())))
    case .loss:
      let first = Int(reader.nextUnit() * Float(harmonics - 1))
      for index in first...first + 1 { tones[index].level *= 0.4 }
    case .rattle: loudFrame = Int(reader.nextUnit() * Float(frames - 1))
    }
    for frame in 0..<frames {
      let gain = 1 + drift * Float(frame - 2)
      let isLoud = loudFrame >= 0 && (frame == loudFrame || frame == loudFrame + 1)
      let floor = isLoud ? 1.6 * noise : noise
      var values = (0..<bands).map { _ in 0.5 * floor + 0.5 * floor * reader.nextUnit() }
      for (place, level) in tones {
        for band in max(0, Int(place) - 2)...max(0, min(bands - 1, Int(place) + 3))
        where band < bands {
          let distance = (Float(band) - place) / 2
          let rest = max(0, 1 - distance * distance)
          values[band] += gain * level * rest * rest
        }
      }
      bytes += values.map { UInt8(min(255, 255 * $0)) }
    }
  }
}
