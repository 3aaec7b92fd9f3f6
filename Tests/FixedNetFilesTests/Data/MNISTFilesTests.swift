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
    #expect(!line(error).contains("delete"))
  }

  @Test("files with a dot in their names are found, too")
  func dotted() throws {
    let folder = try TemporaryFolder()
    let environment = ["HOME": folder.file("home")]
    let names = [
      "train-images.idx3-ubyte", "train-labels.idx1-ubyte.gz", "t10k-images.idx3-ubyte.gz",
      "t10k-labels.idx1-ubyte",
    ]
    for (index, name) in names.enumerated() {
      let error = try #require(throws: DataError.self) {
        try MNISTFiles.load(.mnist, directory: folder.path, environment: environment)
      }
      guard case .missing = error else {
        Issue.record("\(error) with \(index) files")
        return
      }
      #expect(line(error).contains("train-labels-idx1-ubyte"))
      try AtomicFile.write(TestFiles.bytes(TestFiles.path("idx/good.gz")), to: folder.file(name))
    }
    let error = try #require(throws: DataError.self) {
      try MNISTFiles.load(.mnist, directory: folder.path, environment: environment)
    }
    #expect(line(error).contains("train-images.idx3-ubyte': must be 60000 x 28 x 28"))
  }

  @Test("a file of another data set under the same name is not replaced by a download")
  func kept() throws {
    let folder = try TemporaryFolder()
    let bytes = try TestFiles.bytes(TestFiles.path("idx/good"))
    try AtomicFile.write(bytes, to: folder.file("train-images-idx3-ubyte"))
    let error = try #require(throws: DataError.self) {
      try Downloader(mirrors: ["http://127.0.0.1:1"]).fetch(.mnist, into: folder.path)
    }
    #expect(line(error).contains("which is not replaced"))
    #expect(try TestFiles.bytes(folder.file("train-images-idx3-ubyte")) == bytes)
  }

  @Test("files of the right shape and other contents are refused, with the digest of all bytes")
  func otherContents() throws {
    let folder = try TemporaryFolder()
    let file = MNISTFile.trainImages
    let bytes: [UInt8] =
      [0, 0, 8, 3, 0, 0, 0xEA, 0x60, 0, 0, 0, 28, 0, 0, 0, 28]
      + [UInt8](repeating: 7, count: 60_000 * 784)
    try AtomicFile.write(bytes, to: folder.file(file.rawValue))
    for other in MNISTFile.allCases where other != file {
      try AtomicFile.write(
        TestFiles.bytes(TestFiles.path("idx/good")), to: folder.file(other.rawValue))
    }
    let error = try #require(throws: DataError.self) {
      try MNISTFiles.load(.mnist, directory: folder.path)
    }
    #expect(
      error
        == .digest(
          path: folder.file(file.rawValue), expected: file.sha256(in: .mnist),
          found: Digest.sha256(bytes)))
  }

  @Test(
    "the real data sets load", .enabled(if: hasData, missingData),
    arguments: MNISTName.allCases)
  func real(name: MNISTName) throws {
    let files = try MNISTFiles.load(name, environment: ["FIXEDNET_DATA": MNISTFilesTests.data])
    #expect(files.trainImages.count == 60_000 * 784 && files.testImages.count == 10_000 * 784)
    #expect(files.trainLabels.count == 60_000 && files.testLabels.count == 10_000)
    #expect(Array(files.testLabels.prefix(3)) == (name == .mnist ? [7, 2, 1] : [9, 2, 1]))
  }

  @Test(
    "the SHA-256 digests are those of the files that have the published MD5",
    .enabled(if: hasData, missingData), arguments: MNISTName.allCases)
  func digests(name: MNISTName) throws {
    for file in MNISTFile.allCases {
      let path = "\(MNISTFilesTests.data)/\(name.rawValue)/\(file.rawValue).gz"
      let idx = try IDXFile.read(path, rank: file.shape.count)
      #expect(Digest.md5(idx.contents) == file.md5(in: name))
      #expect(Digest.sha256(idx.contents) == file.sha256(in: name))
      #expect(idx.sha256 == file.sha256(in: name))
    }
  }

  @Test("plain files load as packed ones do", .enabled(if: hasData, missingData))
  func plain() throws {
    let folder = try TemporaryFolder()
    for file in MNISTFile.allCases {
      let run = Process()
      run.executableURL = URL(filePath: "/bin/sh")
      run.arguments = [
        "-c",
        "gunzip -c \(MNISTFilesTests.data)/mnist/\(file.rawValue).gz > "
          + folder.file(file.rawValue),
      ]
      try run.run()
      run.waitUntilExit()
      #expect(run.terminationStatus == 0)
    }
    let plain = try MNISTFiles.load(.mnist, directory: folder.path)
    let packed = try MNISTFiles.load(.mnist, directory: "\(MNISTFilesTests.data)/mnist")
    #expect(plain.trainImages == packed.trainImages && plain.testImages == packed.testImages)
    #expect(plain.trainLabels == packed.trainLabels && plain.testLabels == packed.testLabels)
  }

  @Test(
    "the names that checkpoints keep stay the same",
    arguments: [
      (MNISTName.mnist, "689ff270f6b2962d3cf79b6070b952d5d4200518f95a60bdf4f60708606f5f14"),
      (.fashionMNIST, "1cb5a4cf9ef338eb75aa5a635c4776a550f8daf305fbbe5eec43d9361418ad33"),
    ])
  func name(name: MNISTName, digest: String) { #expect(name.digest == digest) }

  @Test("the wrong data set's files are refused", .enabled(if: hasData, missingData))
  func swapped() throws {
    let error = try #require(throws: DataError.self) {
      try MNISTFiles.load(.mnist, directory: "\(MNISTFilesTests.data)/fashion-mnist")
    }
    #expect(
      line(error).contains("c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"))
  }
}
