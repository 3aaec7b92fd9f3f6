#if Images
  import FixedNet
  import Foundation
  import Testing

  @testable import FixedNetFiles

  /// Pictures of make_pictures.py, and what Pillow makes of them.
  @Suite("Pictures") struct PictureTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private static func path(_ name: String) -> String { TestFiles.path("pictures/\(name)") }

    private static func read(_ name: String, _ shape: Shape) throws -> [UInt8] {
      try PictureReader.read([path(name)], as: shape, like: nil).bytes
    }

    /// name, shape, values.
    private static func expected() throws -> [(name: String, shape: Shape, values: [UInt8])] {
      let text = try String(contentsOfFile: path("expected.csv"), encoding: .utf8)
      return try text.split(separator: "\n").map { line in
        let fields = line.split(separator: ",")
        let numbers = try fields.dropFirst().map { try #require(Int($0)) }
        return (
          String(fields[0]), .image(height: numbers[0], width: numbers[1], channels: numbers[2]),
          numbers.dropFirst(3).map { UInt8($0) }
        )
      }
    }

    @Test("every kind has Pillow's pixels, in its own size and in others")
    func pillow() throws {
      let expected = try Self.expected()
      #expect(expected.count == 80 && Set(expected.map(\.name)).count == 20)
      for (name, shape, values) in expected {
        let found = try Self.read(name, shape)
        // Decoders of JPEG may differ in the last bit.
        let bound = name.hasSuffix(".jpg") ? 1 : 0
        let worst = zip(found, values).map { abs(Int($0) - Int($1)) }.max()
        #expect(found.count == values.count && worst ?? 9 <= bound, "\(name) \(shape)")
      }
    }

    /// [0, 90, 200] to two values: s = 3/2, weights 1 - |i + 1/2 - c| / s around c = 3/4 and 9/4: (5/6, 1/2, 0 | 1/6) and so
    /// on, divided by their sums.
    @Test("a shrunk row is the mean that its weights say")
    func byHand() throws {
      let weights = [0, 1, 2].map { max(0, 1 - abs(Double($0) + 0.5 - 0.75) / 1.5) }
      let sum = weights.reduce(0, +)
      let left = (90 * weights[1] + 200 * weights[2]) / sum
      let right = (90 * weights[1] + 200 * weights[0]) / sum
      let values = try Self.resized([0, 90, 200], width: 3, height: 1, to: (1, 2))
      #expect(values == [UInt8(left.rounded()), UInt8(right.rounded())] && values == [34, 159])
      #expect(try Self.resized([7], width: 1, height: 1, to: (2, 3)) == [7, 7, 7, 7, 7, 7])
    }

    /// Grey values as a PGM would have them, through a PNG without compression.
    private static func resized(
      _ values: [UInt8], width: Int, height: Int, to size: (height: Int, width: Int)
    ) throws -> [UInt8] {
      let folder = try TemporaryFolder()
      try AtomicFile.write(PNG.grey(values, width: width), to: folder.file("a.png"))
      let shape = Shape.image(height: size.height, width: size.width, channels: 1)
      return try PictureReader.read([folder.file("a.png")], as: shape, like: nil).bytes
    }

    @Test(
      "what cannot be read is one line with the picture's name",
      arguments: [
        ("empty.png", "the file is empty"), ("text.png", "neither PNG nor JPEG"),
        ("gif.jpg", "a GIF and neither PNG nor JPEG"), ("cut.png", "it is cut off"),
        ("cut.jpg", "a damaged picture"), ("checksum.png", "a damaged picture: IDAT"),
        ("inks.jpg", "a JPEG of CMYK that does not say whether"),
        ("bomb.png", "60,000 x 60,000 pixels; at most 67,108,864"),
        ("few.png", "too few bytes for its size"),
      ])
    func broken(_ name: String, _ expected: String) throws {
      let path = Self.path("broken/\(name)")
      for others in [[], [Self.path("grey.png")]] {
        let error = try #require(throws: DataFileError.self) {
          try PictureReader.read(
            others + [path], as: .image(height: 4, width: 4, channels: 1), like: nil)
        }
        #expect(line(error).hasPrefix("'\(path)': ") && line(error).contains(expected))
      }
    }

    // MARK: - Folders

    /// A picture of `width` x 2 equal pixels.
    private func write(_ name: String, _ value: UInt8, width: Int = 3) throws {
      let path = folder.file(name)
      try FileManager.default.createDirectory(
        atPath: FilePath.folder(of: path), withIntermediateDirectories: true)
      try AtomicFile.write(
        PNG.grey([UInt8](repeating: value, count: 2 * width), width: width), to: path)
    }

    private func load(_ options: DataFileOptions = DataFileOptions()) throws -> DataFile {
      try DataFile.load(path: folder.path, options: options)
    }

    private func refusal(_ options: DataFileOptions = DataFileOptions()) throws -> String {
      line(try #require(throws: DataFileError.self) { try load(options) })
    }

    @Test("sub-folders are classes in the order of their names; of each the same part is tested")
    func classes() throws {
      for index in 0..<10 {
        try write("b/\(index).png", UInt8(index))
        try write("a/\(index).png", UInt8(100 + index))
      }
      try write("Z/0.png", 200)
      try Data("x".utf8).write(to: URL(filePath: folder.file("a/.DS_Store")))
      try Data("x".utf8).write(to: URL(filePath: folder.file("b/notes.txt")))
      let file = try load()
      #expect(file.set.classNames == ["Z", "a", "b"] && file.labels?.names == ["Z", "a", "b"])
      #expect(file.set.train.shape == .image(height: 2, width: 3, channels: 1))
      let labels = [UInt16(0)] + [UInt16](repeating: 1, count: 8) + [UInt16](repeating: 2, count: 8)
      #expect(file.set.train.labels == labels)
      #expect(file.set.test.labels == [1, 1, 2, 2])
      #expect(file.record == "\(folder.path) --image 2x3x1")
      #expect(file.note.contains("21 pictures of 2x3x1, bytes divided by 255"))
      #expect(file.note.contains("not used: b/notes.txt") && !file.note.contains("DS_Store"))
      guard case .bytes(let train) = file.set.train.pixels,
        case .bytes(let test) = file.set.test.pixels
      else {
        Issue.record("pictures stay bytes")
        return
      }
      let all = stride(from: 0, to: train.count, by: 6).map { train[$0] }
      let held = stride(from: 0, to: test.count, by: 6).map { test[$0] }
      let values = Array(UInt8(0)..<10) + Array(UInt8(100)..<110) + [UInt8(200)]
      #expect((all + held).sorted() == values && all[0] == 200)
      // The same ones again; another picture is another data set; another folder with the same pictures is not.
      #expect(try load().digest == file.digest)
      let moved = try TemporaryFolder()
      try FileManager.default.copyItem(atPath: folder.path, toPath: moved.file("copy"))
      #expect(try DataFile.load(path: moved.file("copy")).digest == file.digest)
      try write("b/3.png", 33)
      #expect(try load().digest != file.digest)
    }

    @Test("folders train and test are the parts; val is the test set where there is no other")
    func parts() throws {
      for name in ["train/a/1.png", "train/a/2.png", "train/b/1.png", "val/a/1.png"] {
        try write(name, 5)
      }
      let own = try load()
      #expect(own.set.train.labels == [0, 0, 1] && own.set.test.labels == [0])
      #expect(own.doubt?.contains("the test set is the folder 'val'") == true)
      try write("test/b/1.png", 7)
      let both = try load()
      #expect(both.set.test.labels == [1] && both.note.contains("not used: val"))
      #expect(both.doubt == nil)
      #expect(try refusal(DataFileOptions(testFraction: 0.5)).contains("there is a test set"))
      try write("test/c/1.png", 7)
      #expect(try refusal().contains("test/c': there is no class of this name to train on"))
    }

    @Test("pictures become what --image says, else must be of one size and kind")
    func sizes() throws {
      try write("a/1.png", 5)
      try write("b/1.png", 6)
      try write("b/2.png", 7, width: 4)
      #expect(
        try refusal(DataFileOptions(testFraction: 0)).contains(
          "b/2.png': a picture must be 3 x 2 pixels like '\(folder.path)/a/1.png', found 4 x 2"))
      let image = Shape.image(height: 5, width: 5, channels: 3)
      let file = try load(DataFileOptions(image: image, testFraction: 0))
      #expect(file.set.train.shape == image && file.set.train.labels == [0, 1, 1])
      #expect(
        file.note.contains("3 brought to this size, 3 grey ones made red, green and blue"))
      let same = try DataFile.load(
        path: folder.path, options: DataFileOptions(testFraction: 0), input: image)
      #expect(same.digest == file.digest && same.record == file.record)
      try FileManager.default.removeItem(atPath: folder.file("b/2.png"))
      try FileManager.default.copyItem(
        atPath: Self.path("colour.png"), toPath: folder.file("b/3.png"))
      let three = Shape.image(height: 17, width: 22, channels: 1)
      #expect(
        try refusal(DataFileOptions(image: .image(height: 2, width: 2, channels: 2)))
          .contains("of 1 or 3 channels"))
      #expect(try load(DataFileOptions(image: three, testFraction: 0)).note.contains("1 made grey"))
      try FileManager.default.removeItem(atPath: folder.file("a/1.png"))
      try FileManager.default.copyItem(
        atPath: Self.path("interlaced.png"), toPath: folder.file("a/1.png"))
      try AtomicFile.write(
        PNG.grey([UInt8](repeating: 1, count: 17 * 22), width: 22), to: folder.file("b/1.png"))
      #expect(
        try refusal(DataFileOptions(testFraction: 0)).contains(
          "found a grey one; --image 17x22x1 makes all grey, --image 17x22x3 all coloured"))
    }

    @Test("folders that are no data set are refused with what to do")
    func refusals() throws {
      #expect(try refusal().contains("neither sub-folders of pictures nor IDX files"))
      try write("1.png", 5)
      #expect(try refusal().contains("make one for each class, as"))
      try write("a/1.png", 5)
      try write("b/1.png", 6)
      #expect(try refusal().contains("no class has so many pictures that one is left to test"))
      try write("a/more/1.png", 6)
      #expect(try refusal().contains("a/more': a folder inside of the class 'a'"))
      try FileManager.default.removeItem(atPath: folder.file("a/more"))
      try FileManager.default.createDirectory(
        atPath: folder.file("c"), withIntermediateDirectories: true)
      #expect(try refusal().contains("c': no picture (.png, .jpg) in this class"))
      try Data("GIF89a".utf8).write(to: URL(filePath: folder.file("c/1.gif")))
      #expect(try refusal().contains("c/1.gif': a picture that is not read (.gif)"))
      let one = try #require(throws: DataFileError.self) {
        try DataFile.load(path: folder.file("1.png"))
      }
      #expect(line(one).contains("one picture and no data set"))
    }
  }

  /// Pictures that tests write.
  enum PNG {
    /// Grey values row by row, stored without compression.
    static func grey(_ values: [UInt8], width: Int) -> [UInt8] {
      let height = values.count / width
      let rows = (0..<height).flatMap { [0] + values[$0 * width..<($0 + 1) * width] }
      let head = number(width) + number(height) + [8, 0, 0, 0, 0]
      let length = [UInt8(rows.count & 255), UInt8(rows.count >> 8)]
      let stored = [0x78, 0x01, 0x01] + length + length.map { ~$0 } + rows + number(adler(rows))
      return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + chunk("IHDR", head)
        + chunk("IDAT", stored) + chunk("IEND", [])
    }

    private static func number(_ value: Int) -> [UInt8] {
      [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
    }

    private static func chunk(_ name: String, _ data: [UInt8]) -> [UInt8] {
      let body = Array(name.utf8) + data
      return number(data.count) + body + number(crc(body))
    }

    private static func adler(_ bytes: [UInt8]) -> Int {
      var (a, b) = (1, 0)
      for byte in bytes {
        a = (a + Int(byte)) % 65_521
        b = (b + a) % 65_521
      }
      return b << 16 | a
    }

    private static func crc(_ bytes: [UInt8]) -> Int {
      var value: UInt32 = ~0
      for byte in bytes {
        value ^= UInt32(byte)
        for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
      }
      return Int(~value)
    }
  }
#endif

extension Pictures {
  fileprivate var bytes: [UInt8] { if case .bytes(let bytes) = pixels { bytes } else { [] } }
}
