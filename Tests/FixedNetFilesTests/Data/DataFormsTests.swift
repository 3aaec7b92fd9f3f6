import FixedNet
import FixedNetFiles
import Foundation
import Testing

/// Files of Tests/Python/fixtures/make_data_fixtures.py: 8 samples of 6 values, labels 0 to 3 over and over.
private func load(
  _ name: String, _ options: DataFileOptions = DataFileOptions(testFraction: 0),
  model: ModelEnds? = nil, trained: LabelMap? = nil
) throws -> DataFile {
  try DataFile.load(
    path: TestFiles.path("data/\(name)"), options: options, model: model, trained: trained)
}

private func expectRefusal(
  _ name: String, _ words: [String], _ options: DataFileOptions = DataFileOptions(testFraction: 0),
  model: ModelEnds? = nil, trained: LabelMap? = nil,
  sourceLocation: SourceLocation = #_sourceLocation
) throws {
  let error = try #require(throws: DataFileError.self, sourceLocation: sourceLocation) {
    try load(name, options, model: model, trained: trained)
  }
  let text = line(error)
  #expect(text.contains(name), "\(text)", sourceLocation: sourceLocation)
  for word in words { #expect(text.contains(word), "\(text)", sourceLocation: sourceLocation) }
}

private let ten = ModelEnds(outputCount: 10)
private let one = ModelEnds(outputCount: 1)

/// Labels over and over, as the files have them.
private func cycle(_ classes: [UInt16]) -> [UInt16] {
  (0..<8).map { classes[$0 % classes.count] }
}

#if MatIO
  @Suite("Labels of data files, MATLAB") struct MatLabelTests {
    @Test("labels that fit the outputs as they are stay so; without a model 1 is class 0")
    func fitsOutputs() throws {
      let alone = try load("no_zero.mat")
      #expect(alone.set.train.labels == cycle([0, 1, 2, 0, 0, 1, 2, 0]))
      #expect(alone.note.contains("1 stands for class 0"))
      for (outputs, zero) in [(3, 1), (4, 0), (10, 0)] {
        let file = try load("no_zero.mat", model: ModelEnds(outputCount: outputs))
        #expect(file.labels?.zero == zero, "\(outputs) outputs")
        #expect(file.set.train.labels.prefix(3) == (zero == 1 ? [0, 1, 2] : [1, 2, 3]))
      }
      let note = try load("no_zero.mat", model: ten).note
      #expect(note.contains("--zero-label 1 makes 1 class 0"))
    }

    @Test("1 to 10 may be digits or not: 10 is class 0, and that is doubtful")
    func oneToTen() throws {
      let path = TestFiles.path("mat/digits_ten.mat")
      let file = try DataFile.load(
        path: path, options: DataFileOptions(testFraction: 0), model: ten)
      #expect(file.labels?.zero == 10)
      let doubt = try #require(file.doubt)
      #expect(doubt.contains("10 is taken as class 0") && doubt.contains("--zero-label 1"))
      let said = try DataFile.load(
        path: path, options: DataFileOptions(zeroLabel: 1, testFraction: 0), model: ten)
      #expect(
        said.doubt == nil && said.set.train.labels.prefix(10) == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
      // Eleven outputs have room for them as they are.
      let eleven = ModelEnds(outputCount: 11)
      let whole = try DataFile.load(
        path: path, options: DataFileOptions(testFraction: 0), model: eleven)
      #expect(whole.labels?.zero == 0 && whole.set.train.labels.prefix(2) == [1, 2])
    }

    @Test("what was so in training is so for other files, whatever their labels alone would mean")
    func trained() throws {
      let path = TestFiles.path("mat/digits_ten.mat")
      let map = try #require(DataFile.load(path: path).labels)
      #expect(LabelMap(json: map.json) == map)
      let part = try load("no_zero.mat", model: ten, trained: map)
      #expect(part.set.train.labels.prefix(3) == [1, 2, 3] && part.note.contains("as in training"))
      #expect(part.set.classNames == (0...9).map(String.init))
      let shifted = try #require(load("one_to_four.mat").labels)
      #expect(try load("no_zero.mat", model: ten, trained: shifted).set.train.labels.first == 0)
      // Labels that the training did not have.
      let signs = try #require(load("signs.mat").labels)
      #expect(try load("minus.mat", trained: signs).set.train.labels == cycle([0]))
      try expectRefusal("one_to_four.mat", ["labels of the training", "1 to 4"], trained: signs)
      try expectRefusal("signs.mat", ["labels of the training", "-1 and 1"], trained: map)
    }

    @Test("-1 and +1 are two classes")
    func signs() throws {
      for model in [nil, one, ModelEnds(outputCount: 2)] {
        let file = try load("signs.mat", model: model)
        #expect(file.set.train.labels == cycle([0, 1]) && file.set.classNames == ["-1", "1"])
        #expect(file.note.contains("-1 stands for class 0, 1 for class 1"))
      }
      let turned = try load("signs.mat", DataFileOptions(zeroLabel: 1, testFraction: 0))
      #expect(turned.set.train.labels == cycle([1, 0]) && turned.set.classNames == ["1", "-1"])
      try expectRefusal("signs.mat", ["10 outputs", "--zero-label -1"], model: ten)
      try expectRefusal("minus.mat", ["--zero-label -1", "--regression", "y(1,1)"])
      let minus = try load("minus.mat", DataFileOptions(zeroLabel: -1, testFraction: 0))
      #expect(minus.set.train.labels == cycle([0]))
      // Two classes counted from -1 on are not those of -1 and +1.
      #expect(try load("signs.mat").digest != turned.digest)
    }

    @Test("more classes than outputs are refused, with what to do")
    func tooMany() throws {
      try expectRefusal("one_to_four.mat", ["2 classes", "one output", "--regression"], model: one)
      try expectRefusal(
        "one_to_four.mat", ["at most 3 classes for the model's 3 outputs"],
        model: ModelEnds(outputCount: 3))
      try expectRefusal(
        "one_to_four.mat", ["at most 4 classes"], DataFileOptions(zeroLabel: 0, testFraction: 0),
        model: ModelEnds(outputCount: 4))
    }

    @Test("a model of numbers wants --regression")
    func numbers() throws {
      let number = ModelEnds(
        outputCount: 1, numbersReason: "the model's loss is mean_squared_error")
      try expectRefusal(
        "one_to_four.mat", ["the model's loss is mean_squared_error", "--regression"], model: number
      )
      let options = DataFileOptions(testFraction: 0, isRegression: true)
      #expect(try load("one_to_four.mat", options, model: number).set.train.targets.first == 1)
    }
  }

  @Suite("Forms of data files, MATLAB") struct MatFormTests {
    @Test("--pixel-order says how vectors hold images")
    func pixelOrder() throws {
      let image = Shape.image(height: 2, width: 3, channels: 2)
      func pixels(_ name: String, _ order: PixelOrder?) throws -> [Float] {
        let file = try load(
          name, DataFileOptions(image: image, pixelOrder: order, testFraction: 0))
        guard case .floats(let values) = file.set.train.pixels else { return [] }
        return values
      }
      let expected: [Float] = (0..<96).map {
        let (sample, place) = ($0 / 12, $0 % 12)
        return Float(1000 * sample + 100 * (place / 6) + 10 * (place % 6 / 2) + place % 2)
      }
      #expect(try pixels("columns.mat", nil) == expected)
      #expect(try pixels("columns.mat", .columns) == expected)
      #expect(try pixels("rows.mat", .rows) == expected)
      #expect(try pixels("rows.mat", .columns) != expected)
      let usual = DataFileOptions(image: image, testFraction: 0)
      let (plain, rows, columns) = try (
        load("rows.mat", usual),
        load("rows.mat", DataFileOptions(image: image, pixelOrder: .rows, testFraction: 0)),
        load("rows.mat", DataFileOptions(image: image, pixelOrder: .columns, testFraction: 0))
      )
      #expect(plain.digest == columns.digest && plain.digest != rows.digest)
      #expect(plain.note.contains("column by column (--pixel-order rows"))
      #expect(rows.record.hasSuffix("--image 2x3x2 --pixel-order rows --test-fraction 0.0"))
      try expectRefusal(
        "rows.mat", ["--pixel-order rows", "--image"],
        DataFileOptions(pixelOrder: .rows, testFraction: 0))
    }

    @Test(
      "files that people have are told apart, with what to do",
      arguments: [
        ("transposed.mat", ["X 6 x 8 looks transposed", "X = X.'"]),
        ("mixed_cells.mat", ["variable y must be", "a cell array"]),
        ("mixed_cells7.mat", ["variable y must be", "cells are not all a row of text"]),
        ("empty_cell7.mat", ["y must be a name for each sample", "an empty text at sample 6"]),
        ("empty_cell.mat", ["y must be a name for each sample", "an empty text at sample 6"]),
        ("octave_text.mat", ["Octave's own text format", "-v7"]),
        ("octave_binary.mat", ["Octave's own binary format", "-v7"]),
        ("octave_hdf5.mat", ["Octave's HDF5", "-v7"]), ("sparse_y.mat", ["sparse", "full"]),
      ])
    func forms(name: String, words: [String]) throws { try expectRefusal(name, words) }

    @Test("fields of a struct are found, as EMNIST has them, and can be said")
    func fields() throws {
      let found = try load("struct.mat")
      let plain = try load("samples_first.mat")
      #expect(found.set.train.labels == plain.set.train.labels)
      #expect(found.note.contains("dataset.train.images 8 x 6") && !found.note.contains("not used"))
      var options = DataFileOptions(testFraction: 0)
      options.arrays = DataArrayNames(x: "dataset.train.images", y: "dataset.train.labels")
      let said = try load("struct.mat", options)
      #expect(said.set.train.labels == found.set.train.labels)
    }

    @Test("texts in cells and rows of characters are names of classes")
    func texts() throws {
      let cells = try load("cells.mat")
      #expect(cells.set.classNames == ["blå", "grön 緑", "röd", "vit"])
      #expect(cells.set.train.labels == cycle([2, 0, 1, 3]))
      for name in ["characters.mat", "characters7.mat"] {
        let rows = try load(name)
        #expect(rows.set.classNames == ["blue", "green", "red", "white"])
        #expect(rows.set.train.labels == cycle([2, 0, 1, 3]))
      }
    }

    @Test("texts in UTF-16 are read too: MATLAB writes them, in version 7.3 behind references")
    func units() throws {
      let cells = try load("cells16.mat")
      #expect(cells.set.classNames == ["blå", "grön 緑", "röd", "😀"])
      let (plain, later) = (try load("cells.mat"), try load("cells7.mat"))
      #expect(cells.set.train.labels == plain.set.train.labels)
      #expect(later.note == plain.note.replacing("cells.mat", with: "cells7.mat"))
      #expect(later.set.train.labels == plain.set.train.labels)
    }

    @Test("sample_weight is read, what is not used is named")
    func weights() throws {
      let file = try load("weighted.mat")
      #expect(file.set.train.sampleWeights == (0..<8).map { Float($0) / 4 })
      #expect(
        file.note.contains("sample_weight 0.0 to 1.75") && file.note.contains("not used: names"))
    }
  }
#endif

#if HDF5
  @Suite("Forms of data files, HDF5") struct HDF5FormTests {
    @Test("booleans are 0 and 1")
    func booleans() throws {
      let set = try load("boolean.h5").set.train
      #expect(set.labels == cycle([1, 0]))
      guard case .floats(let x) = set.pixels else { return }
      #expect(Set(x) == [0, 1])
      #expect(
        try HDF5Arrays.readFloats(path: TestFiles.path("data/boolean.h5"), dataset: "x").values == x
      )
      try expectRefusal("colours.h5", ["/y", "an enumeration other than FALSE and TRUE"])
    }

    @Test("float16 is read, in either byte order")
    func half() throws {
      for name in ["half.h5", "half_big.h5"] {
        let set = try load(name).set.train
        #expect(set.labels == cycle([0, 1, 2, 3]))
        // The values are multiples of 1/64 below 2: float16 has them all.
        let whole = try load("from_one.h5").set.train
        guard case .floats(let x) = set.pixels, case .floats(let expected) = whole.pixels else {
          return
        }
        #expect(x == expected && Set(x).count > 10)
      }
    }

    @Test("labels from 1 stay as they are, and that is said; a model without room for them is told")
    func fromOne() throws {
      let file = try load("from_one.h5")
      #expect(file.set.train.labels == cycle([1, 2, 3, 4]))
      #expect(file.note.contains("class 0 has no sample (--zero-label 1 makes 1 class 0)"))
      try expectRefusal(
        "from_one.h5", ["4 classes", "--zero-label 1 makes 1 class 0"],
        model: ModelEnds(outputCount: 4))
      let options = DataFileOptions(zeroLabel: 1, testFraction: 0)
      let shifted = try load("from_one.h5", options, model: ModelEnds(outputCount: 4))
      #expect(shifted.set.train.labels == cycle([0, 1, 2, 3]))
    }

    @Test("one-hot rows must be as wide as the outputs")
    func oneHot() throws {
      #expect(try load("two_one_hot.h5", model: ModelEnds(outputCount: 2)).set.classCount == 2)
      try expectRefusal("two_one_hot.h5", ["10 wide for the model's 10 outputs"], model: ten)
      try expectRefusal("two_one_hot.h5", ["1 wide for the model's one output"], model: one)
    }

    @Test("sample weights are read and checked; they change what the data are")
    func weights() throws {
      let file = try load("weighted.h5")
      #expect(file.set.train.sampleWeights == (0..<8).map { Float($0) / 4 })
      #expect(file.note.contains("not used: ids, when"))
      let part = try load("weighted.h5", DataFileOptions(testFraction: 0.25)).set
      #expect(part.train.sampleWeights.count == 6 && part.test.sampleWeights.count == 2)
      let all = part.train.sampleWeights + part.test.sampleWeights
      #expect(Set(all) == Set(file.set.train.sampleWeights))
      try expectRefusal(
        "negative_weight.h5", ["sample_weight", "at least 0", "-0.5 at sample_weight[0]"])
      try expectRefusal("short_weight.h5", ["one weight for each of the 8 samples", "found 5"])
      try expectRefusal("test_weight.h5", ["sample_weight_test"], DataFileOptions())
    }

    @Test(
      "files that people have are told apart, with what to do",
      arguments: [
        ("lzf.h5", ["filter 32000 (lzf)", "gzip"]),
        ("octave_hdf5.h5", ["x must be a dataset, found a group", "Octave", "-v7"]),
        ("reversed.h5", ["x 6 x 8 looks transposed", "x.' there", "x.T"]),
      ])
    func forms(name: String, words: [String]) throws { try expectRefusal(name, words) }

    @Test("a model's file is no data")
    func model() throws {
      let error = try #require(throws: DataFileError.self) {
        try DataFile.load(path: TestFiles.path("keras/p04_mlp.h5"))
      }
      #expect(line(error).contains("it is a Keras model's file"))
    }
  }
#endif

@Suite("LabelMap") struct LabelMapTests {
  @Test("what is no map is none")
  func json() throws {
    for text in [
      "{}", "null", "{\"zero\":0,\"first\":0,\"count\":0,\"step\":1}",
      "{\"zero\":5,\"first\":0,\"count\":5,\"step\":1}",
      "{\"zero\":0,\"first\":-1,\"count\":2,\"step\":2}",
      "{\"zero\":0,\"first\":0,\"count\":65537,\"step\":1}",
      "{\"zero\":0,\"first\":0,\"count\":2,\"step\":3}",
      "{\"zero\":9223372036854775807,\"first\":9223372036854775807,\"count\":2,\"step\":1}",
    ] {
      #expect(LabelMap(json: try JSONValue(parsing: text)) == nil, "\(text)")
    }
  }
}
