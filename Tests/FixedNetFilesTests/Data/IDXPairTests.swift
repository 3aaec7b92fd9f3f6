import FixedNet
import Foundation
import Testing

@testable import FixedNetFiles

/// IDX files that the tests write.
@Suite("IDX pairs") struct IDXPairTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func write(_ name: String, _ shape: [Int], _ values: [UInt8]) throws {
    let extents = shape.flatMap { [0, 0, UInt8($0 / 256), UInt8($0 % 256)] as [UInt8] }
    try AtomicFile.write(
      [0, 0, 8, UInt8(shape.count)] + extents + values, to: folder.file(name))
  }

  private func load(_ name: String = "") throws -> DataFile {
    try DataFile.load(path: name.isEmpty ? folder.path : folder.file(name))
  }

  private func refusal(_ name: String = "") throws -> String {
    line(try #require(throws: DataFileError.self) { try load(name) })
  }

  @Test("a folder or the file of the images is enough, with a test set or without")
  func pairs() throws {
    try write("kmnist-train-images-idx3-ubyte", [4, 2, 3], (0..<24).map { UInt8($0 * 10) })
    try write("kmnist-train-labels-idx1-ubyte", [4], [0, 1, 2, 1])
    let alone = try DataFile.load(path: folder.path, options: DataFileOptions(testFraction: 0))
    #expect(alone.set.train.shape == .image(height: 2, width: 3, channels: 1))
    #expect(alone.set.train.labels == [0, 1, 2, 1] && alone.note.contains("divided by 255"))
    // Bytes, as they are in the file: the network divides them.
    guard case .bytes(let values) = alone.set.train.pixels else {
      Issue.record("the images take four times their memory")
      return
    }
    #expect(values == (0..<24).map { UInt8($0 * 10) })
    let samples = try DataSamples.load(
      path: folder.file("kmnist-train-images-idx3-ubyte"),
      input: .image(height: 2, width: 3, channels: 1))
    #expect(samples.values == (0..<24).map { Float($0 * 10) / 255 })
    #expect(try load().set.test.count == 1)
    try write("kmnist-test-images-idx3-ubyte", [1, 2, 3], [1, 2, 3, 4, 5, 6])
    try write("kmnist-test-labels-idx1-ubyte", [1], [2])
    for name in ["", "kmnist-train-images-idx3-ubyte"] {
      let both = try load(name)
      #expect(both.set.train.count == 4 && both.set.test.labels == [2], "\(name)")
    }
    let path = folder.file("kmnist-test-images-idx3-ubyte")
    let test = try DataFile.load(path: path, options: DataFileOptions(testFraction: 0))
    #expect(test.set.train.labels == [2])
  }

  @Test("names with a dot and packed files are found; EMNIST's doubt is said")
  func spellings() throws {
    try write("emnist-train-images.idx3-ubyte", [2, 1, 1], [255, 0])
    try write("emnist-train-labels.idx1-ubyte", [2], [1, 0])
    let gzip = try Python.run("/bin/gzip", [folder.file("emnist-train-labels.idx1-ubyte")])
    #expect(gzip.status == 0)
    let file = try DataFile.load(path: folder.path, options: DataFileOptions(testFraction: 0))
    #expect(file.set.train.labels == [1, 0])
    #expect(file.doubt?.contains("EMNIST's images lie on their sides") == true)
  }

  @Test("what is missing or does not fit is one line")
  func refusals() throws {
    #expect(try refusal().contains("a folder without images"))
    #expect(try refusal("none-images-idx3-ubyte").contains("No such file"))
    try write("a-images-idx3-ubyte", [2, 1, 1], [1, 2])
    #expect(try refusal().contains("without a file of their labels"))
    try write("a-labels-idx1-ubyte", [3], [1, 2, 3])
    #expect(try refusal().contains("for the 2 samples"))
    try write("b-images-idx3-ubyte", [2, 1, 1], [1, 2])
    #expect(try refusal().contains("several files of images (a-images-idx3-ubyte, b-images"))
    #expect(try refusal("a-labels-idx1-ubyte").contains("says no 'images'"))
    try write("c-images-idx3-ubyte", [20], [UInt8](repeating: 1, count: 20))
    try write("c-labels-idx1-ubyte", [20], [UInt8](repeating: 1, count: 20))
    #expect(try refusal("c-images-idx3-ubyte").contains("must be IDX of 3 axes, found 1 axes"))
  }
}
