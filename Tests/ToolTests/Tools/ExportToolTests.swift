import FixedNet
import FixedNetFiles
import Foundation
import TestSupport
import Testing

/// What `export` refuses, and what it leaves alone; ExportTests have the bits.
@Suite("export")
struct ExportToolTests {
  private let folder: String

  init() throws { folder = try Fixtures.temporaryFolder() }

  private func export(_ options: String) throws -> Finished {
    try Tool.run("export", options, in: folder)
  }

  private func text(_ path: String) throws -> String {
    try String(contentsOfFile: "\(folder)/\(path)", encoding: .utf8)
  }

  @Test("a library is written, and written again; nobody else's file is replaced")
  func files() throws {
    let options = "softmax --c net --name net --train sgd"
    let first = try export(options)
    #expect(first.exitCode == 0, "\(first.errors)")
    let names = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/net").sorted()
    #expect(
      names == [
        "CMakeLists.txt", "Makefile", "library.properties", "net.c", "net.h", "net_test.c",
      ])
    let source = try text("net/net.c")
    #expect(try export(options).exitCode == 0)
    #expect(try text("net/net.c") == source)
    for name in names {
      try "all:\n\techo mine\n".write(
        toFile: "\(folder)/net/\(name)", atomically: false, encoding: .utf8)
      let refused = try export("\(options) --loss kld")
      Tool.expectRefusal(refused, "'net/\(name)' is there, and was not written by fixednet export")
      #expect(try text("net/\(name)") == "all:\n\techo mine\n")
      try FileManager.default.removeItem(atPath: "\(folder)/net/\(name)")
    }
  }

  @Test(
    "wrong use is one line",
    arguments: [
      ("softmax", "Missing expected argument '--c <folder>'", 64 as Int32),
      ("softmax --c n --train foo", "--train must be one of sgd, momentum", 64),
      ("softmax --c n --batch 2", "--batch is for training on the device", 64),
      ("softmax --c n --memory-budget 1MiB", "--memory-budget is for training on the device", 64),
      ("softmax --c n --train sgd --freeze a --last 1", "give one of them", 64),
      ("softmax --c n --samples 0", "--samples must be from 1", 64),
      ("softmax --c n --train sgd --freeze nope", "the model has no layer 'nope'; it has", 1),
      ("softmax --c n --train sgd --last 9", "the model has 1 layers with weights, found 9", 1),
      ("nope.h5 --c n", "cannot read 'nope.h5'", 1),
      ("lenet --c n --train sgd", "freeze it (--freeze", 1),
      ("lenet-plain --c n --train adam --memory-budget 64KiB", "more than --memory-budget", 1),
    ])
  func wrongUse(_ options: String, _ fragment: String, _ code: Int32) throws {
    Tool.expectRefusal(try export(options), fragment, exitCode: code)
    #expect(!FileManager.default.fileExists(atPath: "\(folder)/n"))
  }

  @Test("a small file that describes an enormous network is refused before anything is allocated")
  func arena() throws {
    let model = Model(
      name: "wide", input: .image(height: 4096, width: 4096, channels: 1),
      layers: [
        Conv2D(name: "c", filters: 16, kernelSize: (1, 1)), GlobalAveragePooling2D(name: "p"),
        Dense(name: "d", units: 2, activation: .softmax),
      ])
    try KerasFile.write(
      KerasModelFile(model: model, weights: model.initialWeights(seed: 0)),
      to: "\(folder)/wide.h5")
    let measured = try Measured(
      "\(Tool.folder)/export", ["wide.h5", "--c", "n"], in: folder, limit: 30)
    Tool.expectRefusal(measured.run, "describes a network whose arena takes")
    #expect(measured.peakBytes < 256 << 20)
  }
}
