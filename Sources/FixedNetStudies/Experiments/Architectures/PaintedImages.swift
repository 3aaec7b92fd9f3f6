import FixedNet
import FixedNetCore

/// The grey images of 28x28 that coloured ones are painted with.
struct GreyImages {
  static let side = 28

  let pixels: [UInt8]
  let labels: [UInt16]
  var count: Int { labels.count }

  /// Throws: `StudyError.data` for images of another kind.
  init(_ set: ImageSet, of name: String) throws(StudyError) {
    let side = GreyImages.side
    guard case .bytes(let bytes) = set.pixels, set.count > 0, set.labels.count == set.count,
      set.shape == .image(height: side, width: side, channels: 1)
    else { throw .data("\(name): must be labelled grey images of 28x28, found \(set.shape)") }
    pixels = bytes
    labels = set.labels
  }
}

/// Coloured images of grey ones, a pure function of them and of the seed, in whole numbers.
enum PaintedImages {
  /// "pain" in the high half, so that no other numbers are these.
  private static let stream: UInt64 = 0x7061_696E_0000_0000

  private static func reader(_ index: Int, isTest: Bool) -> Philox.Reader {
    Philox(seed: 1, stream: stream | UInt64(index) << 1 | (isTest ? 1 : 0)).reader()
  }

  // MARK: - Garments

  /// Fashion-MNIST's garments in a light colour on a dark one, somewhere in 32x32.
  static func garments(_ data: DataSet, trainCount: Int, testCount: Int) throws(StudyError)
    -> DataSet
  {
    func part(_ set: ImageSet, _ count: Int, isTest: Bool) throws(StudyError) -> ImageSet {
      let images = try GreyImages(set, of: data.name)
      var bytes: [UInt8] = []
      bytes.reserveCapacity(count * 32 * 32 * 3)
      for index in 0..<count {
        var reader = reader(index, isTest: isTest)
        let ground = ground(&reader)
        var canvas = Canvas(side: 32, from: ground, to: ground)
        let (row, column) = (below(5, &reader), below(5, &reader))
        canvas.paint(
          images, index % images.count, size: 28, row: row, column: column,
          colour(&reader))
        bytes += canvas.bytes
      }
      return ImageSet(
        shape: .image(height: 32, width: 32, channels: 3), pixels: .bytes(bytes),
        labels: (0..<count).map { images.labels[$0 % images.count] })
    }
    return DataSet(
      name: "coloured garments", train: try part(data.train, trainCount, isTest: false),
      test: try part(data.test, testCount, isTest: true), classNames: data.classNames)
  }

  // MARK: - Scenes

  /// Three of Fashion-MNIST's garments in 96x96; in every second image one of them is a handwritten digit of MNIST.
  static func scenes(
    _ garments: DataSet, _ digits: DataSet, trainCount: Int, testCount: Int
  ) throws(StudyError) -> DataSet {
    func part(
      _ garments: ImageSet, _ digits: ImageSet, _ count: Int, isTest: Bool
    ) throws(StudyError) -> ImageSet {
      let (garments, digits) = (
        try GreyImages(garments, of: "garments"), try GreyImages(digits, of: "digits")
      )
      var bytes: [UInt8] = []
      bytes.reserveCapacity(count * 96 * 96 * 3)
      for index in 0..<count {
        // Another stream than the garments'.
        var reader = reader(index | 1 << 28, isTest: isTest)
        bytes += scene(garments, index % 2 == 1 ? digits : garments, index, &reader).bytes
      }
      return ImageSet(
        shape: .image(height: 96, width: 96, channels: 3), pixels: .bytes(bytes),
        labels: (0..<count).map { UInt16($0 % 2) })
    }
    return DataSet(
      name: "scenes", train: try part(garments.train, digits.train, trainCount, isTest: false),
      test: try part(garments.test, digits.test, testCount, isTest: true),
      classNames: ["garments", "a digit too"])
  }

  private static func scene(
    _ garments: GreyImages, _ last: GreyImages, _ index: Int, _ reader: inout Philox.Reader
  ) -> Canvas {
    let ground = ground(&reader)
    var canvas = Canvas(side: 96, from: ground, to: self.ground(&reader))
    for (position, images) in [garments, garments, last].enumerated() {
      let size = 28 + below(29, &reader)
      let (row, column) = (below(97 - size, &reader), below(97 - size, &reader))
      let image = (3 * index + position) % images.count
      canvas.paint(
        images, image, size: size, row: row, column: column, colour(&reader))
    }
    return canvas
  }

  // MARK: - Numbers and colours

  private static func below(_ limit: Int, _ reader: inout Philox.Reader) -> Int {
    Int(reader.next() % UInt32(limit))
  }

  /// A dark one.
  private static func ground(_ reader: inout Philox.Reader) -> [Int] {
    (0..<3).map { _ in below(112, &reader) }
  }

  /// A light one, which can be told from the ground.
  private static func colour(_ reader: inout Philox.Reader) -> [Int] {
    (0..<3).map { _ in 144 + below(112, &reader) }
  }
}

/// A square of colours, channels last.
private struct Canvas {
  let side: Int
  private(set) var bytes: [UInt8]

  /// From one colour in the first row to another one in the last.
  init(side: Int, from first: [Int], to last: [Int]) {
    self.side = side
    bytes = []
    bytes.reserveCapacity(side * side * 3)
    for row in 0..<side {
      let colour = zip(first, last).map { from, to in
        UInt8((from * (side - 1 - row) + to * row) / (side - 1))
      }
      for _ in 0..<side { bytes += colour }
    }
  }

  /// Puts an image there: the brighter a pixel, the more of the colour. `size`: pixels of an edge.
  mutating func paint(
    _ images: GreyImages, _ index: Int, size: Int, row: Int, column: Int, _ colour: [Int]
  ) {
    let side = GreyImages.side
    for y in 0..<size {
      let source = (index * side + y * side / size) * side
      let target = ((row + y) * self.side + column) * 3
      for x in 0..<size {
        let light = Int(images.pixels[source + x * side / size])
        guard light > 0 else { continue }
        for channel in 0..<3 {
          let place = target + 3 * x + channel
          let old = Int(bytes[place])
          bytes[place] = UInt8(old + (colour[channel] - old) * light / 255)
        }
      }
    }
  }
}
