import FixedNet
import Foundation
import TestSupport
import Testing

@Suite("bench")
struct BenchToolTests {
  @Test("a quick run measures everything, and counts the multiply-adds of LeNet-5")
  func quick() throws {
    let finished = try bench(
      "--quick", "--json", "--models", "lenet-plain", "--threads", "1", "--rounds", "1")
    #expect(finished.exitCode == 0, "\(finished.errors)")
    let json = try JSONValue(parsing: finished.output)
    #expect(
      Set(members(json).keys) == [
        "gradients", "inference", "kernels", "lanes", "machine", "peak", "rounds", "training",
      ])
    let training = list(json["training"])
    #expect(training.map { $0["batch"] } == [64, 128])
    // 2 x (3 x 281,640 multiply-adds, less the 86,400 of conv1's input gradient).
    for item in training { #expect(item["flopsPerImage"] == 1_517_040) }
    for item in training { #expect(isPositive(item["gflops"]) && isPositive(item["arenaBytes"])) }
    let inference = list(json["inference"])
    #expect(inference.map { $0["batch"] } == [1, 16, 128, 128])
    for item in inference { #expect(isPositive(item["callSecondsMin"])) }
    #expect(list(json["gradients"]).count == 1 && list(json["lanes"]).count == 1)
    for item in list(json["gradients"]) + list(json["lanes"]) {
      #expect(isPositive(item["gflops"]) && isPositive(item["arenaBytes"]))
      #expect(item["speedup"] == 1 || item["speedup"] == .number(1))
    }
    let kernels = list(json["kernels"])
    for item in kernels { #expect(isPositive(item["gigabytesPerSecond"])) }
    let names = kernels.map { item in
      if case .string(let name)? = item["kernel"] { name } else { "" }
    }
    #expect(Set(names).count == names.count)
    for name in [
      "lenet-plain conv2 dX", "cnn conv2 forward", "dense 100 to 37 dW", "max pooling backward",
      "dropout", "adam", "logistic loss, 10 outputs", "batch norm statistics", "lanes backward",
    ] {
      #expect(names.contains(name))
    }
  }

  @Test("any model is measured, on samples of its own shape")
  func anyModel() throws {
    let finished = try bench(
      "--quick", "--json", "--models", "mlp:8,4,softmax", "--features", "9", "--classes", "5",
      "--batch", "32", "--threads", "1", "--rounds", "1")
    #expect(finished.exitCode == 0, "\(finished.errors)")
    let training = list(try JSONValue(parsing: finished.output)["training"])
    #expect(training.map { $0["model"] } == ["mlp:8,4", "softmax"])
    // 9 x 8 twice, 8 x 4 and 4 x 5 three times; 9 x 5 twice; two operations each.
    #expect(training.map { $0["flopsPerImage"] } == [600, 180])
    Tool.expectRefusal(try bench("--models", "nope"), "no built-in model is called 'nope'")
    Tool.expectRefusal(
      try bench("--models", "\(Fixtures.root)/Models/lenet.h5", "--classes", "3"),
      "--image, --features and --classes are for built-in models")
  }

  @Test("a quick run for people names every part")
  func text() throws {
    let finished = try bench("--quick", "--models", "lenet-plain", "--threads", "2")
    #expect(finished.exitCode == 0, "\(finished.errors)")
    for part in [
      "multiply-add peak", "speed-up", "arena bytes", "gradient of 400-20-20-10",
      "epoch of 64 ReLU networks", "inference", "lanes forward",
    ] {
      #expect(finished.output.contains(part), "\(part)")
    }
  }

  @Test("a profile says where the time of every work goes, and all of it")
  func profile() throws {
    let finished = try bench(
      "--profile", "--quick", "--json", "--models", "lenet,deep-mlp", "--threads", "2", "--batch",
      "64")
    #expect(finished.exitCode == 0, "\(finished.errors)")
    let works = list(try JSONValue(parsing: finished.output)["profiles"])
    #expect(
      works.map { $0["work"] } == [
        "training lenet", "inference of lenet", "inference of lenet", "inference of lenet",
        "training deep-mlp", "inference of deep-mlp", "inference of deep-mlp",
        "inference of deep-mlp", "gradient of 400-20-20-10",
      ])
    for work in works {
      let layers = list(work["layers"])
      let seconds = number(work["seconds"]) * number(work["threads"])
      let parts = layers.map { layer in
        ["forwardSeconds", "backwardSeconds", "updateSeconds"].reduce(0) { $0 + number(layer[$1]) }
      }
      // The rest is what is missing, of one thread and many images not much.
      #expect(abs(parts.reduce(number(work["restSeconds"]), +) / seconds - 1) < 0.01)
      if work["threads"] == 1, work["batch"] != 1 {
        #expect(number(work["restSeconds"]) < 0.5 * seconds)
      }
      let waiting = number(work["waitingForAllSeconds"]) + number(work["waitingForBlockSeconds"])
      #expect(waiting <= number(work["restSeconds"]) * 1.01 + 1e-6)
      // Four blocks: two threads have two each, and meet.
      #expect(number(work["waitingForBlockSeconds"]) == 0 || work["batch"] == 1)
      if work["threads"] == 2, work["work"] == "training lenet" {
        #expect(number(work["waitingForAllSeconds"]) > 0)
      }
      for (layer, part) in zip(layers, parts) where number(layer["flops"]) > 0 {
        #expect(part > 0, "\(layer)")
      }
      #expect(number(work["peakPerThread"]) > 0)
    }
    // 2 x (3 x 281,640 multiply-adds, less the 86,400 of conv1's input gradient), 64 images.
    let flops = list(works[0]["layers"]).reduce(0) { $0 + number($1["flops"]) }
    #expect(abs(flops - 64 * 1_517_040) < 1e-3)
    #expect(list(works[0]["layers"]).map { $0["layer"] }.prefix(3) == ["(input)", "bn0", "conv1"])
  }

  @Test("a profile for people")
  func profileText() throws {
    let finished = try bench("--profile", "--quick", "--models", "lenet-plain", "--threads", "1")
    #expect(finished.exitCode == 0, "\(finished.errors)")
    for part in ["training lenet-plain, batch 64: ", "conv2", "(loss)", "% of time"] {
      #expect(finished.output.contains(part), "\(part)")
    }
  }

  @Test(
    "wrong use is one line and exit code 64",
    arguments: [
      ["--peers", "--profile"], ["--works", "cnn"], ["--peers", "--models", "cnn"],
      ["--peers", "--batch", "64"], ["--models", ""], ["--batch", "0"], ["--threads", "0"],
      ["--rounds", "0"], ["--features", "3", "--image", "2x2"], ["--peers", "--classes", "3"],
    ])
  func usage(arguments: [String]) throws {
    let finished = try Finished("\(Tool.folder)/bench", arguments)
    #expect(finished.exitCode == 64)
    #expect(finished.errors.hasPrefix("bench: ") && isOneLine(finished.errors))
  }

  // MARK: - Peers

  @Test("no Python is one line that says how to get one")
  func noPython() throws {
    let finished = try bench("--peers", "--python", "/nowhere/python")
    #expect(finished.exitCode == 1 && finished.output.isEmpty)
    #expect(finished.errors.hasPrefix("bench: ") && isOneLine(finished.errors))
    #expect(finished.errors.contains("/nowhere/python") && finished.errors.contains("make peers"))
  }

  @Test("a Python without any of the libraries, and one that says nothing, name every peer")
  func noPeers() throws {
    for script in [#"echo '{"missing": "No module named it"}'"#, "exit 3"] {
      let finished = try bench("--peers", python: script)
      #expect(finished.exitCode == 1 && finished.output.isEmpty)
      let last = finished.errors.split(separator: "\n").last ?? ""
      for name in ["PyTorch", "torch.compile", "Keras/TensorFlow", "JAX", "ONNX Runtime", "LiteRT"]
      {
        #expect(last.contains(name))
      }
    }
  }

  @Test("a peer that computes something else is left out, and said so; the others count")
  func otherWork() throws {
    // Answers as worker.py does: one peer finds what it should (for any work, no results to compare), the others train
    // another number of weights or end.
    let script = #"""
      peer=$3  # after the script and the folder
      case $peer in jax|keras|litert) echo '{"missing": "not here"}'; exit;; esac
      echo '{"versions": {"'$peer'": "1.0"}}'
      while read command work; do
        case $command in
          prepare)
            [ $peer = onnxruntime ] && exit 5
            count=9
            [ $peer = torch ] && count=44426
            echo '{"best": "fake", "variants": {}, "checks": [[]], "parameters": '$count'}' ;;
          measure) echo '{"seconds": 2.0}' ;;
          *) echo '{}' ;;
        esac
      done
      """#
    let finished = try bench(
      "--peers", "--quick", "--json", "--rounds", "1", "--works", "lenet-plain-64",
      python: script)
    #expect(finished.exitCode == 0, "\(finished.errors)")
    let json = try JSONValue(parsing: finished.output)
    #expect(list(json["missing"]).count == 3)
    let works = list(json["works"])
    #expect(works.count == 1)
    let work = try #require(works.first)
    #expect(work["work"] == "lenet-plain-64" && work["parameters"] == 44_426)
    #expect(list(work["peers"]).map { $0["peer"] } == ["torch"])
    #expect(isPositive(work["ratio"]))
    let notes = list(work["leftOut"]).map(\.summaryText)
    #expect(notes.count == 2)
    #expect(notes.contains { $0.contains("torch.compile") && $0.contains("9 parameters") })
    #expect(notes.contains { $0.contains("ONNX Runtime") && $0.contains("ended early") })
  }

  @Test("tables of peers fit a terminal, and name every network of the field twice")
  func peerTables() throws {
    let script = #"""
      echo '{"versions": {"'$3'": "1.0"}}'
      while read command work; do
        case $command in
          prepare) echo '{"unsupported": true}' ;;
          *) echo '{}' ;;
        esac
      done
      """#
    let finished = try bench(
      "--peers", "--quick", "--rounds", "1", "--works",
      "ds-cnn,resnet8,mobilenet-025,autoencoder,streaming-wakeword", python: script)
    #expect(finished.exitCode == 0, "\(finished.errors)")
    let lines = finished.output.split(separator: "\n")
    #expect(lines.allSatisfy { $0.count <= 80 }, "\(finished.output)")
    for model in BuiltInModel.allCases.suffix(6) {
      let rows = lines.filter { $0.hasPrefix("\(model.rawValue), ") }
      #expect(rows.count == 2 && rows.last?.contains(", 1, 1 ") == true, "\(finished.output)")
    }
  }

  /// Runs bench; `python`: a shell script that stands for --python.
  private func bench(_ arguments: String..., python: String? = nil) throws -> Finished {
    guard let python else { return try Finished("\(Tool.folder)/bench", arguments) }
    let folder = try Fixtures.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let path = "\(folder)/python"
    try Executable.write("#!/bin/sh\n\(python)\n", to: path)
    return try Finished("\(Tool.folder)/bench", arguments + ["--python", path])
  }
}

// MARK: - Helpers

private func members(_ json: JSONValue) -> [String: JSONValue] {
  if case .object(let members) = json { members } else { [:] }
}

private func list(_ json: JSONValue?) -> [JSONValue] {
  if case .array(let values)? = json { values } else { [] }
}

private func isOneLine(_ text: String) -> Bool {
  text.hasSuffix("\n") && text.filter(\.isNewline).count == 1
}

private func number(_ value: JSONValue?) -> Double {
  switch value {
  case .number(let number)?: number
  case .integer(let number)?: Double(number)
  default: .nan
  }
}

private func isPositive(_ value: JSONValue?) -> Bool {
  number(value) > 0 && number(value).isFinite
}

extension JSONValue {
  fileprivate var summaryText: String { if case .string(let text) = self { text } else { "" } }
}
