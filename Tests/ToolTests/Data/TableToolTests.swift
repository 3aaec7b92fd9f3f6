import FixedNet
import FixedNetFiles
import Foundation
import TestSupport
import Testing

/// What train and eval do with tables of text: 60 rows of three classes by name, a function of nothing.
@Suite("Tables", .serialized)
struct TableToolTests {
  private let folder: String
  private static let names = ["red berry", "\"ä, ö\"", "Zebra"]

  init() throws {
    folder = try Fixtures.temporaryFolder()
    try write(rows: 0..<60, to: "table.csv")
  }

  /// Points around three places; classes over and over.
  private func write(rows: Range<Int>, names: [String] = names, to name: String) throws {
    let lines = rows.map { row in
      let (a, b) = (Double(row % 3), Double(row % 7) / 70)
      return "\(2 * a + b),\(a * a - b),\(1 - a + b),\(names[row % names.count])"
    }
    let text = "a,b,c,species\n" + lines.joined(separator: "\n") + "\n"
    try AtomicFile.write(Array(text.utf8), to: "\(folder)/\(name)")
  }

  private func train(_ options: String) throws -> Finished {
    try Tool.run("train", "--model mlp --quiet --batch 6 " + options, in: folder)
  }

  @Test("300 classes are trained, evaluated and predicted; a table of so many shows the worst")
  func manyClasses() throws {
    let rows = (0..<900).map { row in
      let index = row % 300
      return "\(index % 7),\(index / 7 % 7),\(index / 49),k\(index)"
    }
    let text = "a,b,c,species\n" + rows.joined(separator: "\n") + "\n"
    try AtomicFile.write(Array(text.utf8), to: "\(folder)/many.csv")
    let run = try Tool.run(
      "train",
      "--model mlp:64 --data many.csv --test-fraction 0 --standardize --optimizer adam "
        + "--learning-rate 0.02 --epochs 60 --batch 50 --output many.h5 --quiet", in: folder)
    #expect(run.exitCode == 0, "\(run.errors)")
    let report = try Tool.run("eval", "many.h5 --json", in: folder).report
    #expect(report["classes"]?.array.count == 300 && report["accuracy"]?.double ?? 0 > 0.95)
    let shown = try Tool.run("eval", "many.h5", in: folder).output
    #expect(shown.contains("the 20 of 300 classes with the lowest F1"))
    Tool.expectRefusal(
      try Tool.run("eval", "many.h5 --confusion", in: folder), "of at most 100 classes")
    let predicted = try Tool.run("fixednet", "predict many.h5 many.csv", in: folder).output
    let lines = predicted.split(separator: "\n")
    #expect(lines.count == 900)
    let hits = lines.indices.count { lines[$0].contains(": k\($0 % 300) ") }
    #expect(hits > 850)
  }

  @Test("classes by name travel in the checkpoint, into tables, the confusion matrix and --resume")
  func names() throws {
    let run = try train("--data table.csv --epochs 30 --output net.h5")
    #expect(run.exitCode == 0, "\(run.errors)")
    let state = try #require(try KerasFile.read(path: "\(folder)/net.h5").training)
    // In the order of their bytes.
    #expect(state.labels?.names == ["Zebra", "red berry", "ä, ö"])
    let report = try Tool.run("eval", "net.h5 --json", in: folder).report
    #expect(report["classes"]?.array.map { $0["name"] } == ["Zebra", "red berry", "ä, ö"])
    #expect(report["accuracy"]?.double == 1)
    let text = try Tool.run("eval", "net.h5 --confusion", in: folder)
    #expect(text.output.contains("3 classes by name: Zebra, red berry, 'ä, ö', as in training"))
    #expect(text.output.contains("red berry") && text.output.contains("ä, ö"))

    // Another file, with two of the classes, is read by the same names.
    try write(
      rows: 1..<39, names: [TableToolTests.names[1], TableToolTests.names[2]], to: "two.csv")
    let two = try Tool.run("eval", "net.h5 --data two.csv --test-fraction 0 --json", in: folder)
    let counts = try two.report["classes"]?.array.map { $0["images"] }
    #expect(counts == [.integer(19), .integer(0), .integer(19)], "\(two.errors)")
    try write(rows: 0..<6, names: ["red berry", "blue"], to: "other.csv")
    Tool.expectRefusal(
      try Tool.run("eval", "net.h5 --data other.csv --test-fraction 0", in: folder),
      "found 'blue' at line 3")

    let whole = try train("--data table.csv --epochs 4 --output a.h5")
    _ = try train("--data table.csv --epochs 2 --output b.h5")
    let resumed = try Tool.run("train", "--resume b.h5 --epochs 4 --quiet", in: folder)
    #expect(resumed.weightsHash == whole.weightsHash && whole.weightsHash != nil)
  }

  @Test("options of columns are recorded, and count where eval says nothing")
  func options() throws {
    let trained = try Tool.run(
      "train",
      "--model softmax --quiet --batch 6 --data table.csv --epochs 1 --target 4 "
        + "--ignore-column b --delimiter comma --output net.h5", in: folder)
    #expect(trained.exitCode == 0, "\(trained.errors)")
    let state = try #require(try KerasFile.read(path: "\(folder)/net.h5").training)
    #expect(state.data == "table.csv --target 4 --delimiter comma --ignore-column b")
    let eval = try Tool.run("eval", "net.h5", in: folder)
    #expect(eval.exitCode == 0 && eval.output.contains("2 features"), "\(eval.errors)")
    #expect(eval.output.contains("not used: column b"))
  }

  @Test("eval --inputs takes a table without answers, or with them")
  func inputs() throws {
    #expect(try train("--data table.csv --epochs 1 --output net.h5").exitCode == 0)
    try AtomicFile.write(Array("1,2,3\n4,5,6\n".utf8), to: "\(folder)/bare.csv")
    for (name, count) in [("bare.csv", 2), ("table.csv", 60)] {
      let run = try Tool.run("eval", "net.h5 --inputs \(name) --outputs y.h5 --json", in: folder)
      #expect(try run.report["samples"] == .integer(count), "\(run.errors)")
      let y = try HDF5Arrays.readFloats(path: "\(folder)/y.h5", dataset: "y")
      #expect(y.shape == [count, 3])
    }
    Tool.expectRefusal(
      try Tool.run("eval", "net.h5 --inputs bare.csv --target 2", in: folder),
      "the table must be [samples] x 3, found 2x2")
  }

  @Test("--standardize puts the training part's mean and variance in front of the model")
  func standardize() throws {
    // b is the same in all rows: it is only shifted.
    let text = "a,b,y\n1,7,0\n3,7,1\n5,7,0\n7,7,1\n"
    try AtomicFile.write(Array(text.utf8), to: "\(folder)/s.csv")
    let options = "--data s.csv --test-fraction 0 --epochs 1 --standardize"
    let run = try train("\(options) --output net.h5")
    #expect(run.exitCode == 0, "\(run.errors)")
    let front = try KerasFile.read(path: "\(folder)/net.h5").model.layers.first as? Normalization
    #expect(front?.mean == [4, 7] && front?.variance == [5, 1])
    let eval = try Tool.run("eval", "net.h5 --json", in: folder)
    #expect(eval.exitCode == 0, "\(eval.errors)")
    Tool.expectRefusal(
      try Tool.run("train", "--model net.h5 \(options)", in: folder), "has a Normalization layer")
  }

  @Test("wrong use is one line")
  func wrongUse() throws {
    for (options, word, code) in [
      ("--data table.csv --x a", "there are columns and no arrays", 1),
      ("--data table.csv --target none", "'none': no column is called so", 1),
      ("--data table.csv --delimiter pipe", "--delimiter", 64),
      ("--data table.csv --x-test a", "--x-test and --y-test belong together", 64),
      ("--data digits --target a", "names of columns", 64),
      ("--data none.csv", "none.csv", 1),
    ] as [(String, String, Int32)] {
      Tool.expectRefusal(try train("--epochs 1 \(options)"), word, exitCode: code)
    }
  }
}
