import FixedNet
import Foundation
import Testing

@testable import FixedNetFiles

/// Tables that the tests write.
private func load(
  _ text: String, name: String = "table.csv", model: ModelEnds? = nil, trained: LabelMap? = nil,
  _ change: (inout DataFileOptions) -> Void = { _ in }
) throws -> DataFile {
  let folder = try TemporaryFolder()
  let path = folder.file(name)
  try AtomicFile.write(Array(text.utf8), to: path)
  var options = DataFileOptions(testFraction: 0)
  change(&options)
  return try DataFile.load(path: path, options: options, model: model, trained: trained)
}

private func floats(_ file: DataFile) -> [Float] {
  if case .floats(let values) = file.set.train.pixels { values } else { [] }
}

private func refusal(
  _ text: String, trained: LabelMap? = nil, _ change: (inout DataFileOptions) -> Void = { _ in }
) throws -> String {
  line(try #require(throws: DataFileError.self) { try load(text, trained: trained, change) })
}

@Suite("Tables of text") struct TableFileTests {
  @Test(
    "delimiter, first line and column of answers are found",
    arguments: [
      ("a,b,y\n1,2,0\n3,4,1\n", "comma-separated, names of columns in the first line"),
      ("1;2;0\r\n3;4;1", "separated by semicolons, no names of columns"),
      ("\u{FEFF}1\t2\t0\n\n3\t4\t1\n\n", "separated by tabs, no names of columns"),
      ("label,p1,p2\n0,1,2\n1,3,4\n", "comma-separated, names of columns in the first line"),
      ("\"a\";\"b\";\"y\"\r\"1\";\"2\";\"0\"\r 3 ; 4 ; 1 \r", "separated by semicolons, names of"),
      ("2,2,no,yes\n1,2,0\n3,4,1\n", "scikit-learn's first line of counts and classes"),
    ])
  func forms(text: String, note: String) throws {
    let file = try load(text)
    #expect(floats(file) == [1, 2, 3, 4])
    #expect(file.set.train.labels == [0, 1])
    #expect(file.note.contains(note), "\(file.note)")
    #expect(file.set.classNames == (text.contains("yes") ? ["no", "yes"] : ["0", "1"]))
  }

  @Test("classes that the test set alone has are named")
  func unseen() throws {
    let rows = (0..<10).map { "\($0 * $0),1,c\($0)\n" }.joined()
    let file = try load("n,m,y\n" + rows) { $0.testFraction = nil }
    let doubt = try #require(file.doubt)
    #expect(doubt.contains("2 classes have samples in the test set and none to train on: c"))
  }

  @Test("a fifth of each class is the test set; of numbers and of tiny classes, a fifth of all")
  func testSet() throws {
    func parts(_ labels: [String]) throws -> (test: [Float: Int], file: DataFile) {
      let rows = labels.enumerated().map { "\($0.offset),\($0.element)\n" }.joined()
      let file = try load("n,y\n" + rows) { $0.testFraction = nil }
      guard case .floats(let test) = file.set.test.pixels else { return ([:], file) }
      #expect(Set(test).union(floats(file)) == Set(labels.indices.map { Float($0) }))
      return (Dictionary(test.map { (Float(Int($0) % 10), 1) }, uniquingKeysWith: +), file)
    }
    // The class of row n by its last digit: 0 to 6, 7 and 8, 9.
    let labels = (0..<100).map { $0 % 10 < 7 ? "a" : $0 % 10 < 9 ? "b" : "c" }
    let (test, file) = try parts(labels)
    #expect((0..<7).reduce(0) { $0 + (test[Float($1)] ?? 0) } == 14)
    #expect((test[7] ?? 0) + (test[8] ?? 0) == 4 && test[9] == 2)
    #expect(file.note.contains("20 samples, the same part of each class and always the same"))
    #expect(try parts(["a", "b", "c", "d", "e"]).file.note.contains("1 samples, always the same"))
    let numbers = try parts((0..<100).map { "\(Double($0) + 0.5)" })
    #expect(numbers.file.set.test.count == 20)
    #expect(numbers.file.note.contains("20 samples, always the same"))
  }

  @Test("columns are chosen and passed over by name and by number; a doubt says what was guessed")
  func columns() throws {
    let text = "id,a,b,c\n7,1,2,0\n8,3,4,1\n9,5,6,1\n"
    let usual = try load(text)
    #expect(usual.set.train.shape == .vector(3) && usual.set.train.labels == [0, 1, 1])
    #expect(usual.doubt?.contains("column 4 'c', the last, is taken for the answers") == true)
    let chosen = try load(text) {
      $0.target = "a"
      $0.ignoredColumns = ["id"]
    }
    #expect(floats(chosen) == [2, 0, 4, 1, 6, 1] && chosen.set.train.labels == [1, 3, 5])
    #expect(chosen.doubt == nil && chosen.note.contains("not used: column id"))
    let numbered = try load(text) {
      $0.target = "2"
      $0.ignoredColumns = ["1"]
    }
    #expect(floats(numbered) == floats(chosen) && numbered.digest != chosen.digest)
    #expect(try load("1,a\n2,b\n3,c\n").doubt?.contains("only counts the rows") == true)
    let counted = try load("0,1,2,3\n5,6,7,1\n8,9,7,0\n")
    #expect(floats(counted) == [5, 6, 7, 8, 9, 7])
    #expect(counted.doubt?.contains("the first line, 0 to 3, is taken for names") == true)
    let mixed = try load("0,1,label\n5,6,1\n8,9,0\n")
    #expect(floats(mixed) == [5, 6, 8, 9] && mixed.doubt?.contains("some of them are") == true)
    #expect(try refusal("150,4,a,b,c\n5,3,1,2,0\n4,3,1,2,1\n").contains("line 1: column 3"))
    // A ramp that goes on is data.
    #expect(try load("0,1,2,3\n1,2,3,4\n2,3,4,5\n").set.train.count == 3)
  }

  @Test("classes by name are sorted by their bytes; quotes, delimiters and lines may be in them")
  func names() throws {
    let text = "a,species\n3,\"x, \"\"y\"\"\"\n2,Zebra\n3,\"two\nlines\"\n4,Zebra\n5,ä\n"
    let file = try load(text)
    #expect(file.set.classNames == ["Zebra", "two\nlines", "x, \"y\"", "ä"])
    #expect(file.set.train.labels == [2, 0, 1, 0, 3] && file.doubt == nil)
    #expect(file.note.contains("column 2 'species': 4 classes by name"))
    let map = try #require(file.labels)
    #expect(LabelMap(json: map.json) == map && map.names.count == 4)
    // Digits and letters may be classes together, and digits where the training had letters.
    #expect(try load("2.5,A\n2,7\n").set.classNames == ["7", "A"])
    let digits = try load("1,7\n2,7\n3,7\n", trained: LabelMap(names: ["7", "A"]))
    #expect(digits.set.train.labels == [0, 0, 0] && digits.set.classNames == ["7", "A"])
    #expect(
      try refusal("1,7\n2,B\n3,7\n", trained: LabelMap(names: ["7", "A"]))
        .contains("found 'B' at line 2"))
  }

  @Test(
    "numbers are the floats next to the decimal ones; others than whole ones are predicted")
  func numbers() throws {
    // Between two floats, just above the middle, and the middle itself, which goes to the even one.
    let texts = [
      "0.1", "-.5", "5.", "1e-46", "3.4028235e38", "1.00000005960464477539062500000000001",
      "1.000000059604644775390625", "7.038531e-26", "123456789012345678901234567890", "1E3", "+2",
      "4.9e-324", "0.30000001192092896", "16777217", "-0",
    ]
    let file = try load("a,y\n" + texts.map { "\($0),0.5" }.joined(separator: "\n"))
    #expect(floats(file).map(\.bitPattern) == texts.map { Float($0)!.bitPattern })
    #expect(file.set.train.targets == texts.map { _ in 0.5 } && file.set.classNames.isEmpty)
    let whole = try load("0,16777217\n1,3\n2,5\n") { $0.isRegression = true }
    #expect(whole.set.train.targets == [16_777_216, 3, 5])
  }

  @Test("what cannot be read is one line with place, expectation and what to do")
  func refusals() throws {
    for (text, words) in [
      ("", ["the file is empty"]), ("a,b\n", ["there is no row of values"]),
      ("a\n1\n2\n", ["only 1 column"]),
      ("a,b,y\n1,2,0\n1,2\n", ["line 3", "3 fields like the others", "found 2"]),
      ("# of 2020\na,b,y\n1,2,0\n", ["line 2", "1 field like the others", "take it out"]),
      ("a,b,y\n\"1,000\",2,0\n", ["line 2", "'1,000'", "separators of thousands are not read"]),
      ("a,b,y\n1,,0\n", ["line 2: column 2 'b'", "a value, found nothing"]),
      ("a,b,y\n1,NA,0\n", ["column 2 'b'", "'NA', which marks a missing one"]),
      ("a,b,y\n1,2,?\n", ["column 3 'y'", "'?', which marks a missing one"]),
      ("a,b,y\n1,red,0\n", ["line 2: column 2 'b' must be a number, found 'red'"]),
      ("a;b;y\n1;2,5;0\n", ["found '2,5'", "write points"]),
      ("a,b,y\n1,1e40,0\n", ["finite number of float32", "1e40"]),
      ("a,b,y\n1,-inf,0\n", ["finite number", "-inf"]),
      ("a,b\n1,\"2\n3,4\n", ["line 2", "closed by a quote"]),
      ("a,b\n1,2\"\"\n", ["line 2", "quote elsewhere"]), ("a,b\n1,\0\n", ["line 2", "zero"]),
      ("y,a,class\n1,2,3\n", ["'y' and 'class'", "--target"]),
      ("a,y\n1,2.5\n2,x\n", ["line 3", "numbers, or names", "'2.5' in line 2"]),
      ("1,2\n3,2\n4,2\n", ["column 2, the last,", "same value in every row", "--target"]),
      ("a,y\n1,-3\n2,0\n", ["column 2 'y'", "-3.0 at line 2", "--zero-label"]),
      ("1,2;3\n4,5;6\n", ["the delimiter", "--delimiter"]),
      ("a,b;y\n1,2;0\n1,2;0\n", ["--delimiter"]),
    ] {
      let found = try refusal(text)
      for word in words { #expect(found.contains(word), "\(text.debugDescription): \(found)") }
    }
    #expect(try refusal("a,y\n1,2\n") { $0.target = "z" }.contains("no column is called so"))
    #expect(try refusal("a,y\n1,2\n") { $0.target = "3" }.contains("'3'"))
    #expect(try refusal("a,a,y\n1,2,3\n") { $0.target = "a" }.contains("several called 'a'"))
    #expect(try refusal("1,x\n2,y\n") { $0.isRegression = true }.contains("--regression"))
    #expect(try refusal("1,0\n2,1\n") { $0.arrays.x = "x" }.contains("--x"))
    let bytes = line(
      try #require(throws: DataFileError.self) {
        let folder = try TemporaryFolder()
        try AtomicFile.write([0xFF, 0xFE, 0x31, 0], to: folder.file("a.csv"))
        _ = try DataFile.load(path: folder.file("a.csv"))
      })
    #expect(bytes.contains("UTF-16"))
  }

  @Test("more classes than outputs are refused")
  func outputs() throws {
    let error = try #require(throws: DataFileError.self) {
      try load("1,a\n2,b\n3,c\n", model: ModelEnds(outputCount: 2))
    }
    #expect(line(error).contains("at most 2 classes for the model's 2 outputs"))
    #expect(try load("1,a\n2,b\n", model: ModelEnds(outputCount: 1)).set.classCount == 2)
  }

  @Test("samples alone: all columns, or all but the answers'")
  func samples() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("a.csv")
    try AtomicFile.write(Array("a,b,c\n1,2,0.5\n3,4,0.25\n".utf8), to: path)
    let all = try DataSamples.load(path: path, input: .vector(3))
    #expect(all.values == [1, 2, 0.5, 3, 4, 0.25] && all.answers == nil && all.count == 2)
    let two = try DataSamples.load(path: path, input: .vector(2))
    #expect(two.values == [1, 2, 3, 4] && two.answers?.values == [0.5, 0.25])
    var options = DataFileOptions()
    options.target = "a"
    let chosen = try DataSamples.load(path: path, input: .vector(2), options: options)
    #expect(chosen.values == [2, 0.5, 4, 0.25])
    let error = try #require(throws: DataFileError.self) {
      try DataSamples.load(path: path, input: .vector(7))
    }
    #expect(line(error).contains("the table must be [samples] x 7, found 2x2"))
  }
}
