import FixedNet
import FixedNetCore
import TestSupport
import Testing

/// What a program that uses the library can do wrong: each is a typed error in the words of the interface, and no trap.
@Suite("Misuse of the library")
struct LibraryMisuseTests {
  private struct Misuse: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var words: String
    var run: @Sendable () throws -> Void

    init(_ description: String, _ words: String, _ run: @escaping @Sendable () throws -> Void) {
      (testDescription, self.words, self.run) = (description, words, run)
    }
  }

  /// As another module can write one.
  private struct Foreign: Layer {
    static let className = "Foreign"
    var name = "foreign"
    var config: [String: JSONValue] { [:] }
    func outputShape(for input: Shape) throws(ModelError) -> Shape { input }
  }

  private static func train(
    _ layers: [any Layer] = [Dense(units: 2, activation: .softmax)], labels: [Int] = [0, 1],
    loss: Loss? = nil, optimizer: Optimizer = .adam(), learningRate: Schedule? = nil,
    validation: ImageSet? = nil, batch: Int = 2, threads: Int? = nil
  ) throws -> Training {
    try Training(
      Model(name: "m", input: .vector(2), layers: layers),
      on: ImageSet(rows: [[0, 1], [1, 0]], labels: labels), validation: validation, loss: loss,
      optimizer: optimizer, learningRate: learningRate, batch: batch, threads: threads)
  }

  private static func network() throws -> Network {
    let model = Model(name: "m", input: .vector(2), layers: [Dense(units: 3)])
    return try Network(model, weights: model.initialWeights(seed: 0))
  }

  private static let misuses = [
    Misuse("rows of different lengths", "rows must be 2 values each") {
      _ = try ImageSet(rows: [[1, 2], [3]], labels: [0, 1])
    },
    Misuse("no rows", "shape must be") { _ = try ImageSet(rows: [], labels: []) },
    Misuse("fewer labels than rows", "labels must be 2, one per image") {
      _ = try ImageSet(rows: [[1], [2]], labels: [0])
    },
    Misuse("a label below 0", "labels must be classes from 0") {
      _ = try ImageSet(rows: [[1], [2]], labels: [0, -1])
    },
    Misuse("targets of different lengths", "targets must be 1 values each") {
      _ = try ImageSet(rows: [[1], [2]], targets: [[1], [2, 3]])
    },
    Misuse("a label without an output", "labels up to 5") { _ = try train(labels: [0, 5]) },
    Misuse("samples of another width", "takes images of 3") {
      _ = try Training(
        Model(name: "m", input: .vector(3), layers: [Dense(units: 2, activation: .softmax)]),
        on: ImageSet(rows: [[0, 1]], labels: [0]))
    },
    Misuse("samples without answers", "labels or targets") {
      _ = try Training(
        Model(name: "m", input: .vector(1), layers: [Dense(units: 2, activation: .softmax)]),
        on: ImageSet(rows: [[0]]))
    },
    Misuse("validation without answers", "labels or targets") {
      _ = try train(validation: ImageSet(rows: [[0, 1]]))
    },
    Misuse("a batch of none", "batch must be at least 1") { _ = try train(batch: 0) },
    Misuse("no threads", "threads must be") { _ = try train(threads: 0) },
    Misuse("no epochs", "epochs must be at least 1") { try train().fit(epochs: 0) },
    Misuse("no patience", "patience must be at least 1") {
      try train().fit(epochs: 1, patience: 0)
    },
    Misuse("a learning rate that is none", "schedule must be rates") {
      _ = try train(learningRate: .constant(.nan))
    },
    Misuse("a beta of 1", "beta") { _ = try train(optimizer: .adam(beta1: 1)) },
    Misuse("linear outputs without a loss", "loss") { _ = try train([Dense(units: 2)]) },
    Misuse("layers that do not fit", "expects an image") {
      _ = try train([Conv2D(filters: 1, kernelSize: (3, 3)), Dense(units: 2)])
    },
    Misuse("a layer of no units", "units") {
      _ = try train([Dense(units: 0, activation: .softmax)])
    },
    Misuse("no layers", "layer") { _ = try train([]) },
    Misuse("a layer of one's own", "class Foreign is not supported") {
      _ = try train([Foreign(), Dense(units: 2, activation: .softmax)])
    },
    Misuse("a file with a layer of one's own", "class Foreign is not supported") {
      let model = Model(input: .vector(2), layers: [Foreign(), Dense(units: 2)])
      try KerasFile.write(KerasModelFile(model: model, weights: []), to: "/nowhere/m.h5")
    },
    Misuse("pooling over rows that ends in causal zeros", "padding must be") {
      _ = try Model(input: .matrix(rows: 4, columns: 1), layers: [MaxPooling1D(padding: .causal)])
        .shapes()
    },
    Misuse("two layers of one name", "two layers are called 'a'") {
      _ = try train([
        Dense(name: "a", units: 2), Dense(name: "a", units: 2, activation: .softmax),
      ])
    },
    Misuse("weights of another model", "weights") {
      let model = Model(name: "m", input: .vector(2), layers: [Dense(units: 3)])
      _ = try Network(model, weights: [LayerWeights(layer: "dense", tensors: [])])
    },
    Misuse("weights that were never set", "weights were never set") {
      let model = Model(name: "m", input: .vector(2), layers: [Dense(units: 3)])
      _ = try Network(NetworkPlan(model, options: PlanOptions(batch: 1, isTraining: false)))
        .predict([1, 2])
    },
    Misuse("half a sample", "a multiple of 2 values, found 3") {
      _ = try network().predict([1, 2, 3])
    },
    Misuse("no sample", "a multiple of 2 values, found 0") { _ = try network().predict([]) },
    Misuse("no room for the outputs", "room for 3 outputs (1 samples), found 2") {
      var outputs: [Float] = [0, 0]
      try network().predict([1, 2], into: &outputs)
    },
    Misuse("a split of everything", "fraction must be above 0 and below 1") {
      _ = try ImageSet(rows: [[1], [2]], labels: [0, 1]).split(fraction: 1)
    },
    Misuse("a split of nothing", "fraction must be large enough") {
      _ = try ImageSet(rows: [[1], [2]], labels: [0, 1]).split(fraction: 0.1)
    },
    Misuse("a sample that there is not", "indices must be from 0 to 1") {
      _ = try ImageSet(rows: [[1], [2]], labels: [0, 1]).samples(at: [2])
    },
    Misuse("a file that is not there", "No such file") {
      _ = try Network(contentsOf: "/nowhere/m.h5")
    },
    Misuse("a run of another program", "was not saved by Training.save") {
      _ = try Training(
        resuming: Fixtures.root + "/Models/lenet.h5", on: ImageSet(rows: [[1]], labels: [0]))
    },
    Misuse("a place that cannot be written", "cannot write") {
      try network().save(to: "/nowhere/m.h5")
    },
  ]

  @Test("is refused", arguments: misuses)
  private func refused(_ misuse: Misuse) {
    #expect {
      try misuse.run()
    } throws: { error in
      let isTyped =
        error is NetworkError || error is ModelError || error is CheckpointError
        || error is TrainingStateError || error is TrainingError
      let text = "\(error)"
      return isTyped && text.contains(misuse.words) && !text.contains("--")
        && !text.contains("\n")
    }
  }
}
