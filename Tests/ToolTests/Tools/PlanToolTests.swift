import FixedNet
import Foundation
import TestSupport
import Testing

#if canImport(FoundationXML)
  import FoundationXML
#endif

@Suite("plan")
struct PlanToolTests {
  @Test("the JSON is the plan, under stable keys")
  func json() throws {
    let finished = try run("plan", "lenet-plain", "--threads", "2", "--json")
    #expect(finished.exitCode == 0, "\(finished.errors)")
    let json = try JSONValue(parsing: finished.output)
    let memory = try NetworkPlan(
      BuiltInModel.lenetPlain.model(),
      options: PlanOptions(batch: 128, isTraining: true, threads: 2)
    ).memory
    #expect(
      keys(json) == [
        "batch", "blockSize", "leastBytes", "loadsInputAgain", "loss", "lossFunction",
        "lowerBoundBytes", "model",
        "optimizer",
        "recomputationSavedBytes", "recomputed",
        "recomputedMultiplyAdds", "regions", "schedule", "slots", "steps", "subnormals",
        "threads", "totalBytes",
        "training", "updatesInBackward",
      ])
    #expect(json["updatesInBackward"] == false && json["recomputed"] == .array([]))
    #expect(json["totalBytes"] == .integer(memory.byteCount))
    #expect(json["lowerBoundBytes"] == .integer(memory.lowerBound))
    #expect(json["batch"] == 128 && json["blockSize"] == 16 && json["threads"] == 2)
    #expect(json["training"] == true && json["optimizer"] == "sgd")
    #expect(json["subnormals"] == "flush")
    #expect(json["loss"] == "sparse_categorical_crossentropy")
    #expect(json["steps"] == .array(memory.steps.map { .string($0) }))
    guard case .array(let slots)? = json["slots"] else { throw Missing() }
    #expect(slots.count == memory.slots.count)
    for (found, slot) in zip(slots, memory.slotsByOffset) {
      #expect(found["name"] == .string(slot.name))
      #expect(found["offset"] == .integer(memory.arenaOffset(of: slot)))
      #expect(found["bytes"] == .integer(slot.byteCount))
      #expect(found["copies"] == .integer(memory.copies(of: slot)))
      #expect(found["firstStep"] == .integer(slot.firstStep))
      #expect(found["lastStep"] == .integer(slot.lastStep))
    }
    for region in Region.allCases {
      #expect(json["regions"]?[region.rawValue] == .integer(memory.byteCount(of: region)))
    }
  }

  @Test(
    "an optimiser has its values for each of the parameters",
    arguments: [
      (["sgd"], 0), (["momentum"], 1), (["nesterov"], 1), (["rmsprop"], 1),
      (["rmsprop-legacy"], 1), (["rmsprop", "--momentum", "0.5"], 2),
      (["adam", "--clip-norm", "1"], 2), (["adamw", "--weight-decay", "0.1"], 2),
      (["nadam"], 2), (["adagrad"], 1), (["sgd", "--weight-decay", "0.1"], 0),
    ])
  func optimizers(_ words: [String], _ valueCount: Int) throws {
    let finished = try run("plan", ["lenet", "--json", "--optimizer"] + words)
    let json = try JSONValue(parsing: finished.output)
    let bytes = (json["slots"]?.array ?? []).filter { $0["region"] == "optimizer" }
      .reduce(0) { $0 + ($1["bytes"]?.double ?? .nan) }
    // LeNet-5 with BN has 44,880 parameters.
    #expect(bytes == Double(4 * 44_880 * valueCount))
    #expect(json["optimizer"] == .string(words[0]))
  }

  @Test("every built-in model is planned", arguments: BuiltInModel.allCases)
  func models(_ model: BuiltInModel) throws {
    let finished = try run(
      "plan", model.rawValue, "--threads", "2", "--optimizer", "adam", "--json")
    #expect(finished.exitCode == 0, "\(finished.errors)")
    let bytes = try JSONValue(parsing: finished.output)["totalBytes"]?.double ?? 0
    #expect(bytes >= Double(16 * (try model.model().parameterCount())))
  }

  @Test("a model whose end suits no loss is planned for the one that is given")
  func loss() throws {
    let folder = try Fixtures.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let path = "\(folder)/line.json"
    try SmallData.write([Dense(name: "line", units: 1)], to: path)
    let refused = try run("plan", path)
    #expect(refused.exitCode == 1 && refused.errors.contains("say which loss"))
    let finished = try run("plan", path, "--loss", "mse", "--json")
    #expect(try JSONValue(parsing: finished.output)["loss"] == "mean_squared_error")
    #expect(try run("plan", path, "--inference").exitCode == 0)
  }

  @Test("the text is print(plan) below a line that says what was planned")
  func text() throws {
    let finished = try run("plan", "lenet", "--batch", "64", "--threads", "3")
    let memory = try NetworkPlan(
      BuiltInModel.lenet.model(), options: PlanOptions(batch: 64, isTraining: true, threads: 3)
    ).memory
    let lines = finished.output.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(
      lines.first
        == "lenet: training (sgd), batch 64 in blocks of 16 images, 3 threads, 44,880 parameters")
    #expect(finished.output.hasSuffix("\n\n\(memory)\n"))
    for slot in memory.slots { #expect(finished.output.contains("  \(slot.name)  ")) }
    #expect(lines.allSatisfy { $0.count <= 120 })
  }

  @Test("a Keras JSON file plans like the model that wrote it, for inference too")
  func file() throws {
    let folder = try Fixtures.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let path = "\(folder)/a model.json"
    let model = BuiltInModel.mlp.model()
    try model.json.text.write(toFile: path, atomically: true, encoding: .utf8)
    let finished = try run("plan", path, "--inference", "--batch", "1", "--threads", "1", "--json")
    let json = try JSONValue(parsing: finished.output)
    let plan = try NetworkPlan(model, options: PlanOptions(batch: 1, isTraining: false))
    #expect(json["totalBytes"] == .integer(plan.memory.byteCount))
    #expect(json["training"] == false && json["optimizer"] == .null)
  }

  @Test("the figure is well-formed XML that names the slots, whatever the layers are called")
  func figure() throws {
    let folder = try Fixtures.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let model = Model(
      name: "odd", input: .vector(4),
      layers: [Dense(name: "<b>\"&'", units: 3, activation: .softmax)])
    try model.json.text.write(toFile: "\(folder)/odd.json", atomically: true, encoding: .utf8)
    let path = "\(folder)/plan.svg"
    let finished = try run("plan", "\(folder)/odd.json", "--svg", path)
    #expect(finished.exitCode == 0, "\(finished.errors)")
    let data = try #require(FileManager.default.contents(atPath: path))
    #expect(XMLParser(data: data).parse())
    #expect(String(decoding: data, as: UTF8.self).contains("&lt;b&gt;&quot;&amp;'"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == 2)
  }

  @Test(
    "wrong use is one line and exit code 64",
    arguments: [
      ["lenet", "--batch", "0"], ["lenet", "--batch=-5"], ["lenet", "--batch", "-5"],
      ["lenet", "--batch", "1000000000000"], ["lenet", "--batch", "99999999999999999999"],
      ["lenet", "--threads", "0"], ["lenet", "--threads", "10000"],
      ["lenet", "--optimizer", "none"], ["lenet", "--momentum", "0.5"],
      ["lenet", "--loss", "none"], ["lenet", "--svg", ""], ["lenet", "--svg", "plan.png"], [],
      ["lenet", "mlp"], ["lenet", "--inference", "--optimizer", "adam"],
      ["lenet", "--inference", "--clip-norm", "1"],
      ["lenet", "--inference", "--optimizer", "lbfgs"],
    ])
  func usage(arguments: [String]) throws {
    let finished = try run("plan", arguments)
    #expect(finished.exitCode == 64)
    #expect(finished.output.isEmpty)
    #expect(finished.errors.hasPrefix("plan: ") && isOneLine(finished.errors))
  }

  @Test("a model that is not there is one line that says what would be, and exit code 1")
  func unknownModel() throws {
    let finished = try run("plan", "resnet")
    #expect(finished.exitCode == 1)
    #expect(isOneLine(finished.errors))
    for word in ["'resnet'", "lenet-plain", ".json", ".h5"] {
      #expect(finished.errors.contains(word))
    }
    for path in ["missing.json", "missing.h5"] {
      let finished = try run("plan", path)
      #expect(finished.exitCode == 1 && isOneLine(finished.errors))
      #expect(finished.errors.contains(path))
    }
    let folder = try Fixtures.temporaryFolder() + "/model.json"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let isFolder = try run("plan", folder)
    #expect(isFolder.exitCode == 1 && isOneLine(isFolder.errors))
    #expect(isFolder.errors.contains("is a folder; name a model's JSON file"))
  }

  @Test("a figure that cannot be written is one line, exit code 1, and nothing printed")
  func unwritable() throws {
    let folder = try Fixtures.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try FileManager.default.createDirectory(
      atPath: "\(folder)/folder.svg", withIntermediateDirectories: false)
    for path in ["\(folder)/missing/plan.svg", "\(folder)/folder.svg"] {
      let finished = try run("plan", "lenet", "--svg", path)
      #expect(finished.exitCode == 1)
      #expect(finished.output.isEmpty)
      #expect(isOneLine(finished.errors) && finished.errors.contains(path))
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["folder.svg"])
  }
}

// MARK: - Helpers

private struct Missing: Error {}

private func run(_ tool: String, _ arguments: String...) throws -> Finished {
  try run(tool, arguments)
}

private func run(_ tool: String, _ arguments: [String]) throws -> Finished {
  try Finished("\(Tool.folder)/\(tool)", arguments)
}

private func keys(_ json: JSONValue) -> [String] {
  if case .object(let members) = json { members.keys.sorted() } else { [] }
}

private func isOneLine(_ text: String) -> Bool {
  text.hasSuffix("\n") && text.filter(\.isNewline).count == 1
}

private func isPositive(_ value: JSONValue?) -> Bool {
  switch value {
  case .number(let number)?: number > 0 && number.isFinite
  case .integer(let number)?: number > 0
  default: false
  }
}
