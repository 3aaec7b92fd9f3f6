import FixedNet
import Foundation
import Testing

@testable import FixedNetFiles

private func load(_ name: String, _ arrays: DataArrayNames = DataArrayNames()) throws -> DataFile {
  var options = DataFileOptions()
  options.arrays = arrays
  return try DataFile.load(path: TestFiles.path("data/\(name)"), options: options)
}

private func floats(_ set: ImageSet) throws -> [Float] {
  guard case .floats(let values) = set.pixels else { throw CocoaError(.coderInvalidValue) }
  return values
}

/// Files of Tests/Python/fixtures/make_data_fixtures.py: 8 samples of 6 values, labels 0 to 3 over and over.
@Suite("Names of arrays") struct ArrayNamesTests {
  private static let labels: [UInt16] = [0, 1, 2, 3, 0, 1, 2, 3]

  @Test("one pair of usual names is found, whatever the file calls them")
  func search() {
    func find(_ names: [String]) -> DataNames? {
      guard case .one(let found) = DataNames.search(names, said: DataArrayNames()) else {
        return nil
      }
      return found
    }
    let keras = find(["x_test", "x_train", "y_test", "y_train", "x_val"])
    #expect(keras?.train == PartNames(x: "x_train", y: "y_train"))
    #expect(keras?.test == PartNames(x: "x_test", y: "y_test"))
    let groups = find(["train", "test", "train/data", "train/target", "test/data", "test/target"])
    #expect(groups?.train == PartNames(x: "train/data", y: "train/target"))
    #expect(groups?.test == PartNames(x: "test/data", y: "test/target"))
    #expect(find(["data", "label", "mldata_descr_ordering"])?.train.x == "data")
    #expect(find(["Xtrain", "ytrain", "Xtest", "ytest"])?.test?.y == "ytest")
    // Half a test set is asked for as a whole, to be refused.
    #expect(find(["x_train", "y_train", "x_test"])?.test?.y == "y_test")
    #expect(find(["data", "weights"]) == nil)
    #expect(
      DataNames.search(["data", "images", "label"], said: DataArrayNames())
        == .several(["data", "images", "label"]))
    #expect(
      DataNames.search(["data", "label", "x_train", "y_train"], said: DataArrayNames())
        == .several(["data", "label", "x_train", "y_train"]))
  }

  @Test("what is said counts, and its other half is found")
  func said() {
    let names = ["a", "b", "label", "data"]
    #expect(
      DataNames.search(names, said: DataArrayNames(x: "a", y: "b"))
        == .one(DataNames(train: PartNames(x: "a", y: "b"))))
    #expect(
      DataNames.search(names, said: DataArrayNames(x: "a"))
        == .one(DataNames(train: PartNames(x: "a", y: "label"))))
    let all = DataArrayNames(x: "a", y: "b", xTest: "data", yTest: "label")
    #expect(
      DataNames.search(names, said: all)
        == .one(
          DataNames(
            train: PartNames(x: "a", y: "b"), test: PartNames(x: "data", y: "label"))))
  }

  @Test("options with names come back from a checkpoint's record")
  func record() {
    var options = DataFileOptions(testFraction: 0.5)
    options.target = "sepal length (50 %)"
    options.ignoredColumns = ["id", "no 2"]
    options.delimiter = .semicolon
    options.arrays = DataArrayNames(x: "train/data", y: "y y", xTest: "c", yTest: "d")
    let (path, found) = DataFileOptions.split("my file.csv \(options.text)")
    #expect(path == "my file.csv" && found == options)
    #expect(DataFileOptions.split("a.csv --target %zz").path == "a.csv --target %zz")
  }

  #if HDF5
    @Test("Keras-style arrays, groups and names of classes are read from HDF5")
    func hdf5() throws {
      let whole = DataFileOptions(testFraction: 0)
      let usual = try floats(
        DataFile.load(path: TestFiles.path("data/from_one.h5"), options: whole).set.train)
      let keras = try load("train_test.h5")
      #expect(keras.set.train.labels == ArrayNamesTests.labels)
      #expect(try floats(keras.set.train) == usual && keras.set.test.count == 8)
      #expect(keras.note.contains("x_train 8 x 6") && keras.note.contains("8 test samples"))
      for name in ["groups.h5", "cats.h5"] {
        #expect(try load(name).set.train.count == 6, "\(name)")
      }
      #expect(try load("groups.h5").note.contains("train/data 8 x 6"))
      let said = try load("groups.h5", DataArrayNames(x: "train/data", y: "train/target"))
      #expect(try floats(said.set.train) == floats(load("groups.h5").set.train))
      #expect(said.record.hasSuffix("groups.h5 --x train/data --y train/target"))
      let error = try #require(throws: DataFileError.self) {
        try load("train_test.h5", DataArrayNames(x: "none", y: "y_train"))
      }
      #expect(line(error).contains("none is missing; the file has x_test, x_train"))
    }

    @Test("strings are names of classes, and other files are read by them")
    func strings() throws {
      let file = try load("strings.h5")
      #expect(file.set.classNames == ["a", "b"] && file.note.contains("2 classes by name: a, b"))
      #expect(file.set.train.labels.count + file.set.test.labels.count == 8)
      let labels = try #require(file.labels)
      #expect(LabelMap(json: labels.json) == labels)
      let other = LabelMap(names: ["0", "a", "b"])
      let path = TestFiles.path("data/strings.h5")
      let options = DataFileOptions(testFraction: 0)
      let moved = try DataFile.load(path: path, options: options, trained: other)
      #expect(moved.set.train.labels == [1, 2, 1, 2, 1, 2, 1, 2])
      #expect(moved.note.contains("as in training"))
      for (map, word) in [
        (LabelMap(names: ["a", "c"]), "found 'b' at sample 1"),
        (LabelMap(zero: 0, first: 0, last: 3), "labels of the training, 0 to 3"),
      ] {
        let error = try #require(throws: DataFileError.self) {
          try DataFile.load(path: path, options: options, trained: map)
        }
        #expect(line(error).contains(word), "\(error)")
      }
      let error = try #require(throws: DataFileError.self) {
        try DataFile.load(
          path: TestFiles.path("data/from_one.h5"), options: options, trained: other)
      }
      #expect(line(error).contains("names of the training's classes (0, a, b)"))
    }
  #endif

  #if MatIO
    @Test("samples along the last axis are turned, and so are the columns of data and label")
    func matlab() throws {
      let options = DataFileOptions(testFraction: 0)
      func values(_ name: String) throws -> [Float] {
        try floats(
          DataFile.load(path: TestFiles.path("data/\(name)"), options: options).set.train)
      }
      let expected: [Float] = (0..<96).map {
        let (sample, place) = ($0 / 12, $0 % 12)
        return Float(1000 * sample + 100 * (place / 6) + 10 * (place % 6 / 2) + place % 2)
      }
      #expect(try values("samples_last.mat") == expected)
      #expect(try values("samples_first.mat") == expected)
      let last = try DataFile.load(path: TestFiles.path("data/samples_last.mat"), options: options)
      #expect(last.set.train.shape == .image(height: 2, width: 3, channels: 2))
      #expect(last.note.contains("X 8 x 2 x 3 x 2, the samples along its last axis"))
      #expect(try values("other_names.mat") == values("one_to_four.mat"))
      // A matrix that is said lies as it is said: nothing is guessed of it.
      let error = try #require(throws: DataFileError.self) {
        try load("other_names.mat", DataArrayNames(x: "data", y: "label"))
      }
      #expect(line(error).contains("data 6 x 8 looks transposed"))
    }
  #endif
}
