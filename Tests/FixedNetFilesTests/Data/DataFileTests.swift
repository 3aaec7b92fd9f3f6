import FixedNet
import FixedNetFiles
import Foundation
import TestSupport
import Testing

private func load(_ name: String, _ options: DataFileOptions = DataFileOptions()) throws -> DataFile
{
  try DataFile.load(path: MatFixture.path(name), options: options)
}

/// Training and test set are the file's samples in the file's order.
private let whole = DataFileOptions(testFraction: 0)

extension ImageSet {
  fileprivate var floats: [Float] {
    if case .floats(let values) = pixels { values } else { [] }
  }
}

#if MatIO
  @Suite("DataFile, MATLAB") struct MatDataFileTests {
    @Test("labels that count from 1 are shifted, and classes keep their names")
    func fromOne() throws {
      for name in ["from_one.mat", "row_labels.mat"] {
        let file = try load(name, whole)
        #expect(file.set.train.labels == [0, 1, 2, 0, 1] && file.set.train.shape == .vector(3))
        #expect(file.set.train.floats == (1...15).map { Float($0) / 8 })
        #expect(file.set.classNames == ["1", "2", "3"])
        #expect(file.note.contains("1 stands for class 0"))
      }
    }

    @Test("labels with a 0 stay as they are")
    func fromZero() throws {
      let file = try load("from_zero.mat", whole)
      #expect(file.set.train.labels == [0, 1, 2, 0, 1])
      #expect(file.set.train.floats == (1...15).map { Float($0) })
    }

    @Test("labels 1 to 10 are digits, 10 standing for 0; --zero-label says otherwise")
    func digitsTen() throws {
      let labels = (0..<20).map { $0 % 10 + 1 }
      let file = try load("digits_ten.mat", whole)
      #expect(file.set.train.labels == labels.map { UInt16($0 % 10) })
      #expect(file.set.classNames == (0...9).map(String.init))
      #expect(file.note.contains("10 stands for class 0"))
      var options = whole
      options.zeroLabel = 1
      let shifted = try load("digits_ten.mat", options)
      #expect(shifted.set.train.labels == labels.map { UInt16($0 - 1) })
      #expect(shifted.set.classNames == (1...10).map(String.init))
      options.zeroLabel = 0
      #expect(try load("digits_ten.mat", options).set.train.labels == labels.map { UInt16($0) })
      #expect(file.digest != shifted.digest)
    }

    @Test("--image takes MATLAB's samples column by column, channels last in the end")
    func images() throws {
      var options = whole
      options.image = .image(height: 2, width: 3, channels: 2)
      let set = try load("digits_ten.mat", options).set.train
      #expect(set.shape == .image(height: 2, width: 3, channels: 2))
      var expected: [Float] = []
      for sample in 0..<20 {
        for row in 0..<2 {
          for column in 0..<3 {
            for channel in 0..<2 {
              expected.append(Float(1000 * sample + 100 * row + 10 * column + channel))
            }
          }
        }
      }
      #expect(set.floats == expected)
      let vectors = try load("digits_ten.mat", whole).set.train
      #expect(vectors.floats == (try MatFixture.numbers("digits_ten")).map { Float($0) })
    }

    @Test("the test set is a fixed part: disjoint, complete, the same every time")
    func split() throws {
      let file = try load("digits_ten.mat")
      #expect(file.set.train.count == 16 && file.set.test.count == 4)
      // The first value of a sample is 1000 times its number.
      func numbers(_ set: ImageSet) -> [Int] {
        (0..<set.count).map { Int(set.floats[$0 * 12]) / 1000 }
      }
      let (train, test) = (numbers(file.set.train), numbers(file.set.test))
      #expect(Set(train).union(test) == Set(0..<20) && train == train.sorted())
      #expect(Set(test) != Set(16..<20))
      for (number, label) in zip(test, file.set.test.labels) {
        #expect(Int(label) == (number % 10 + 1) % 10)
      }
      let again = try load("digits_ten.mat", DataFileOptions(testFraction: 0.2))
      #expect(again.digest == file.digest && numbers(again.set.test) == test)
      let half = try load("digits_ten.mat", DataFileOptions(testFraction: 0.5))
      #expect(half.set.test.count == 10 && half.digest != file.digest)
    }

    @Test("a test set of the file's own, one-hot rows, numbers to predict")
    func forms() throws {
      let own = try load("own_test.mat")
      #expect(own.set.train.count == 5 && own.set.test.labels == [0, 1])
      #expect(own.set.test.floats == (1...6).map { Float($0) / 8 + 1 })
      #expect(try load("one_hot.mat", whole).set.train.labels == [0, 1, 2, 0, 1])
      let targets = try load("targets.mat", whole).set.train
      #expect(targets.labels.isEmpty && targets.targetWidth == 2 && targets.count == 5)
      let expected: [Float] = [1, 2, 4, 5, 7, 8, 10, 11, 13, 14].map { $0 / 8 * 1.5 }
      #expect(targets.targets == expected)
    }

    @Test(
      "what makes no data set is refused in one line",
      arguments: [
        ("no_y.mat", "variable y is missing; the file has X, answers"),
        ("short_y.mat", "for the 5 samples of X, found 4 x 1"), ("negative.mat", "y(1,1)"),
        ("nan.mat", "nan at X(2,3)"),
        ("infinite.mat", "inf at X(3,3)"), ("beyond_float.mat", "inf at X(2,1)"),
        ("nan_label.mat", "nan at y(3,1)"), ("two_hot.mat", "2 at sample 3"),
        ("empty_x.mat", "empty array 0 x 3"),
        ("complex_x.mat", "complex"), ("half_test.mat", "y_test is missing"),
        ("cut.mat", "cut off"), ("bad_zlib.mat", "zlib"), ("text.mat", "not a MATLAB file"),
      ])
    func refused(name: String, word: String) throws {
      let error = try #require(throws: DataFileError.self) { try load(name) }
      #expect(line(error).contains(word) && line(error).contains(MatFixture.path(name)), "\(error)")
    }

    @Test("options that do not fit the file are refused")
    func options() throws {
      let cases: [(String, DataFileOptions, String)] = [
        ("from_one.mat", DataFileOptions(image: .image(height: 2, width: 2, channels: 1)), "2x2x1"),
        ("own_test.mat", DataFileOptions(testFraction: 0.5), "X_test"),
        ("one_hot.mat", DataFileOptions(zeroLabel: 1), "--zero-label 1"),
        ("targets.mat", DataFileOptions(zeroLabel: 1), "--zero-label 1"),
        ("from_one.mat", DataFileOptions(zeroLabel: 1000), "--zero-label 1000: must be one of"),
        ("from_zero.mat", DataFileOptions(zeroLabel: 9), "0 to 2, or the one before or behind"),
        ("from_one.mat", DataFileOptions(testFraction: 0.99), "no sample is left"),
      ]
      for (name, options, word) in cases {
        let error = try #require(throws: DataFileError.self) { try load(name, options) }
        #expect(line(error).contains(word), "\(error)")
      }
    }

    @Test("the digest is of contents and options, not of the name")
    func digest() throws {
      let folder = try TemporaryFolder()
      let bytes = try TestFiles.bytes(MatFixture.path("from_one.mat"))
      try AtomicFile.write(bytes, to: folder.file("other.mat"))
      let copy = try DataFile.load(path: folder.file("other.mat"))
      #expect(try copy.digest == load("from_one.mat").digest)
      #expect(try copy.digest != load("from_one.mat", whole).digest)
      #expect(try copy.digest != load("row_labels.mat").digest)
    }
  }
#endif

#if HDF5
  @Suite("DataFile, HDF5") struct HDF5DataFileTests {
    @Test("images of one channel; labels as they are")
    func images() throws {
      let set = try load("images.h5", whole).set
      #expect(set.train.shape == .image(height: 2, width: 3, channels: 1))
      #expect(set.train.floats == (0..<60).map { Float($0) })
      #expect(set.train.labels == (0..<10).map { UInt16($0 % 4) } && set.classNames.count == 4)
    }

    @Test("one-hot rows and a test set of its own")
    func oneHot() throws {
      let set = try load("one_hot.h5").set
      #expect(set.train.shape == .image(height: 2, width: 2, channels: 3))
      #expect(set.train.labels == [0, 1, 2, 2, 1, 0] && set.test.labels == [2, 0])
      #expect(set.test.floats == (0..<24).map { Float($0) / 32 })
    }

    @Test("numbers to predict, by their values or by --regression; --image goes row by row")
    func targets() throws {
      let set = try load("targets.h5", whole).set.train
      #expect(set.targets == [0.5, -1, 2, 3] && set.targetWidth == 1 && set.labels.isEmpty)
      var options = whole
      options.isRegression = true
      options.image = .image(height: 1, width: 3, channels: 1)
      let whole = try load("whole_targets.h5", options).set.train
      #expect(whole.targets == [5, -1, 2, 3] && whole.floats == (0..<12).map { Float($0) / 4 })
      let error = try #require(throws: DataFileError.self) { try load("whole_targets.h5") }
      #expect(line(error).contains("-1.0 at y[1]"))
    }

    @Test(
      "what makes no data set is refused in one line",
      arguments: [
        ("flat.h5", "found 12"), ("none.h5", "No such file"),
      ])
    func refused(name: String, word: String) throws {
      let error = try #require(throws: DataFileError.self) { try load(name) }
      #expect(line(error).contains(word) && line(error).contains(MatFixture.path(name)), "\(error)")
    }

    @Test("text and a folder called .h5 are refused")
    func notHDF5() throws {
      let folder = try TemporaryFolder()
      try AtomicFile.write(Array("x,y\n1,2\n".utf8), to: folder.file("text.h5"))
      try FileManager.default.createDirectory(
        atPath: folder.file("folder.h5"), withIntermediateDirectories: true)
      for (name, word) in [("text.h5", "not an HDF5 file"), ("folder.h5", "folder")] {
        let error = try #require(throws: DataFileError.self) {
          try DataFile.load(path: folder.file(name))
        }
        #expect(line(error).contains(word))
      }
    }
  }
#endif

@Suite("DataFileOptions") struct DataFileOptionsTests {
  @Test(
    "a recorded name gives path and options back",
    arguments: [
      DataFileOptions(), DataFileOptions(image: .image(height: 20, width: 20, channels: 3)),
      DataFileOptions(zeroLabel: 10, testFraction: 0.25, isRegression: true),
      DataFileOptions(testFraction: 0),
    ])
  func roundTrip(options: DataFileOptions) {
    for path in ["a.mat", "my data/--image.mat"] {
      let name = options.text.isEmpty ? path : "\(path) \(options.text)"
      let found = DataFileOptions.split(name)
      #expect(found.options == options)
      #expect(found.path == path)
    }
  }

  @Test("shapes of images are read from text")
  func shapes() {
    #expect(Shape(imageText: "20x30") == .image(height: 20, width: 30, channels: 1))
    #expect(Shape(imageText: "2x3x4") == .image(height: 2, width: 3, channels: 4))
    for wrong in ["", "20", "20x", "x20", "0x5", "-1x5", "2x3x4x5", "axb", "65536x65536"] {
      #expect(Shape(imageText: wrong) == nil)
    }
  }
}
