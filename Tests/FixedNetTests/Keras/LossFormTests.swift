import FixedNetCore
import Testing

@testable import FixedNetCompute

/// What Keras writes for a loss, and what is refused by name.
@Suite("Forms of a loss")
struct LossFormTests {
  /// A class as Keras 3 writes it.
  private static func object(_ name: String, _ config: String) -> String {
    #"{"module": "keras.losses", "class_name": "\#(name)", "config": \#(config), "registered_name": null}"#
  }

  private static func loss(_ function: Loss.Function, _ change: (inout Loss) -> Void = { _ in })
    -> Loss
  {
    var loss = Loss(function)
    change(&loss)
    return loss
  }

  @Test(
    "every form that Keras writes",
    arguments: [
      (#""mse""#, loss(.meanSquaredError)), (#""MSE""#, loss(.meanSquaredError)),
      (#""MeanSquaredError""#, loss(.meanSquaredError)), (#""kld""#, loss(.klDivergence)),
      (#""KLDivergence""#, loss(.klDivergence)), (#""logcosh""#, loss(.logCosh)),
      (#""kullback_leibler_divergence""#, loss(.klDivergence)),
      (#""bce""#, loss(.binaryCrossEntropy)), (#"["mae"]"#, loss(.meanAbsoluteError)),
      (#"{"dense": "mape"}"#, loss(.meanAbsolutePercentageError)),
      (#"{"dense": ["msle"]}"#, loss(.meanSquaredLogarithmicError)),
      (
        #"{"module": "builtins", "class_name": "function", "config": "hinge", "registered_name": "function"}"#,
        loss(.hinge)
      ),
      (#"{"class_name": "Poisson", "config": {"reduction": "auto", "name": "p"}}"#, loss(.poisson)),
      (
        object("Huber", #"{"delta": 2, "fn": "huber", "reduction": "auto", "name": "h"}"#),
        loss(.huber) { $0.delta = 2 }
      ),
      (
        object(
          "LossFunctionWrapper",
          #"{"fn": {"class_name": "function", "config": "squared_hinge"}, "reduction": "sum", "name": "x"}"#
        ), loss(.squaredHinge) { $0.reduction = .sum }
      ),
      (
        object(
          "CategoricalCrossentropy",
          #"{"from_logits": true, "label_smoothing": 0.25, "axis": -1, "dtype": "float32"}"#),
        loss(.categoricalCrossEntropy) { ($0.fromLogits, $0.labelSmoothing) = (true, 0.25) }
      ),
      (
        object(
          "SparseCategoricalCrossentropy", #"{"ignore_class": 3, "reduction": "mean", "axis": 1}"#),
        loss(.sparseCategoricalCrossEntropy) { $0.ignoredClass = 3 }
      ),
      (
        object(
          "BinaryFocalCrossentropy",
          #"{"apply_class_balancing": true, "alpha": 0.5, "gamma": 1, "from_logits": false}"#),
        loss(.binaryFocalCrossEntropy) {
          ($0.balancesClasses, $0.alpha, $0.gamma) = (true, 0.5, 1)
        }
      ),
    ] as [(String, Loss)])
  func forms(_ json: String, _ expected: Loss) throws {
    #expect(try Loss(keras: JSONValue(parsing: json)) == expected)
  }

  @Test("null is no loss, and the weight of the one output is read in every form")
  func weights() throws {
    #expect(try Loss(keras: .null) == nil)
    #expect(try Loss(compileConfig: ["loss": nil]) == nil)
    func weight(_ json: String) throws -> Double? {
      try Loss(
        compileConfig: JSONValue(parsing: #"{"loss": "mse", "loss_weights": \#(json)}"#))?.weight
    }
    for json in ["0.5", "[0.5]", #"{"dense": 0.5}"#] { #expect(try weight(json) == 0.5) }
    #expect(throws: ModelError.self) { try weight("[1, 2]") }
  }

  @Test(
    "what would be another loss is refused by name",
    arguments: [
      (#""cosine_similarity""#, "loss 'cosine_similarity': not supported; supported are sparse_"),
      (object("Dice", "{}"), "loss 'Dice': not supported"),
      (#"{"a": "mse", "b": "mse"}"#, "loss '2 losses': a model has one output here"),
      (#"["mse", "mse"]"#, "loss '2 losses': a model has one output here"),
      (
        object("CategoricalCrossentropy", #"{"axis": 0}"#),
        "loss 'categorical_crossentropy': axis must be -1, found 0"
      ),
      (
        object("Huber", #"{"reduction": "none"}"#),
        "loss 'huber': reduction must be sum_over_batch_size, mean, auto, sum or "
      ),
      (object("Huber", #"{"reduction": null}"#), "loss 'huber': reduction must be"),
      (object("Huber", #"{"delta": "x"}"#), "loss 'huber': delta must be a number from 0.0"),
      (
        object("MeanSquaredError", #"{"delta": 1}"#),
        "loss 'mean_squared_error': delta is not known"
      ),
      (object("Huber", #"{"fn": "mae"}"#), #"loss 'huber': fn must be huber, found "mae""#),
      (object("Huber", #"{"dtype": "float16"}"#), "loss 'huber': dtype must be float32 or null"),
      (
        object("CategoricalFocalCrossentropy", #"{"alpha": [0.1, 0.9]}"#),
        "loss 'categorical_focal_crossentropy': alpha must be a number"
      ),
      (
        object("BinaryCrossentropy", #"{"label_smoothing": 1.5}"#),
        "loss 'binary_crossentropy': label_smoothing must be a number from 0.0 to 1.0, found 1.5"
      ),
      (
        #"{"class_name": "Mine", "config": {}, "registered_name": "pkg>Mine", "module": null}"#,
        "loss 'pkg>Mine': a class of the user's own"
      ),
    ] as [(String, String)])
  func refusals(_ json: String, _ message: String) {
    #expect { try Loss(keras: JSONValue(parsing: json)) } throws: { "\($0)".hasPrefix(message) }
  }

  @Test("options behind a colon, as --loss has them")
  func text() throws {
    #expect(try Loss(text: "huber:delta=2").description == "huber, delta 2")
    #expect(try Loss(text: "huber").description == "huber, delta 1")
    let text = "sparse_categorical_crossentropy:from_logits=true,ignore_class=1,reduction=sum"
    #expect(
      try Loss(text: text).description
        == "sparse_categorical_crossentropy, from_logits, ignore_class 1, reduction sum")
    for wrong in ["huber:alpha=1", "huber:delta", "huber:delta=1,delta=2", "huber:delta=x", "nix"] {
      #expect(throws: ModelError.self, "\(wrong)") { try Loss(text: wrong) }
    }
  }

  @Test("losses that Keras computes in two ways, or of what are no probabilities, are refused")
  func ends() throws {
    func plan(_ end: ActivationFunction, _ loss: String, outputs: Int = 3) throws {
      let model = Model(
        name: "m", input: .vector(2),
        layers: [Dense(name: "d", units: outputs, activation: end)])
      _ = try NetworkPlan(
        model, options: PlanOptions(batch: 8, isTraining: true, loss: Loss(text: loss)))
    }
    for (end, loss, message) in [
      (
        .softmax, "sparse_categorical_crossentropy:from_logits=true",
        "ends in softmax: Keras applies"
      ),
      (.sigmoid, "binary_crossentropy:from_logits=true", "ends in sigmoid: Keras applies"),
      (
        .linear, "sparse_categorical_crossentropy",
        "sparse_categorical_crossentropy:from_logits=true"
      ),
      (.tanh, "binary_crossentropy", "binary_crossentropy:from_logits=true"),
    ] as [(ActivationFunction, String, String)] {
      #expect("\(end) \(loss)") { try plan(end, loss) } throws: { "\($0)".contains(message) }
    }
    #expect { try plan(.softmax, "mse", outputs: 1) } throws: { "\($0)".contains("always 1") }
  }

  @Test("one output takes the labels 0 and 1 as they are, and no others")
  func oneOutput() throws {
    let model = Model(
      name: "m", input: .vector(1), layers: [Dense(name: "d", units: 1, activation: .sigmoid)])
    let network = try Network(NetworkPlan(model, options: PlanOptions(batch: 4, isTraining: true)))
    let tensors = [Tensor(shape: [1, 1], values: [1]), Tensor(shape: [1], values: [0])]
    try network.load([LayerWeights(layer: "d", tensors: tensors)])
    let pixels: [Float] = [1, -2, 3, -0.5]
    let labels: [UInt16] = [1, 0, 0, 1]
    let images = ImageSet(shape: .vector(1), pixels: .floats(pixels), labels: labels)
    let values = ImageSet(
      shape: .vector(1), pixels: .floats(pixels), labels: [], targets: labels.map { Float($0) },
      targetWidth: 1)
    let sums = try network.evaluate(images)
    #expect(sums == (try network.evaluate(values)))
    #expect(sums.hits == 2)
    let wrong = ImageSet(shape: .vector(1), pixels: .floats([1, 2]), labels: [0, 2])
    #expect(throws: NetworkError.labels(outputCount: 1, largest: 2)) {
      try network.evaluate(wrong)
    }
  }
}
