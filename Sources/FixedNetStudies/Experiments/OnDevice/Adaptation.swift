import FixedNet
import FixedNetCore
import FixedNetExport

/// A trained network that goes on learning from changed digits, one by one: on the host's engine, and as a C library on a
/// device.
struct Adaptation {
  /// Which layers learn.
  enum Learning: String, CaseIterable {
    case last = "last layer"
    case all = "all layers"

    /// The learning rate of SGD.
    var rate: Float { self == .last ? 0.02 : 0.01 }
  }

  var learning: Learning
  var change: ChangedDigits
  var seed: UInt64
  /// The trained network's.
  var weights: [LayerWeights]
  /// Labelled bytes, and after how many of them to look.
  var stream: ImageSet
  var points: [Int]
  /// What is tested: changed as the stream is, and unchanged.
  var changed: ImageSet
  var plain: ImageSet

  var name: String { "\(learning.rawValue), \(change.rawValue), seed \(seed)" }

  /// LeNet-5 whose last layer alone, or all of it, is trained.
  static func model(_ learning: Learning) -> Model {
    var model = BuiltInModel.lenetPlain.model()
    if learning == .last { model.frozenLayers = ["conv1", "conv2", "dense1", "dense2"] }
    return model
  }

  static func library(_ learning: Learning, _ weights: [LayerWeights]) throws -> CLibrary {
    try CLibrary(
      model(learning), weights: weights,
      options: ExportOptions(name: "net", training: ExportOptions.Training()))
  }

  /// Both runs, of which the device's is left out where there is none.
  /// Throws: `StudyError`.
  func run(_ context: StudyContext) throws -> AdaptationResult {
    do {
      var result = AdaptationResult(points: try onHost(context))
      guard let bench = context.options.bench else { return result }
      let library = try Adaptation.library(learning, weights)
      let files = library.files.filter { ["net.h", "net.c"].contains($0.name) }
      let output = try bench.run(
        files.map { ($0.name, $0.text) }, stream: streamBytes, rate: learning.rate, context)
      guard output.points.map(\.images) == points else {
        throw StudyError.failed("\(bench.name): its self-test fails, or it stopped before the end")
      }
      result.device = AdaptationResult.Device(
        answers: output.points.map(\.right), hashes: output.points.map(\.sha256),
        numbers: bench.place == .board ? output.numbers : [:])
      return result
    } catch let error as StudyError {
      throw error
    } catch {
      throw StudyError.failed("'\(name)': \(error)")
    }
  }

  /// The engine's steps, and how well its weights do at the points.
  private func onHost(_ context: StudyContext) throws -> [AdaptationResult.Point] {
    let model = Adaptation.model(learning)
    let network = try Network(
      NetworkPlan(
        model, options: PlanOptions(batch: 1, isTraining: true, threads: 1, blockSize: 1)),
      instructionSet: .selected())
    try network.load(weights)
    let tester = try Network(
      NetworkPlan(
        model,
        options: PlanOptions(
          batch: min(128, plain.count), isTraining: true, threads: context.options.threads)),
      instructionSet: .selected())
    var right = 0
    var found: [AdaptationResult.Point] = []
    for seen in 0...stream.count {
      if points.contains(seen) {
        try context.checkInterrupt()
        try tester.load(network.weights)
        found.append(
          AdaptationResult.Point(
            images: seen, right: right, changed: try tester.evaluate(changed).accuracy,
            plain: try tester.evaluate(plain).accuracy,
            sha256: WeightsDigest.sha256(network.weights, of: model)))
      }
      guard seen < stream.count else { break }
      let image = try stream.samples(at: [seen])
      let outputs = try network.predict(image).outputs.values
      if outputs.firstIndex(of: outputs.max() ?? 0) == Int(image.labels[0]) { right += 1 }
      let rule = Optimizer.sgd.rule(at: seen, learningRate: learning.rate)
      _ = try network.step(image, update: rule, step: seen)
    }
    return found
  }

  private var streamBytes: [UInt8] {
    guard case .bytes(let bytes) = stream.pixels else { return [] }
    let size = stream.shape.elementCount
    var all: [UInt8] = []
    for image in 0..<stream.count {
      all.append(UInt8(truncatingIfNeeded: stream.labels[image]))
      all.append(points.contains(image + 1) ? 1 : 0)
      all += bytes[image * size..<(image + 1) * size]
    }
    return all
  }
}

/// What came of it.
struct AdaptationResult: Equatable {
  struct Point: Equatable {
    /// Images that it has learned from, and how many of them it told right before it did.
    var images: Int
    var right: Int
    /// Accuracy on test digits that are changed as the stream's, and on unchanged ones.
    var changed: Double
    var plain: Double
    /// Of the weights.
    var sha256: String
  }

  /// What a device said, at the same points.
  struct Device: Equatable {
    var answers: [Int]
    var hashes: [String]
    /// See `DeviceBench.Output`; of an emulated board alone.
    var numbers: [String: Int]
  }

  /// The host's.
  var points: [Point]
  var device: Device?

  /// At how many points the device's weights and answers are the host's.
  var equalPoints: Int {
    guard let device else { return 0 }
    return points.indices.count {
      device.hashes[$0] == points[$0].sha256 && device.answers[$0] == points[$0].right
    }
  }

  // MARK: - As a part of a study

  var json: JSONValue {
    var members: [String: JSONValue] = [
      "points": .array(
        points.map {
          [
            .integer($0.images), .integer($0.right), .number($0.changed), .number($0.plain),
            .string($0.sha256),
          ]
        })
    ]
    if let device {
      members["device"] = [
        "answers": .array(device.answers.map { .integer($0) }),
        "hashes": .array(device.hashes.map { .string($0) }),
        "numbers": .object(device.numbers.mapValues { .integer($0) }),
      ]
    }
    return .object(members)
  }

  /// nil where it is not what `json` gives of a run with these points.
  init?(_ json: JSONValue, points expected: [Int], hasDevice: Bool) {
    guard KeptFile.hasMembers(json, hasDevice ? ["points", "device"] : ["points"]),
      case .array(let rows)? = json["points"]
    else { return nil }
    points = rows.compactMap { row in
      guard case .array(let cells) = row, cells.count == 5, case .integer(let images) = cells[0],
        case .integer(let right) = cells[1], (0...images).contains(right),
        let changed = cells[2].double, let plain = cells[3].double,
        (0...1).contains(changed), (0...1).contains(plain),
        case .string(let hash) = cells[4], KeptFile.isSHA256(hash)
      else { return nil }
      return Point(images: images, right: right, changed: changed, plain: plain, sha256: hash)
    }
    guard points.map(\.images) == expected, rows.count == expected.count else { return nil }
    guard hasDevice else { return }
    device = json["device"].flatMap { Device($0, count: expected.count) }
    if device == nil { return nil }
  }

  init(points: [Point]) { self.points = points }
}

extension AdaptationResult.Device {
  fileprivate init?(_ json: JSONValue, count: Int) {
    guard KeptFile.hasMembers(json, ["answers", "hashes", "numbers"]),
      case .array(let answers)? = json["answers"], case .array(let hashes)? = json["hashes"],
      case .object(let numbers)? = json["numbers"]
    else { return nil }
    self.answers = answers.compactMap { if case .integer(let value) = $0 { value } else { nil } }
    self.hashes = hashes.compactMap {
      if case .string(let text) = $0, KeptFile.isSHA256(text) { text } else { nil }
    }
    self.numbers = numbers.compactMapValues {
      if case .integer(let value) = $0, value >= 0 { value } else { nil }
    }
    guard self.answers.count == count, self.hashes.count == count,
      self.numbers.count == numbers.count,
      numbers.isEmpty || Set(numbers.keys) == ["code", "prediction", "step", "stack"]
    else { return nil }
  }
}
