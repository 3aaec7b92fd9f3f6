import CZlib
import FixedNet
import Foundation
import Testing

@testable import FixedNetFiles

/// NumPy's files as the tests write them: the format by hand, from NEP 1 and the zip specification.
private enum Written {
  /// An `.npy`. `shape`: as Python writes it, "(2, 3)".
  static func npy(
    _ type: String, _ shape: String, _ values: [UInt8], version: UInt8 = 1,
    order: String = "False", header: String? = nil
  ) -> [UInt8] {
    var text = header ?? "{'descr': '\(type)', 'fortran_order': \(order), 'shape': \(shape), }"
    let prefix = version == 1 ? 10 : 12
    while (prefix + text.utf8.count + 1) % 64 != 0 { text += " " }
    text += "\n"
    let length = UInt32(text.utf8.count)
    let bytes = (0..<(version == 1 ? 2 : 4)).map { UInt8(length >> (8 * $0) & 0xFF) }
    return [0x93] + Array("NUMPY".utf8) + [version, 0] + bytes + Array(text.utf8) + values
  }

  static func bytes<Value>(_ values: [Value]) -> [UInt8] {
    values.withUnsafeBytes { Array($0) }
  }

  /// A zip archive of stored members.
  static func zip(_ members: [(name: String, bytes: [UInt8])]) -> [UInt8] {
    func little(_ value: Int, _ count: Int) -> [UInt8] {
      (0..<count).map { UInt8(value >> (8 * $0) & 0xFF) }
    }
    var (file, directory): ([UInt8], [UInt8]) = ([], [])
    for (name, bytes) in members {
      let checksum = Int(crc32(0, bytes, UInt32(bytes.count)))
      let common =
        little(20, 2) + little(0, 8) + little(checksum, 4) + little(bytes.count, 4)
        + little(bytes.count, 4) + little(name.utf8.count, 2) + little(0, 2)
      directory +=
        [0x50, 0x4B, 1, 2] + little(20, 2) + common + little(0, 10) + little(file.count, 4)
        + Array(name.utf8)
      file += [0x50, 0x4B, 3, 4] + common + Array(name.utf8) + bytes
    }
    return file + directory + [0x50, 0x4B, 5, 6] + little(0, 4) + little(members.count, 2)
      + little(members.count, 2) + little(directory.count, 4) + little(file.count, 4) + [0, 0]
  }
}

private func load(
  _ members: [(name: String, bytes: [UInt8])], testFraction: Double? = 0
) throws -> DataFile {
  let folder = try TemporaryFolder()
  try AtomicFile.write(Written.zip(members), to: folder.file("a.npz"))
  return try DataFile.load(
    path: folder.file("a.npz"), options: DataFileOptions(testFraction: testFraction))
}

private func floats(_ file: DataFile) -> [Float] {
  if case .floats(let values) = file.set.train.pixels { values } else { [] }
}

private let y = Written.npy("<i8", "(2,)", Written.bytes([Int64(0), 1]))

@Suite("NumPy's files") struct NumpyFileTests {
  @Test("every type of number, either byte order, versions 1 to 3")
  func types() throws {
    let cases: [(String, [UInt8])] = [
      ("|b1", [1, 0, 0, 1]), ("|u1", [1, 0, 0, 1]), ("|i1", [1, 0, 0, 1]),
      ("<u2", Written.bytes([UInt16(1), 0, 0, 1])), (">i2", [0, 1, 0, 0, 0, 0, 0, 1]),
      ("<i4", Written.bytes([Int32(1), 0, 0, 1])), ("<u8", Written.bytes([UInt64(1), 0, 0, 1])),
      ("<f2", [0, 0x3C, 0, 0, 0, 0, 0, 0x3C]), ("<f4", Written.bytes([Float(1), 0, 0, 1])),
      ("<f8", Written.bytes([1.0, 0, 0, 1])),
    ]
    for (place, (type, values)) in cases.enumerated() {
      let x = Written.npy(type, "(2, 2)", values, version: UInt8(1 + place % 3))
      #expect(try floats(load([("x.npy", x), ("y.npy", y)])) == [1, 0, 0, 1], "\(type)")
    }
    let signed = Written.npy("|i1", "(2, 1)", [0xFF, 0x80])
    #expect(try floats(load([("x.npy", signed), ("y.npy", y)])) == [-1, -128])
    let big = Written.npy(">f4", "(2, 1)", [0x3F, 0x80, 0, 0, 0xC0, 0, 0, 0])
    #expect(try floats(load([("x.npy", big), ("y.npy", y)])) == [1, -2])
    let halves = Written.npy("<f2", "(2, 2)", [0, 0xC0, 1, 0, 0xFF, 0x7B, 0, 4])
    #expect(
      try floats(load([("x.npy", halves), ("y.npy", y)])) == [-2, 0x1p-24, 65504, 0x1p-14])
  }

  @Test("Fortran's order, images, names of classes and a test set")
  func forms() throws {
    let values = (0..<12).map { UInt8($0) }
    let x = Written.npy("|u1", "(2, 3, 2)", values, order: "True")
    let words = Written.npy("<U2", "(2,)", Written.bytes([UInt32(0xE4), 0x62, 0x61, 0]))
    let test = Written.npy("|u1", "(1, 3, 2)", [1, 2, 3, 4, 5, 6])
    let names = Written.npy("|S3", "(1,)", Array("a\0\0".utf8))
    let file = try load(
      [
        ("x_train.npy", x), ("y_train.npy", words), ("x_test.npy", test), ("y_test.npy", names),
        ("more.npy", y),
      ], testFraction: nil)
    // Element (i, j, k) is stored at i + 2 j + 6 k.
    #expect(floats(file) == [0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11])
    #expect(file.set.train.shape == .image(height: 3, width: 2, channels: 1))
    #expect(file.set.classNames == ["a", "äb"] && file.set.train.labels == [1, 0])
    #expect(file.set.test.labels == [0] && file.note.contains("not used: more"))
  }

  @Test("images that may have their channels first are taken as they are, and that is said")
  func channelsFirst() throws {
    let values = [UInt8](repeating: 1, count: 150)
    let first = try load([("x.npy", Written.npy("|u1", "(2, 3, 5, 5)", values)), ("y.npy", y)])
    #expect(first.set.train.shape == .image(height: 3, width: 5, channels: 5))
    #expect(try #require(first.doubt).contains("channels first, as PyTorch has them"))
    let last = try load([("x.npy", Written.npy("|u1", "(2, 5, 5, 3)", values)), ("y.npy", y)])
    #expect(last.doubt == nil)
  }

  @Test("what is no array of numbers is refused by its name")
  func refusals() throws {
    let x = Written.npy("|u1", "(2, 1)", [1, 2])
    func damaged(_ header: String) -> [UInt8] { Written.npy("", "", [1, 2], header: header) }
    let cases: [([(String, [UInt8])], [String])] = [
      (
        [("x.npy", Written.npy("|O", "(2, 1)", [1, 2]))],
        ["x must be numbers", "objects of Python"]
      ),
      ([("x.npy", Written.npy("<c8", "(2, 1)", [1, 2]))], ["complex numbers"]),
      ([("x.npy", Written.npy("<M8[s]", "(2, 1)", [1, 2]))], ["dates or times"]),
      (
        [("x.npy", damaged("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}"))],
        ["records of several fields"]
      ),
      ([("x.npy", Written.npy("|u1", "(3, 1)", [1, 2]))], ["3 bytes of values", "found 2"]),
      ([("x.npy", Written.npy("|u1", "(2, 1)", [1, 2], version: 4))], ["version 1 to 3"]),
      ([("x.npy", damaged("{'descr': '|u1', 'shape': (2, 1)}"))], ["damaged header"]),
      (
        [("x.npy", damaged("{'descr': '|u1', 'fortran_order': False, 'shape': (2, -1)}"))],
        ["damaged header"]
      ),
      ([("x.npy", Array("hello, world".utf8))], ["damaged header"]),
      ([("z.npy", x)], ["x is missing", "--x NAME --y NAME"]),
      ([("data.npy", x), ("images.npy", x)], ["several may be meant"]),
    ]
    for (members, words) in cases {
      let error = try #require(throws: DataFileError.self) {
        try load(members.map { (name: $0.0, bytes: $0.1) } + [("y.npy", y)])
      }
      for word in words { #expect(line(error).contains(word), "\(error)") }
    }
    var bytes = Written.zip([("x.npy", x), ("y.npy", y)])
    let place = bytes.firstIndex(of: 0x93)! + 128
    bytes[place] ^= 1
    let folder = try TemporaryFolder()
    for (name, contents, word) in [
      ("damaged.npz", bytes, "checksum"), ("cut.npz", Array(bytes.dropLast(9)), "cut off"),
      ("text.npz", Array("hello".utf8), "no file of NumPy's"), ("empty.npz", [], "empty"),
      ("one.npy", x, "numpy.savez('FILE.npz', x=SAMPLES, y=ANSWERS)"),
    ] {
      try AtomicFile.write(contents, to: folder.file(name))
      let error = try #require(throws: DataFileError.self) {
        try DataFile.load(path: folder.file(name))
      }
      #expect(line(error).contains(word), "\(error)")
    }
  }

  @Test("samples alone come from an .npy too")
  func samples() throws {
    let folder = try TemporaryFolder()
    try AtomicFile.write(
      Written.npy("|u1", "(2, 3)", [1, 2, 3, 4, 5, 6]), to: folder.file("a.npy"))
    let samples = try DataSamples.load(path: folder.file("a.npy"), input: .vector(3))
    #expect(samples.values == [1, 2, 3, 4, 5, 6] && samples.count == 2 && samples.answers == nil)
  }
}
