import Foundation
import TestSupport
import Testing

/// Folders of pictures from training to predictions.
@Suite("Tools on pictures")
struct PictureToolTests {
  private let folder: String

  /// Grey and coloured pictures, some of them turned, in two classes: 7 and 7 of the fixtures.
  init() throws {
    folder = try Fixtures.temporaryFolder()
    let pictures = Fixtures.local("pictures")
    let sets = [
      ("pets/cat", ["grey.png", "grey.jpg", "bits.png", "deep.png", "grey_clear.png"]),
      ("pets/dog", ["colour.png", "colour.jpg", "turned6.jpg", "inks.jpg", "palette.png"]),
    ]
    for (place, names) in sets {
      try FileManager.default.createDirectory(
        atPath: "\(folder)/\(place)", withIntermediateDirectories: true)
      for name in names {
        try FileManager.default.copyItem(
          atPath: "\(pictures)/\(name)", toPath: "\(folder)/\(place)/\(name)")
      }
    }
  }

  private func run(_ options: String) throws -> Finished {
    try Tool.run("fixednet", options, in: folder)
  }

  @Test("folders' names travel to eval and predict; the run goes on with the same pictures")
  func way() throws {
    let train = try run(
      "train --data pets --image 12x10x3 --model mlp:8 --optimizer adam --epochs 30 --output p.h5")
    #expect(train.exitCode == 0, "\(train.errors)")
    #expect(train.output.contains("'pets': 10 pictures of 12x10x3, 10 brought to this size"))
    #expect(train.output.contains("2 of them, the same part of each class and always the same"))
    let eval = try run("eval p.h5 --split train")
    #expect(eval.output.contains("p.h5: mlp on 8 train images of pets --image 12x10x3"))
    let predict = try run("predict p.h5 pets/dog/colour.png pets/cat/grey.png pets/dog")
    let lines = predict.output.split(separator: "\n")
    #expect(lines.count == 7 && lines[0].hasPrefix("pets/dog/colour.png: dog "))
    #expect(lines[1].hasPrefix("pets/cat/grey.png: cat "))
    #expect(lines[2].hasPrefix("pets/dog/colour.jpg: dog ") && lines[3] == lines[0])
    // One by one they are what they are together.
    let alone = try run("predict p.h5 pets/dog/turned6.jpg")
    #expect(alone.output == lines.last { $0.contains("turned6") }.map { "\($0)\n" })
    let table = try run("predict p.h5 pets/cat --output p.csv")
    #expect(table.output.hasPrefix("wrote p.csv: 5 samples, on "))
    let text = try String(contentsOfFile: "\(folder)/p.csv", encoding: .utf8)
    #expect(text.hasPrefix("file,sample,class,cat,dog\npets/cat/bits.png,1,cat,"))
    #expect(try run("train --resume p.h5 --epochs 31").exitCode == 0)
    try FileManager.default.removeItem(atPath: "\(folder)/pets/cat/bits.png")
    Tool.expectRefusal(try run("train --resume p.h5 --epochs 31"), "was trained on other data")
  }

  @Test("a broken picture is named, wherever it stands")
  func broken() throws {
    try FileManager.default.copyItem(
      atPath: Fixtures.local("pictures/broken/cut.jpg"), toPath: "\(folder)/pets/dog/cut.jpg")
    Tool.expectRefusal(
      try run("train --data pets --image 8x8 --model softmax"),
      "'pets/dog/cut.jpg': a damaged picture")
    Tool.expectRefusal(
      try run("train --data pets/dog/colour.png"), "one picture and no data set; give a folder")
    Tool.expectRefusal(try run("train --data pets"), "must be 14 x 19 pixels like")
    Tool.expectRefusal(
      try run("train --data pets --image 8x8 --target x"), "neither columns nor arrays with names")
  }

  @Test("hostile pictures take neither time nor memory")
  func hostile() throws {
    let names = ["bomb.png", "few.png", "checksum.png", "cut.jpg", "inks.jpg"]
    for name in names {
      let place = "\(folder)/bad"
      try? FileManager.default.removeItem(atPath: place)
      try FileManager.default.createDirectory(
        atPath: "\(place)/a", withIntermediateDirectories: true)
      try FileManager.default.copyItem(
        atPath: Fixtures.local("pictures/broken/\(name)"), toPath: "\(place)/a/\(name)")
      let measured = try Measured(
        "\(Tool.folder)/fixednet",
        ["train", "--data", "bad", "--image", "8x8", "--test-fraction", "0"], in: folder)
      Tool.expectRefusal(measured.run, "'bad/a/\(name)'")
      #expect(measured.peakBytes < HostileFileTests.memoryLimit && measured.cpuSeconds < 2)
    }
  }

  @Test(
    "no figure or checkpoint goes among the pictures, through no other name either",
    arguments: ["pets/cat/grey.png", "pets/cat/new.png", "link/cat/grey.png", "other/grey.png"])
  func keptPictures(output: String) throws {
    try FileManager.default.createSymbolicLink(
      atPath: "\(folder)/link", withDestinationPath: "\(folder)/pets")
    // A picture may be a link to somewhere else.
    try FileManager.default.createDirectory(
      atPath: "\(folder)/other", withIntermediateDirectories: false)
    try FileManager.default.moveItem(
      atPath: "\(folder)/pets/cat/grey.png", toPath: "\(folder)/other/grey.png")
    try FileManager.default.createSymbolicLink(
      atPath: "\(folder)/pets/cat/grey.png", withDestinationPath: "\(folder)/other/grey.png")
    let before = FileManager.default.contents(atPath: "\(folder)/other/grey.png")
    let options = "--data pets --image 12x10x3 --model mlp:8 --epochs 1"
    #expect(try run("train \(options) --output p.h5").exitCode == 0)
    for command in [
      "train \(options) --plot \(output)", "train \(options) --learning-curve \(output)",
      "eval p.h5 --plot \(output)", "eval p.h5 --calibration \(output)",
      "eval p.h5 --data digits --plot \(output)",
    ] {
      Tool.expectRefusal(try run(command), "would write '\(output)' among the files", exitCode: 64)
    }
    #expect(FileManager.default.contents(atPath: "\(folder)/other/grey.png") == before)
    #expect(!FileManager.default.fileExists(atPath: "\(folder)/pets/cat/new.png"))
  }

  @Test("predict takes the pictures of all folders below one, and says where that has no end")
  func nested() throws {
    _ = try run("train --data pets --image 12x10x3 --model mlp:8 --epochs 1 --output p.h5")
    let deep = "\(folder)/pets/cat/more/still"
    try FileManager.default.createDirectory(atPath: deep, withIntermediateDirectories: true)
    for place in ["pets/first.png", "pets/cat/more/still/last.png"] {
      try FileManager.default.copyItem(
        atPath: "\(Fixtures.local("pictures"))/colour.png", toPath: "\(folder)/\(place)")
    }
    let lines = try run("predict p.h5 pets").output.split(separator: "\n")
    #expect(lines.count == 12)
    #expect(lines[0].hasPrefix("pets/first.png: "))
    #expect(lines[6].hasPrefix("pets/cat/more/still/last.png: ") && lines[7].hasPrefix("pets/dog/"))
    try FileManager.default.createSymbolicLink(
      atPath: "\(deep)/back", withDestinationPath: "\(folder)/pets/cat")
    Tool.expectRefusal(try run("predict p.h5 pets"), "a folder within 8 others")
  }
}
