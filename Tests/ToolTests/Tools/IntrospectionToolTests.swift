import FixedNet
import FixedNetFiles
import Foundation
import TestSupport
import Testing

/// What eval shows of the inside of a model, and of models on numbers, on a few samples.
@Suite("eval's insides")
struct IntrospectionToolTests {
  private let folder: String

  init() throws {
    folder = try Fixtures.temporaryFolder()
    try SmallData.write(SmallData.labels, to: "\(folder)/classes.h5")
    try SmallData.write(SmallData.numbers, to: "\(folder)/numbers.h5")
  }

  private func eval(_ options: String) throws -> Finished {
    let run = try Tool.run("eval", options, in: folder)
    #expect(run.exitCode == 0, "\(run.errors)")
    return run
  }

  private func floats(_ name: String, _ dataset: String) throws -> [Float] {
    try HDF5Arrays.readFloats(path: "\(folder)/\(name)", dataset: dataset).values
  }

  /// Saves a model with fresh weights.
  private func save(_ layers: [any Layer], as name: String) throws -> KerasModelFile {
    let model = Model(name: "small", input: .vector(SmallData.width), layers: layers)
    let file = KerasModelFile(model: model, weights: try model.initialWeights(seed: 5))
    try KerasFile.write(file, to: "\(folder)/\(name)")
    return file
  }

  private static let classifier: [any Layer] = [
    Dense(name: "hidden", units: 4, activation: .tanh),
    Dropout(name: "drop", rate: 0.5), Dense(name: "out", units: 3, activation: .softmax),
  ]

  @Test("a layer's activations are its formula, and the last one's are the outputs")
  func activations() throws {
    let file = try save(Self.classifier, as: "net.h5")
    try HDF5Arrays.write(
      path: "\(folder)/x.h5",
      datasets: [
        (name: "x", shape: [SmallData.count, SmallData.width], values: SmallData.inputs)
      ])
    _ = try eval("net.h5 --inputs x.h5 --outputs all.h5 --activations all")
    _ = try eval("net.h5 --inputs x.h5 --outputs y.h5")
    #expect(try floats("all.h5", "out") == floats("y.h5", "y"))
    let hidden = try floats("all.h5", "hidden")
    #expect(try hidden == floats("all.h5", "drop"))
    let (kernel, bias) = (file.weights[0].tensors[0].values, file.weights[0].tensors[1].values)
    for sample in 0..<SmallData.count {
      for unit in 0..<4 {
        let sum = (0..<SmallData.width).reduce(Double(bias[unit])) { sum, feature in
          sum + Double(SmallData.inputs[sample * SmallData.width + feature])
            * Double(kernel[feature * 4 + unit])
        }
        #expect(abs(Double(hidden[sample * 4 + unit]) - tanh(sum)) < 1e-6)
      }
    }
    _ = try eval("net.h5 --data classes.h5 --split train --outputs one.h5 --activations hidden")
    let one = try HDF5Arrays.readFloats(path: "\(folder)/one.h5", dataset: "hidden")
    #expect(one.shape == [32, 4] && Set(one.values).isSubset(of: Set(hidden)))
    #expect(try !HDF5Arrays.contains(path: "\(folder)/one.h5", dataset: "y"))
    Tool.expectRefusal(
      try Tool.run(
        "eval", "net.h5 --data classes.h5 --outputs o.h5 --activations conv", in: folder),
      "no layer is called 'conv'")
  }

  @Test("gradients are the differences of the loss that eval prints")
  func gradients() throws {
    let options = "--data classes.h5 --split train"
    var layers = Self.classifier
    layers.remove(at: 1)
    let file = try save(layers, as: "net.h5")
    _ = try eval("net.h5 \(options) --gradients g.h5")
    let loss = try eval("net.h5 \(options) --json").report["loss"]?.double ?? .nan
    #expect(abs(Double(try floats("g.h5", "loss")[0]) - loss) < 1e-6)
    for (layer, tensor, index) in [(0, 0, 7), (0, 1, 2), (1, 0, 4), (1, 1, 1)] {
      let losses = try [Float(0.01), -0.01].map { step in
        var moved = file
        moved.weights[layer].tensors[tensor].values[index] += step
        try KerasFile.write(moved, to: "\(folder)/moved.h5")
        return try eval("moved.h5 \(options) --json").report["loss"]?.double ?? .nan
      }
      let name = "\(layer == 0 ? "hidden" : "out")/\(tensor == 0 ? "kernel" : "bias")"
      let gradient = Double(try floats("g.h5", name)[index])
      #expect(abs(gradient - (losses[0] - losses[1]) / 0.02) < 1e-4, "\(name)")
    }
  }

  @Test("the gradient of a line's squared error, with a penalty, is the textbook's")
  func line() throws {
    let lambda = 0.25
    let options = WeightOptions(kernelRegularizer: .l2(Float(lambda)))
    let file = try save([Dense(name: "line", units: 1, options: options)], as: "line.h5")
    let run = try eval(
      "line.h5 --data numbers.h5 --test-fraction 0 --loss mse --gradients g.h5 --batch 16 --json")
    let weights = file.weights[0].tensors[0].values.map(Double.init)
    var gradient = weights.map { 2 * lambda * $0 } + [0]
    var squares = 0.0
    for sample in 0..<SmallData.count {
      let x = (0..<SmallData.width).map {
        Double(SmallData.inputs[sample * SmallData.width + $0])
      }
      let error =
        zip(x, weights).reduce(0) { $0 + $1.0 * $1.1 } - Double(SmallData.numbers[sample])
      squares += error * error / Double(SmallData.count)
      for (index, value) in (x + [1]).enumerated() {
        gradient[index] += 2 * error * value / Double(SmallData.count)
      }
    }
    let found = try floats("g.h5", "line/kernel") + floats("g.h5", "line/bias")
    for (ours, theirs) in zip(found, gradient) { #expect(abs(Double(ours) - theirs) < 1e-5) }
    let penalty = lambda * weights.reduce(0) { $0 + $1 * $1 }
    let report = try run.report
    #expect(abs((report["loss"]?.double ?? .nan) - squares - penalty) < 1e-5)
    #expect(abs((report["rootMeanSquareError"]?.double ?? .nan) - squares.squareRoot()) < 1e-6)
    #expect(report["accuracy"] == .null)
    let text = try eval("line.h5 --data numbers.h5 --loss mean_squared_error")
    #expect(text.output.contains("root mean square error ") && !text.output.contains("accuracy"))
    Tool.expectRefusal(
      try Tool.run("eval", "line.h5 --data numbers.h5", in: folder), "give --loss")
    Tool.expectRefusal(
      try Tool.run("eval", "line.h5 --data classes.h5 --loss mse", in: folder), "--regression")
  }

  @Test("batch normalisation's gradients are those of the whole set, whatever --batch is")
  func wholeBatch() throws {
    let layers: [any Layer] = [BatchNormalization(name: "bn")] + Self.classifier
    _ = try save(layers, as: "bn.h5")
    for batch in [8, 64] {
      _ = try eval("bn.h5 --data classes.h5 --split train --gradients \(batch).h5 --batch \(batch)")
    }
    #expect(try floats("8.h5", "bn/gamma") == floats("64.h5", "bn/gamma"))
    #expect(try floats("8.h5", "bn/gamma").contains { $0 != 0 })
    // A shift of every sample changes nothing behind batch statistics: nor does the bias of a layer in front of it.
    _ = try save(
      [Dense(name: "first", units: 3), BatchNormalization(name: "bn")] + Self.classifier,
      as: "behind.h5")
    _ = try eval("behind.h5 --data classes.h5 --split train --gradients b.h5")
    #expect(try floats("b.h5", "first/bias").allSatisfy { abs($0) < 1e-6 })
    #expect(try floats("b.h5", "first/kernel").contains { abs($0) > 1e-3 })
  }

  @Test("weights alone are evaluated with a model from elsewhere, .keras files as they are")
  func weightsAlone() throws {
    let file = try save(Self.classifier, as: "net.h5")
    try KerasFile.write(file, to: "\(folder)/net.keras")
    try AtomicFile.write(Array(file.model.json.text.utf8), to: "\(folder)/net.json")
    let options = "--data classes.h5 --json"
    let loss = try eval("net.h5 \(options)").report["loss"]
    #expect(loss?.double != nil)
    #expect(try eval("net.keras \(options)").report["loss"] == loss)
    for model in ["net.json", "net.keras", "net.h5"] {
      #expect(try eval("net.h5 --model \(model) \(options)").report["loss"] == loss)
    }
    for model in ["perceptron", "mlp"] {
      let train = "--model \(model) --data classes.h5 --epochs 1 --quiet"
      _ = try Tool.run("train", "\(train) --output \(model).weights.h5", in: folder)
      let own = try eval("\(model).weights.h5 --json").report["loss"]
      #expect(own?.double != nil)
      #expect(try eval("\(model).weights.h5 --model \(model) \(options)").report["loss"] == own)
    }
    Tool.expectRefusal(
      try Tool.run("eval", "net.h5 --model mlp \(options)", in: folder), "net.h5")
  }

  @Test("wrong use is one line; another shape is told without drawing a digit")
  func wrongUse() throws {
    _ = try save(Self.classifier, as: "net.h5")
    Tool.expectRefusal(
      try Tool.run("eval", "net.h5", in: folder),
      "'net.h5' does not say what it was trained on; give --data")
    let started = try Measured("\(Tool.folder)/eval", ["net.h5", "--data", "digits"], in: folder)
    Tool.expectRefusal(
      started.run, "takes samples of 6, but 'digits' has 28x28x1")
    #expect(started.cpuSeconds < 0.3)
    for (options, fragment) in [
      ("net.h5 --activations all", "--activations needs --outputs"),
      ("net.h5 --inputs classes.h5 --gradients g.h5", "--inputs takes the place of"),
      ("net.h5 --gradients net.h5", "would overwrite"),
      ("net.h5 --data a.h5 --outputs a.h5", "would overwrite"),
      ("net.h5 --gradients a.h5 --outputs a.h5", "the same file"),
      ("net.h5 --loss ctc", "--loss"),
    ] {
      Tool.expectRefusal(try Tool.run("eval", options, in: folder), fragment, exitCode: 64)
    }
    for options in ["--gradients none/g.h5", "--outputs none/y.h5 --activations all"] {
      Tool.expectRefusal(
        try Tool.run("eval", "net.h5 --data classes.h5 \(options)", in: folder), "none/")
    }
    Tool.expectRefusal(
      try Tool.run(
        "eval", "net.h5 --data classes.h5 --loss categorical_crossentropy:from_logits=true",
        in: folder), "from_logits is true")
  }
}
