import FixedNet
import FixedNetFiles
import Foundation
import TestSupport
import Testing

/// `fixednet predict`, and the program of all tools.
@Suite("fixednet predict")
struct PredictToolTests {
  /// y = x W + b, followed by `activation`: what comes out is known.
  private static func model(
    _ kernel: [[Float]], bias: [Float], _ activation: ActivationFunction
  ) -> KerasModelFile {
    let model = Model(
      name: "m", input: .vector(kernel.count),
      layers: [Dense(name: "dense", units: bias.count, activation: activation)])
    let weights = LayerWeights(
      layer: "dense",
      tensors: [
        Tensor(shape: [kernel.count, bias.count], values: kernel.flatMap(\.self)),
        Tensor(shape: [bias.count], values: bias),
      ])
    return KerasModelFile(model: model, weights: [weights])
  }

  private static func write(_ file: KerasModelFile, x: [[Float]]) throws -> String {
    let folder = try Fixtures.temporaryFolder()
    try KerasFile.write(file, to: "\(folder)/m.h5")
    try HDF5Arrays.write(
      path: "\(folder)/x.h5",
      datasets: [(name: "x", shape: [x.count, x[0].count], values: x.flatMap(\.self))])
    return folder
  }

  /// softmax(2, 0, 1) = 0.6652, 0.0900, 0.2447.
  @Test("a line for each sample: place, classes, probabilities")
  func classes() throws {
    let file = Self.model([[2, 0, 1]], bias: [0, 0, 0], .softmax)
    let folder = try Self.write(file, x: [[1], [-1]])
    let finished = try Tool.run("fixednet", "predict m.h5 x.h5 --top 2", in: folder)
    #expect(finished.output == "x.h5:1: 0 66.52 %, 2 24.47 %\nx.h5:2: 1 66.52 %, 2 24.47 %\n")
    let one = try Self.write(file, x: [[1]])
    #expect(try Tool.run("fixednet", "predict m.h5 x.h5", in: one).output == "x.h5: 0 66.52 %\n")
  }

  @Test("one output behind a sigmoid tells two classes apart")
  func twoClasses() throws {
    let folder = try Self.write(Self.model([[1]], bias: [0], .sigmoid), x: [[2], [-2]])
    let finished = try Tool.run("fixednet", "predict m.h5 x.h5 --top 5", in: folder)
    #expect(finished.output == "x.h5:1: 1 88.08 %, 0 11.92 %\nx.h5:2: 0 88.08 %, 1 11.92 %\n")
  }

  @Test("linear outputs are numbers")
  func numbers() throws {
    let file = Self.model([[0.5, 2]], bias: [1, -1], .linear)
    let folder = try Self.write(file, x: [[3], [0]])
    let finished = try Tool.run("fixednet", "predict m.h5 x.h5", in: folder)
    #expect(finished.output == "x.h5:1: 2.5, 5.0\nx.h5:2: 1.0, -1.0\n")
    let table = try Tool.run("fixednet", "predict m.h5 x.h5 --output p.csv", in: folder)
    #expect(
      table.output.hasPrefix("wrote p.csv: 2 samples, on 1 thread (a call"))
    let text = try String(contentsOf: URL(filePath: "\(folder)/p.csv"), encoding: .utf8)
    #expect(text == "file,sample,y1,y2\nx.h5,1,2.5,5.0\nx.h5,2,1.0,-1.0\n")
  }

  @Test("classes are called what the training called them, in tables too")
  func names() throws {
    let folder = try Fixtures.temporaryFolder()
    try SmallData.write(SmallData.labels.map { $0 + 1 }, to: "\(folder)/d.h5")
    let trained = try Tool.run(
      "fixednet", "train --model mlp:8 --data d.h5 --zero-label 1 --epochs 1 --quiet --output m.h5",
      in: folder)
    #expect(trained.exitCode == 0, "\(trained.errors)")
    let finished = try Tool.run("fixednet", "predict m.h5 d.h5 --output p.csv", in: folder)
    #expect(finished.exitCode == 0, "\(finished.errors)")
    let text = try String(contentsOf: URL(filePath: "\(folder)/p.csv"), encoding: .utf8)
    #expect(text.hasPrefix("file,sample,class,1,2,3\nd.h5,1,"), "\(text.prefix(100))")
  }

  @Test("a table on standard input, which is gone afterwards; none is refused")
  func standardInput() throws {
    let folder = try Self.write(Self.model([[2], [1]], bias: [0], .linear), x: [[0, 0]])
    let temporary = try Fixtures.temporaryFolder()
    func predict(_ text: String) throws -> Finished {
      try Finished(
        "/bin/sh", ["-c", "printf '\(text)' | \(Tool.folder)/fixednet predict m.h5 -"], in: folder,
        environment: ["TMPDIR": temporary])
    }
    let finished = try predict("a,b\\n1,0.5\\n3,1\\n")
    #expect(
      finished.output == "standard input:1: 2.5\nstandard input:2: 7.0\n", "\(finished.errors)")
    Tool.expectRefusal(try predict(""), "standard input is empty")
    Tool.expectRefusal(try predict("a,b\\n1,x\\n"), "line 2")
    #expect(try FileManager.default.contentsOfDirectory(atPath: temporary).isEmpty)
    Tool.expectRefusal(
      try Tool.run("fixednet", "predict m.h5 - -", in: folder), "name it once", exitCode: 64)
  }

  @Test("outputs that are not finite are no class, and a warning says so")
  func notFinite() throws {
    let folder = try Self.write(
      Self.model([[1e30, 1]], bias: [0, 0], .linear), x: [[1e30], [1]])
    let finished = try Tool.run("fixednet", "predict m.h5 x.h5", in: folder)
    #expect(finished.output.hasPrefix("x.h5:1: inf, 1e+30\n"))
    #expect(finished.errors.contains("1 of 2 samples of 'x.h5' have outputs that are not finite"))
  }

  @Test(
    "what cannot be done is refused in one line",
    arguments: [
      ("predict m.h5 x.h5 --output p.txt", 64, "--output must name a .csv, .npz, .h5 or .mat file"),
      ("predict m.h5 x.h5 --top 0", 64, "--top must be from 1"),
      ("predict m.h5", 64, "Missing expected argument"),
      ("predict m.h5 nothing.h5", 1, "nothing.h5"), ("predict x.h5 x.h5", 1, "x.h5"),
      ("predict m.h5 x.h5 --output x.h5", 64, "would overwrite"),
      ("predict m.h5 x.h5 --output m.h5", 64, "would overwrite"),
      ("predikt m.h5", 64, "predikt"), ("train --epoch 1", 64, "see fixednet train --help"),
    ])
  func refused(options: String, exitCode: Int32, fragment: String) throws {
    let folder = try Self.write(Self.model([[1]], bias: [0], .sigmoid), x: [[2]])
    let finished = try Tool.run("fixednet", options, in: folder)
    Tool.expectRefusal(finished, fragment, exitCode: exitCode)
    #expect(finished.errors.hasPrefix("fixednet"))
    #expect(finished.output.isEmpty)
  }

  @Test("one program has every tool, and its help fits into 80 columns")
  func program() throws {
    let folder = try Fixtures.temporaryFolder()
    let help = try Tool.run("fixednet", "--help", in: folder, environment: ["COLUMNS": "80"])
    #expect(help.exitCode == 0)
    for name in ["train", "eval", "predict", "plan", "study", "bench"] {
      #expect(help.output.contains("\n  \(name) "), "\(name)")
      let own = try Tool.run("fixednet", "\(name) --help", in: folder)
      #expect(own.output.contains("USAGE: fixednet \(name)"))
      #expect(own.output.split(separator: "\n").allSatisfy { $0.count <= 80 })
    }
    #expect(help.output.split(separator: "\n").allSatisfy { $0.count <= 80 })
    let version = try Tool.run("fixednet", "--version", in: folder)
    #expect(version.output == "\(FixedNetVersion.current)\n")
  }

  @Test("plan writes the JSON of a built-in model, which train then reads")
  func modelJSON() throws {
    let folder = try Fixtures.temporaryFolder()
    let planned = try Tool.run(
      "fixednet", "plan mlp:6 --features 4 --classes 3 --model-json m.json", in: folder)
    #expect(planned.output.hasPrefix("wrote m.json\n"), "\(planned.errors)")
    let text = try String(contentsOf: URL(filePath: "\(folder)/m.json"), encoding: .utf8)
    let model = try Model(json: JSONValue(parsing: text))
    #expect(model.input == .vector(4))
    #expect(try model.parameterCount() == 4 * 6 + 6 + 6 * 3 + 3)
    for (options, fragment) in [
      ("plan m.json --classes 2", "are for built-in models"),
      ("plan mlp:6 --model-json m.txt", "--model-json must name a .json file"),
      ("plan mlp:6 --features 3 --image 2x2", "exclude each other"),
    ] {
      let finished = try Tool.run("fixednet", options, in: folder)
      #expect(finished.exitCode != 0)
      #expect(finished.errors.contains(fragment), "\(finished.errors)")
    }
  }
}
