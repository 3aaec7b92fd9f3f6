import FixedNetFiles
import Foundation
import Testing

@Suite("MNISTFiles") struct MNISTFilesTests {
  static let data = "\(TestFiles.shared)/data"
  static let hasData = FileManager.default.fileExists(atPath: "\(data)/mnist")
  static let missingData: Comment = "the data sets are not beside this package: set FIXEDNET_SHARED"

  @Test("without the files, one line names the folders and the way out")
  func missing() throws {
    let folder = try TemporaryFolder()
    let environment = ["FIXEDNET_DATA": folder.file("data"), "HOME": folder.file("home")]
    let error = try #require(throws: DataError.self) {
      try MNISTFiles.load(.mnist, directory: folder.path, environment: environment)
    }
    #expect(
      error
        == .missing(
          name: "mnist",
          searched: [
            folder.path, folder.file("data/mnist"), "Data/mnist",
            folder.file("home/.cache/fixednet/mnist"),
          ]))
    #expect(line(error).contains("--download"))
  }

  @Test("files of other contents are refused")
  func wrong() throws {
    let folder = try TemporaryFolder()
    for name in [
      "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte",
      "t10k-labels-idx1-ubyte",
    ] {
      try AtomicFile.write(
        TestFiles.bytes(TestFiles.path("idx/good.gz")), to: folder.file("\(name).gz"))
    }
    let error = try #require(throws: DataError.self) {
      try MNISTFiles.load(.mnist, directory: folder.path)
    }
    #expect(line(error).contains("60000 x 28 x 28"))
  }

  @Test(
    "the real data sets load, and fast", .enabled(if: hasData, missingData),
    arguments: MNISTName.allCases)
  func real(name: MNISTName) throws {
    let start = ContinuousClock().now
    let files = try MNISTFiles.load(name, environment: ["FIXEDNET_DATA": MNISTFilesTests.data])
    // Half a second on an idle machine; the tests run beside others.
    #expect(ContinuousClock().now - start < .seconds(5))
    #expect(files.trainImages.count == 60_000 * 784 && files.testImages.count == 10_000 * 784)
    #expect(files.trainLabels.count == 60_000 && files.testLabels.count == 10_000)
    #expect(Array(files.testLabels.prefix(3)) == (name == .mnist ? [7, 2, 1] : [9, 2, 1]))
  }

  @Test("the wrong data set's files are refused", .enabled(if: hasData, missingData))
  func swapped() throws {
    let error = try #require(throws: DataError.self) {
      try MNISTFiles.load(.mnist, directory: "\(MNISTFilesTests.data)/fashion-mnist")
    }
    #expect(line(error).contains("f4a8712d7a061bf5bd6d2ca38dc4d50a"))
  }
}
