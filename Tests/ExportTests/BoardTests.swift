import FixedNet
import Foundation
import TestSupport
import Testing

@testable import FixedNetExport

/// A microcontroller as QEMU emulates it, and what compiles a library for it.
struct Board: Sendable, CustomStringConvertible {
  var name: String
  var compiler: String

  var description: String { "\(name), \(compiler)" }

  static let m4 = Board(name: "m4", compiler: "gcc")

  static let compilers = Compilation.compilers

  /// make, an emulator and a compiler are there: `make boards` installs them.
  static let isPossible = ["make", "qemu-system-arm", "arm-none-eabi-gcc"].allSatisfy {
    (try? Compilation.path(of: $0)) != nil
  }

  /// `make boards` asks for the whole of it.
  static let isWhole = ProcessInfo.processInfo.environment["FIXEDNET_BOARDS"] != nil

  /// Those with the processor's fma, which can count subnormal numbers as zero.
  static let fast: [Board] =
    isWhole
    ? ["m4", "m55"].flatMap { name in
      compilers.map { Board(name: name, compiler: $0) }
    } + [Board(name: "m7", compiler: "gcc")] : [m4]

  /// Runs the test of a library and measures it; returns what was printed, and the numbers behind colons.
  func run(_ trial: LibraryTrial, more: [String] = []) throws -> (text: String, [String: Int]) {
    let folder = try Fixtures.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try trial.write(to: folder)
    let makefile = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../Tools/export/boards/Makefile").standardized.path
    let trains = trial.training == nil ? [] : ["TRAINS=1"]
    let run = try Finished(
      Compilation.path(of: "make"),
      ["-s", "-f", makefile, "FOLDER=.", "BOARD=\(name)", "COMPILER=\(compiler)"] + trains + more,
      in: folder)
    var numbers: [String: Int] = [:]
    for line in (run.output + run.errors).split(separator: "\n") {
      let parts = line.split(separator: ":")
      if parts.count == 2, let number = Int(parts[1].drop { $0 == " " }) {
        numbers[String(parts[0])] = number
      }
    }
    #expect(run.exitCode == 0, "\(self): \(run.output) \(run.errors)")
    return (run.output + run.errors, numbers)
  }
}

@Suite("Boards", .enabled(if: Board.isPossible), .serialized)
struct BoardTests {
  /// Two hidden layers, and a softmax.
  private static let mlp = Model(
    name: "mlp", input: .vector(400),
    layers: [
      Dense(name: "hidden1", units: 40, activation: .relu),
      Dense(name: "hidden2", units: 20, activation: .tanh),
      Dense(name: "out", units: 10, activation: .softmax),
    ])

  /// `rounds` over `samples` of a network of layers that are trained.
  private static func trial(_ model: Model, samples count: Int, rounds: Int) throws -> LibraryTrial
  {
    let samples = try ExpectedRun.drawnSamples(for: model, loss: .crossEntropy, count: count)
    return LibraryTrial(
      model: model, weights: try model.initialWeights(seed: 5),
      training: ExportOptions.Training(), samples: samples, rate: 0.05, rounds: rounds)
  }

  @Test("LeNet and an MLP have the host's bits after 1,000 steps", arguments: Board.fast)
  func hosts(_ board: Board) throws {
    let (samples, rounds) = Board.isWhole ? (20, 50) : (5, 2)
    for model in [BuiltInModel.lenetPlain.model(), Self.mlp] {
      let trial = try Self.trial(model, samples: samples, rounds: rounds)
      let (text, _) = try board.run(trial)
      let said = "net: \(samples) samples and \(samples * rounds) steps with the host's bits\n"
      #expect(text.contains(said), "\(board): \(text)")
    }
  }

  @Test("ds-cnn has the host's bits after 20 steps", .enabled(if: Board.isWhole))
  func depthwise() throws {
    let model = BuiltInModel.dsCNN.model().withoutBatchStatistics
    var trial = try Self.trial(model, samples: 5, rounds: 4)
    trial.training?.recomputes = true
    #expect(try trial.library().ramByteCount <= 256 * 1024)
    for board in Board.fast {
      let (text, _) = try board.run(trial)
      let said = "5 samples and 20 steps with the host's bits"
      #expect(text.contains(said), "\(board): \(text)")
    }
  }

  /// Dense layers so sure of their answers that probabilities and gradients are below the smallest normal number.
  static func saturated() throws -> LibraryTrial {
    let trial = try Self.trial(mlp, samples: 20, rounds: 10)
    let sure = trial.weights.map { layer in
      var layer = layer
      layer.tensors = layer.tensors.map {
        Tensor(shape: $0.shape, values: $0.values.map { 25 * $0 })
      }
      return layer
    }
    return LibraryTrial(
      model: mlp, weights: sure, training: trial.training, samples: trial.samples, rate: 0.5,
      rounds: trial.rounds)
  }

  @Test("so does a network that is saturated, whether subnormal numbers count as zero or stay")
  func saturation() throws {
    var trial = try Self.saturated()
    var expected: Set<[Float]> = []
    for subnormals in Subnormals.allCases {
      trial.subnormals = subnormals
      try trial.check(
        ["-O2", "-O3 -DNET_FMA=3"].map {
          Compilation(compiler: "gcc", flags: $0.split(separator: " ").map(String.init))
        }, subnormals.rawValue)
      let run = try trial.expected(trial.library())
      expected.insert(run.outputs + run.losses + run.outputsAfter)
      let slow = subnormals == .keep && Board.isWhole ? [Board(name: "m3", compiler: "gcc")] : []
      for board in Board.fast + slow {
        let (text, _) = try board.run(trial)
        let said = "20 samples and 200 steps with the host's bits"
        #expect(text.contains(said), "\(board), \(subnormals): \(text)")
      }
    }
    // There are some.
    #expect(expected.count == 2)
  }

  @Test("a Cortex-M3, without fma, keeps subnormal numbers", .enabled(if: Board.isWhole))
  func integers() throws {
    for compiler in Board.compilers {
      var trial = try Self.trial(BuiltInModel.lenetPlain.model(), samples: 5, rounds: 2)
      trial.subnormals = .keep
      let (text, _) = try Board(name: "m3", compiler: compiler).run(trial)
      #expect(text.contains("5 samples and 10 steps with the host's bits"), "\(text)")
    }
  }

  /// What 16 KiB of memory and 256 KiB of flash have room for: a convolution and a dense layer.
  private static let tiny = Model(
    name: "tiny", input: .image(height: 10, width: 10, channels: 1),
    layers: [
      Conv2D(name: "conv", filters: 4, kernelSize: (3, 3), activation: .relu),
      MaxPooling2D(name: "pool", poolSize: (2, 2)), Flatten(name: "flatten"),
      Dense(name: "dense", units: 12, activation: .tanh),
      Dense(name: "out", units: 5, activation: .softmax),
    ])

  @Test("a Cortex-M0 with 16 KiB of memory trains")
  func smallest() throws {
    for compiler in Board.isWhole ? Board.compilers : ["gcc"] {
      var trial = try Self.trial(Self.tiny, samples: 5, rounds: 2)
      trial.subnormals = .keep
      let (text, numbers) = try Board(name: "m0", compiler: compiler).run(trial)
      #expect(text.contains("5 samples and 10 steps with the host's bits"), "\(text)")
      #expect(try trial.library().ramByteCount < 14 << 10)
      #expect(try #require(numbers["stack of a step"]) < 1024, "\(text)")
    }
  }

  @Test("a library that counts subnormal numbers as zero is refused by a processor that cannot")
  func otherProcessor() throws {
    let folder = try Fixtures.temporaryFolder()
    try Self.trial(Self.tiny, samples: 1, rounds: 1).write(to: folder)
    let result = try Finished(
      Compilation.path(of: "arm-none-eabi-gcc"), ["-mcpu=cortex-m3", "-c", "net.c"], in: folder)
    #expect(result.exitCode != 0)
    #expect(result.errors.contains("write the library with --subnormals keep"), "\(result.errors)")
  }

  @Test("a library with other bits is told by its test on the board")
  func fault() throws {
    var trial = try ExportTests.lenet(ExportOptions.Training())
    trial.rate = 0.25
    let folder = try Fixtures.temporaryFolder()
    try trial.write(to: folder)
    trial.rate = 0.05
    // The test of another run.
    let expected = try String(contentsOfFile: "\(folder)/net_test.c", encoding: .utf8)
    let other = expected.replacingOccurrences(of: "0.25f);", with: "0.05f);")
    #expect(other != expected)
    try other.write(toFile: "\(folder)/net_test.c", atomically: false, encoding: .utf8)
    let makefile = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../Tools/export/boards/Makefile").standardized.path
    let run = try Finished(
      Compilation.path(of: "make"), ["-s", "-f", makefile, "FOLDER=.", "BOARD=m4", "TRAINS=1"],
      in: folder)
    #expect(run.exitCode != 0)
    let text = run.output + run.errors
    #expect(text.contains("net: loss of step 1, value 0: expected 0x"), "\(text)")
    #expect(text.contains("net: the weights have another hash than the host's\n"))
  }

  // MARK: - What export prints

  @Test("code, memory and stack are what is printed; the stack, measured by painting, is no more")
  func sizes() throws {
    let compiler = try Compilation.path(of: DeviceCode.compilerName)
    for training in [nil, ExportOptions.Training(), ExportOptions.Training(.adam(), batch: 2)] {
      let trial = try ExportTests.lenet(training, count: 4)
      let library = try trial.library()
      let code = try DeviceCode(library, compiler: compiler)
      #expect(code.ram == library.ramByteCount)
      #expect(abs(code.constants - library.constantByteCount) < 1024)
      #expect(code.mostStack <= 1024 && code.runCode < code.allCode)
      #expect((code.stepStack == nil) == (training == nil))
      try checkLinked(library, code, compiler)
      guard training?.batch != 2 else { continue }
      #expect(code.runCode <= (training == nil ? 6 : 16) * 1024)
      let (_, numbers) = try Board.m4.run(trial)
      // With memcpy and memset.
      let linked = try #require(numbers["bytes of code"])
      #expect((code.runCode...code.runCode + 700).contains(linked), "\(linked) \(code)")
      #expect(linked <= (training == nil ? 6 : 16) * 1024)
      for (name, printed) in [
        ("prediction", code.predictStack), ("step", code.stepStack ?? 0),
      ] where printed > 0 {
        let measured = try #require(numbers["stack of a \(name)"])
        #expect((measured...measured + 128).contains(printed), "\(name): \(measured) \(code)")
      }
    }
  }

  /// The whole library, linked without anything else.
  private func checkLinked(_ library: CLibrary, _ code: DeviceCode, _ compiler: String) throws {
    let folder = try Fixtures.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    for file in library.files {
      try file.text.write(toFile: "\(folder)/\(file.name)", atomically: false, encoding: .utf8)
    }
    let linked = try Finished(
      compiler,
      DeviceCode.flags + [
        "-nostdlib", "-Wl,-e,net_predict", "-Wl,--unresolved-symbols=ignore-all",
        "-Wl,--no-warn-rwx-segments", "net.c", "-o", "net.elf",
      ], in: folder)
    #expect(linked.exitCode == 0, "\(linked.errors)")
    let size = try Finished(
      Compilation.path(of: "arm-none-eabi-size"), ["-A", "net.elf"], in: folder)
    let sizes = SectionSizes(size.output)
    #expect((code.ram...code.ram + 16).contains(sizes.ram))
    // Each function and each constant begins at a multiple of 4 at most.
    #expect((code.allCode...code.allCode + 300).contains(sizes.code))
    #expect((code.constants...code.constants + 300).contains(sizes.constants))
  }

  @Test("the deepest chain of calls")
  func callGraph() throws {
    func node(_ name: String, _ bytes: String) -> String {
      "node: { title: \"net.c:\(name)\" label: \"\(name)\\nnet.c:1:13\\n\(bytes)\" }\n"
    }
    func edge(_ from: String, _ to: String) -> String {
      "edge: { sourcename: \"net.c:\(from)\" targetname: \"\(to)\" label: \"net.c:1:1\" }\n"
    }
    let text =
      "graph: { title: \"net.c\"\n" + node("a", "8 bytes (static)") + node("b", "16 bytes (static)")
      + node("c.part.0", "100 bytes (static)") + edge("a", "net.c:b") + edge("b", "memcpy")
      + edge("a", "net.c:c.part.0") + "node: { title: \"memcpy\" label: \"memcpy\" }\n"
    let graph = try #require(CallGraph(text))
    #expect(graph.depth(of: "a") == 108 && graph.depth(of: "b") == 16 + CallGraph.foreignStack)
    #expect(graph.depth(of: "memcpy") == nil)
    #expect(graph.reached(from: ["b"]) == ["b"])
    #expect(graph.reached(from: ["a"]) == ["a", "b", "c.part.0"])
    let circle = try #require(CallGraph(text + edge("c.part.0", "net.c:a")))
    #expect(circle.depth(of: "a") == nil && circle.depth(of: "b") == 16 + CallGraph.foreignStack)
    let asked = try #require(CallGraph(text + edge("c.part.0", "__indirect_call")))
    #expect(asked.depth(of: "a") == 108)
    #expect(CallGraph(text + node("d", "8 bytes (dynamic)")) == nil)
    #expect(CallGraph("") == nil)
  }
}
