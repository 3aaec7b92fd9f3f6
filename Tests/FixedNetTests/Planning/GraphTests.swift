import Testing

@testable import FixedNetCompute

@Suite("Graphs")
struct GraphTests {
  /// Keras 3's entry of a layer that reads others.
  private static func layer(
    _ className: String, _ name: String, _ config: String = "", reads: [String], nodes: Int = 1,
    arguments: String = ""
  ) -> String {
    let tensors = reads.map {
      #"{"class_name": "__keras_tensor__", "config": {"keras_history": ["\#($0)", 0, 0]}}"#
    }
    let list = tensors.joined(separator: ", ")
    let node = #"{"args": [\#(reads.count > 1 ? "[\(list)]" : list)], "kwargs": {\#(arguments)}}"#
    let inbound = [String](repeating: node, count: nodes).joined(separator: ", ")
    return
      #"{"class_name": "\#(className)", "name": "\#(name)", "config": {"name": "\#(name)" \#(config)}, "#
      + #""inbound_nodes": [\#(inbound)]}"#
  }

  private static func functional(
    _ layers: [String], inputs: String = #"["i", 0, 0]"#, output: String,
    inputLayers: [String] = ["i"]
  ) -> String {
    let entries = inputLayers.map {
      #"{"class_name": "InputLayer", "name": "\#($0)", "inbound_nodes": [], "#
        + #""config": {"name": "\#($0)", "batch_shape": [null, 6, 5, 2]}}"#
    }
    return #"{"class_name": "Functional", "config": {"name": "m", "layers": ["#
      + (entries + layers).joined(separator: ", ")
      + #"], "input_layers": [\#(inputs)], "output_layers": [["\#(output)", 0, 0]]}}"#
  }

  private static func read(_ text: String) throws -> Model {
    try Model(json: JSONValue(parsing: text))
  }

  private static let convolution = #", "filters": 2, "kernel_size": 1"#

  @Test("layers run after those that they read, whatever the file's order")
  func order() throws {
    let model = try Self.read(
      Self.functional(
        [
          Self.layer("Add", "sum", reads: ["a", "b"]),
          Self.layer("Conv2D", "b", Self.convolution, reads: ["a"]),
          Self.layer("Conv2D", "a", Self.convolution, reads: ["i"]),
        ], output: "sum"))
    #expect(model.layers.map(\.name) == ["a", "b", "sum"])
    #expect(model.connections == ["a": ["i"], "b": ["a"], "sum": ["a", "b"]])
    #expect(try model.sources() == [[-1], [0], [0, 1]])
    let again = try Self.read(model.json.text)
    #expect(again.connections == model.connections)
  }

  @Test("Keras 2's form of the same")
  func kerasTwo() throws {
    let text = """
      {"class_name": "Model", "config": {"name": "m", "input_layers": [["i", 0, 0]],
        "output_layers": [["s", 0, 0]], "layers": [
        {"class_name": "InputLayer", "name": "i", "inbound_nodes": [],
          "config": {"name": "i", "batch_input_shape": [null, 6, 5, 2]}},
        {"class_name": "Conv2D", "name": "a", "config": {"name": "a" \(Self.convolution)},
          "inbound_nodes": [[["i", 0, 0, {}]]]},
        {"class_name": "Subtract", "name": "s", "config": {"name": "s"},
          "inbound_nodes": [[["i", 0, 0, {}], ["a", 0, 0, {}]]]}]}}
      """
    #expect(try Self.read(text).connections == ["a": ["i"], "s": ["i", "a"]])
  }

  static let refusals: [(String, String)] = [
    (
      functional(
        [
          layer("Add", "a", reads: ["i", "b"]), layer("ReLU", "b", reads: ["a"]),
        ], output: "b"),
      "layer 'a': expects layers that can run before it, found a cycle through 'b'"
    ),
    (
      functional([layer("ReLU", "a", reads: ["nobody"])], output: "a"),
      "layer 'a': expects layers of the model to read, found 'nobody', which it does not have"
    ),
    (
      functional([layer("ReLU", "a", reads: ["i"], nodes: 2)], output: "a"),
      "layer 'a': expects one place in the model, found 2: shared layers are not supported"
    ),
    (
      functional(
        [layer("ReLU", "a", reads: ["i"]), layer("ReLU", "b", reads: ["i"])], output: "a"),
      "layer 'b': expects a layer that reads it (one output is supported), found none"
    ),
    (
      functional(
        [layer("Add", "a", reads: ["i", "j"])], inputs: #"["i", 0, 0], ["j", 0, 0]"#, output: "a",
        inputLayers: ["i", "j"]),
      "it has 2 inputs (i, j); one is supported"
    ),
    (
      functional([layer("ReLU", "a", reads: ["i"])], inputs: #"["k", 0, 0]"#, output: "a"),
      "it has an InputLayer 'i', and its input_layers name 'k'"
    ),
    (
      functional(
        [
          layer("Conv2D", "c", #", "filters": 3, "kernel_size": 1"#, reads: ["i"]),
          layer("Add", "a", reads: ["i", "c"]),
        ], output: "a"),
      "layer 'a': expects inputs of one shape (6x5x2), or one value for all pixels or all channels, "
        + "but its input is 6x5x3"
    ),
    (
      functional([layer("Add", "a", reads: ["i"])], output: "a"),
      "layer 'a': expects two or more layers to read, found 1"
    ),
    (
      functional([layer("ReLU", "a", reads: ["i", "i"])], output: "a"),
      "layer 'a': expects one layer to read, found 2"
    ),
    (
      functional(
        [layer("ReLU", "a", reads: ["i"], arguments: #""mask": [1]"#)], output: "a"),
      "layer 'a': the argument mask of its call must be left out or null, found [1]"
    ),
    (
      functional([layer("Lambda", "a", reads: ["i"])], output: "a"),
      "layer 'a': class Lambda is not supported"
    ),
  ]

  @Test("what cannot be run is refused by name", arguments: refusals)
  func refused(_ text: String, _ message: String) throws {
    let error = #expect(throws: ModelError.self) { try Self.read(text) }
    #expect("\(error.map { "\($0)" } ?? "")".contains(message), "\(error.map { "\($0)" } ?? "")")
  }

  /// Keras 2: a base that is called with training=False stays as at inference when the model around it trains.
  @Test("a nested model that is called with training=False is not trained otherwise")
  func inferenceOnly() throws {
    func model(_ arguments: String) throws -> Model {
      try Self.read(
        """
        {"class_name": "Functional", "config": {"name": "m", "input_layers": [["i", 0, 0]],
          "output_layers": [["d", 0, 0]], "layers": [
          {"class_name": "InputLayer", "name": "i", "inbound_nodes": [],
            "config": {"name": "i", "batch_input_shape": [null, 3]}},
          {"class_name": "Sequential", "name": "base", "config": {"name": "base", "layers": [
            {"class_name": "BatchNormalization", "config": {"name": "bn"}}]},
            "inbound_nodes": [[["i", 0, 0, {\(arguments)}]]]},
          {"class_name": "Dense", "name": "d", "inbound_nodes": [[["base", 0, 0, {}]]],
            "config": {"name": "d", "units": 2, "activation": "softmax"}}]}}
        """)
    }
    let options = PlanOptions(batch: 8, isTraining: true)
    #expect(try model("").layers.map(\.name) == ["base_bn", "d"])
    #expect(throws: Never.self) { try NetworkPlan(model(""), options: options) }
    let fixed = try model(#""training": false"#)
    let error = #expect(throws: ModelError.self) { try NetworkPlan(fixed, options: options) }
    #expect("\(error.map { "\($0)" } ?? "")".contains("calls layer 'base_bn' with training=False"))
    #expect(throws: Never.self) {
      try NetworkPlan(fixed, options: PlanOptions(batch: 8, isTraining: false))
    }
  }

  @Test("solvers over all samples refuse layers that draw numbers")
  func fullBatch() {
    let noisy: [any Layer] = [
      Dropout(name: "x", rate: 0.5), GaussianNoise(name: "x", deviation: 1),
      GaussianDropout(name: "x", rate: 0.5),
      SpatialDropout1D(name: "x", rate: 0.5),
    ]
    for layer in noisy {
      let layers: [any Layer] = [
        Reshape(name: "r", target: [2, 2]), layer, Flatten(name: "f"),
        Dense(name: "d", units: 2, activation: .softmax),
      ]
      #expect(throws: ModelError.self) {
        try FullBatchTrainer.plan(
          Model(name: "m", input: .vector(4), layers: layers), .lbfgs, sampleCount: 8,
          threads: 1)
      }
    }
  }

  @Test("solvers over all samples refuse L1, which has no derivative at 0")
  func fullBatchMagnitudes() {
    for options in [
      WeightOptions(kernelRegularizer: .l1(0.1)), WeightOptions(biasRegularizer: .l1(0.1)),
    ] {
      let model = Model(
        name: "m", input: .vector(4),
        layers: [Dense(name: "d", units: 2, activation: .softmax, options: options)])
      let error = #expect(throws: ModelError.self) {
        try FullBatchTrainer.plan(model, .lbfgs, sampleCount: 8, threads: 1)
      }
      #expect("\(error.map { "\($0)" } ?? "")".contains("layer 'd' has an L1 regulariser on its"))
    }
  }

  @Test("a program's own description is held to the same")
  func described() {
    var model = Model(
      name: "m", input: .vector(3), layers: [ReLU(name: "a"), ReLU(name: "b")],
      connections: ["a": ["image"], "b": ["a"]])
    #expect(throws: Never.self) { try model.shapes() }
    model.connections?["a"] = ["b"]
    #expect(throws: ModelError.self) { try model.shapes() }
    model.connections?["a"] = nil
    #expect(throws: ModelError.self) { try model.shapes() }
  }

  // MARK: - Passes

  private static func graph(_ layers: [any Layer], _ connections: [String: [String]]?) throws
    -> Graph
  {
    try Graph(
      Model(
        name: "m", input: .image(height: 6, width: 5, channels: 2), layers: layers,
        connections: connections))
  }

  @Test("an activation goes into the kernel that it alone reads")
  func fusing() throws {
    let layers: [any Layer] = [
      Conv2D(name: "c", filters: 2, kernelSize: (1, 1)), Activation(name: "a", function: .tanh),
      ReLU(name: "r"), Add(name: "s"),
    ]
    // The tanh is read twice and goes into the convolution; the ReLU reads what another layer reads too.
    let graph = try Self.graph(
      layers, ["c": ["image"], "a": ["c"], "r": ["a"], "s": ["a", "r"]])
    let fused = graph.lowered(fuses: true).nodes
    #expect(fused.map(\.origin) == ["a", "r", "s"])
    #expect(fused[0].layer.kernelActivation == .tanh)
    #expect(fused[0].first == "c")
    // Here the convolution's own output is read too.
    let apart = try Self.graph(
      layers, ["c": ["image"], "a": ["c"], "r": ["c"], "s": ["a", "r"]])
    #expect(apart.lowered(fuses: true).nodes.map(\.origin) == ["c", "a", "r", "s"])
  }

  @Test("merges of several values become merges of two, in their order")
  func merges() throws {
    let layers: [any Layer] = [
      ReLU(name: "a"), Activation(name: "b", function: .tanh), Average(name: "m"),
    ]
    let graph = try Self.graph(
      layers, ["a": ["image"], "b": ["image"], "m": ["a", "b", "image"]])
    let nodes = graph.splittingMerges().nodes
    #expect(nodes.map(\.layer.name) == ["a", "b", "m/1", "m/2", "m"])
    #expect(nodes[2].sources == [nodes[0].id, nodes[1].id])
    #expect(nodes[3].sources == [nodes[2].id, Graph.input])
    #expect((nodes[4].layer as? Rescaling)?.scale == 1 / 3.0)
  }
}
