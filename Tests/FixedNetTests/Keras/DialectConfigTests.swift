import Testing

@testable import FixedNetCompute

/// Every entry of a config is followed, changes nothing, or is refused with its value.
@Suite("Keras' configs")
struct DialectConfigTests {
  func read(_ layers: String, input: String = "[null, 8, 8, 1]") throws -> Model {
    try Model(
      json: JSONValue(
        parsing: """
          {"class_name": "Sequential", "config": {"name": "m", "layers": [
            {"class_name": "InputLayer", "config": {"name": "i", "batch_shape": \(input)}},
            \(layers)]}}
          """))
  }

  func layer(_ className: String, _ config: String) -> String {
    "{\"class_name\": \"\(className)\", \"config\": {\(config)}}"
  }

  func refusal(_ layers: String, input: String = "[null, 8, 8, 1]") -> String {
    do {
      _ = try read(layers, input: input)
      return "no error"
    } catch {
      return "\(error)"
    }
  }

  @Test(
    "what is not followed is refused by name, with the value that was found",
    arguments: [
      ("Flatten", #""data_format": "channels_first""#, #"data_format must be"#),
      ("Flatten", #""order": "F""#, #"order must be left out or null"#),
      ("Dropout", #""rate": 0.5, "noise_shape": [null, 1, 1, 1]"#, "noise_shape must be null"),
      ("Dropout", #""rate": 1.5"#, "rate must be a number from 0.0 to 1.0, found 1.5"),
      ("BatchNormalization", #""renorm": true"#, "renorm must be false or null, found true"),
      (
        "BatchNormalization", #""virtual_batch_size": 4"#,
        "virtual_batch_size must be null, found 4"
      ),
      ("BatchNormalization", #""axis": [1, 2]"#, "axis must be"),
      // Keras takes null for false, which is not what it stands for when it is left out.
      ("BatchNormalization", #""center": null"#, "center must be true or false, found null"),
      ("BatchNormalization", #""gamma_initializer": 1"#, "gamma_initializer must be a name, an"),
      ("BatchNormalization", #""beta_constraint": true"#, "beta_constraint must be a name, an"),
      (
        "Conv2D", #""filters": 2, "kernel_size": 3, "kernel_regularizer": [0.1]"#,
        "kernel_regularizer must be a name, an object with a class_name, or null, found [0.1]"
      ),
      ("Conv2D", #""filters": 2, "kernel_size": 3, "strides": null"#, "strides must be two"),
      ("Conv2D", #""filters": 2, "kernel_size": 3, "padding": null"#, "padding must be one of"),
      ("AveragePooling2D", #""pool_size": null"#, "pool_size must be two whole numbers"),
      ("BatchNormalization", #""epsilon": [1e-3]"#, "epsilon must be a number"),
      (
        "Conv2D", #""filters": 2, "kernel_size": 3, "groups": 3"#,
        "groups must be a divisor of the 2 filters, found 3"
      ),
      (
        "Conv2D", #""filters": 2, "kernel_size": 3, "dilation_rate": [2, 0]"#,
        "dilation_rate must be two whole numbers from 1 to 4096, found [2, 0]"
      ),
      (
        "Conv2D", #""filters": 2, "kernel_size": 3, "lora_rank": 4"#,
        "lora_rank must be left out or null: it is nothing that Conv2D follows here, found 4"
      ),
      ("Conv2D", #""filters": 2, "kernel_size": [3, 3, 3]"#, "found [3, 3, 3]"),
      ("Conv2D", #""filters": 2, "kernel_size": 3, "padding": "causal""#, "found \"causal\""),
      (
        "Conv2D", #""filters": 2, "kernel_size": 3, "activation": "gelu_erf""#,
        "sparse_sigmoid, or a layer ELU, LeakyReLU, ReLU or Softmax"
      ),
      ("MaxPooling2D", #""data_format": "channels_first""#, "data_format must be"),
      ("AveragePooling2D", #""pool_size": [2, 2, 2]"#, "found [2, 2, 2]"),
      ("Softmax", #""axis": 2"#, "axis must be"),
      ("Softmax", #""axis": null"#, "axis must be"),
      ("ReLU", #""max_value": -1"#, "max_value must be a number from 0.0 to 1e+30, found -1"),
      ("LeakyReLU", #""alpha": null"#, "alpha must be a number"),
      ("ReLU", #""negative_slope": null"#, "negative_slope must be a number"),
      ("ReLU", #""threshold": null"#, "threshold must be a number"),
      ("LeakyReLU", #""negative_slope": {"a": 1}"#, #"found {"a": 1}"#),
      ("Activation", #""activation": "selu2""#, "found \"selu2\""),
      (
        "Activation", #""activation": {"class_name": "PReLU", "config": {"alpha": 0.5}}"#,
        #"{"class_name": "PReLU", "config": {"alpha": 0.5}}"#
      ),
      (
        "Activation",
        #""activation": {"module": "mine", "class_name": "ReLU", "config": {}}"#, "activation must"
      ),
      ("Rescaling", #""scale": "big""#, "scale must be a number"),
      ("Rescaling", #""scale": [1, 2]"#, "lines up with the last axes of 8x8x1, found [1.0, 2.0]"),
      ("Normalization", #""axis": 0"#, "axis must be axes from 1 to 3"),
      ("Normalization", #""axis": [3, -1]"#, "each once"),
      ("Normalization", #""mean": [1]"#, "variance must be as many values as mean has"),
      ("Normalization", #""mean": [1, 2], "variance": [1, 2]"#, "1 values, one per channel"),
      ("Normalization", #""mean": [1], "variance": [-1]"#, "values of 0 or more"),
      ("Normalization", #""invert": "yes""#, "invert must be"),
      ("Flatten", #""dtype": "int8_from_float32""#, #"found "int8_from_float32""#),
      (
        "Flatten",
        #""dtype": {"class_name": "QuantizedDTypePolicy", "config": {"mode": "int8"}}"#,
        #"found "int8 (quantised)""#
      ),
    ])
  func refused(className: String, config: String, fragment: String) {
    let text = refusal(layer(className, "\"name\": \"x\", \(config)"))
    #expect(text.contains("layer 'x': ") && text.contains(fragment), "\(text)")
    #expect(OneLine.isOne(text))
  }

  @Test(
    "what changes nothing is no obstacle",
    arguments: [
      ("BatchNormalization", #""fused": true, "synchronized": false, "renorm": false"#),
      ("BatchNormalization", #""renorm_clipping": {}, "renorm_momentum": 0.9, "adjustment": null"#),
      ("Conv2D", #""filters": 2, "kernel_size": 3, "lora_rank": null, "rank": 2, "groups": 1"#),
      ("Dropout", #""rate": 0.5, "seed": 3, "noise_shape": null"#),
      (
        "Flatten",
        #""batch_input_shape": [32, 8, 8, 1], "dynamic": false, "input_dtype": "float32""#
      ),
      ("MaxPooling2D", #""pool_size": {"class_name": "__tuple__", "items": [2, 2]}"#),
      ("ReLU", #""max_value": {"type": "ndarray", "value": 6.0}"#),
    ])
  func harmless(className: String, config: String) {
    #expect(refusal(layer(className, "\"name\": \"x\", \(config)")) == "no error")
  }

  // MARK: - Names

  @Test("layers without a name are called as Keras calls them")
  func unnamed() throws {
    let dense = layer("Dense", #""units": 2"#)
    let named = layer("Dense", #""units": 2, "name": "dense_1""#)
    let model = try read(
      "\(layer("Flatten", "")), \(dense), \(named), \(dense), \(layer("ReLU", ""))")
    #expect(model.layers.map(\.name) == ["flatten", "dense", "dense_1", "dense_2", "re_lu"])
  }

  @Test("classes of older versions are the same layers")
  func olderClasses() throws {
    let model = try read(layer("BatchNormalizationV1", #""name": "b", "axis": [3]"#))
    #expect(model.layers.map { type(of: $0).className } == ["BatchNormalization"])
  }

  // MARK: - Initialisers

  @Test(
    "VarianceScaling is the initialiser of its numbers",
    arguments: [
      (#""scale": 1.0, "mode": "fan_avg", "distribution": "uniform""#, .glorotUniform),
      (#""scale": 1, "mode": "fan_avg", "distribution": "normal""#, .glorotNormal),
      (#""scale": 2.0, "mode": "fan_in", "distribution": "uniform""#, .heUniform),
      (#""scale": 2.0, "mode": "fan_in", "distribution": "truncated_normal""#, .heNormal),
      (#""scale": 1.0, "mode": "fan_in", "distribution": "uniform""#, .lecunUniform),
      ("", .lecunNormal),
      (
        #""scale": 0.5, "mode": "fan_out", "distribution": "untruncated_normal""#,
        .varianceScaling(scale: 0.5, mode: .fanOut, distribution: .untruncatedNormal)
      ),
    ] as [(String, Initializer)])
  func varianceScaling(config: String, expected: Initializer) throws {
    let json = try JSONValue(
      parsing: "{\"class_name\": \"VarianceScaling\", \"config\": {\(config)}}")
    let initializer = Initializer(json: json, default: .zeros)
    #expect(initializer == expected)
    #expect(Initializer(json: initializer.json, default: .zeros) == expected)
  }

  /// Limits and deviations by hand, of 60 inputs and 20 outputs.
  @Test("VarianceScaling's values have its variance")
  func variances() {
    func values(_ mode: Initializer.FanMode, _ distribution: Initializer.Distribution) -> [Float] {
      Initializer.varianceScaling(scale: 3, mode: mode, distribution: distribution)
        .values(count: 20_000, fanIn: 60, fanOut: 20, seed: 1, stream: 1)
    }
    for (mode, variance) in [
      (Initializer.FanMode.fanIn, 0.05), (.fanOut, 0.15), (.fanAverage, 0.075),
    ] {
      for distribution in [Initializer.Distribution.uniform, .truncatedNormal, .untruncatedNormal] {
        let all = values(mode, distribution).map(Double.init)
        let found = all.reduce(0) { $0 + $1 * $1 } / Double(all.count)
        #expect(abs(found - variance) < 0.04 * variance, "\(mode), \(distribution): \(found)")
        let limit = all.map(abs).max() ?? 0
        let root = variance.squareRoot()
        switch distribution {
        case .uniform: #expect(limit <= root * 3.0.squareRoot())
        case .truncatedNormal: #expect(limit <= 2 * root / 0.879 && limit > 2 * root)
        case .untruncatedNormal: #expect(limit > 3 * root)
        }
      }
    }
  }

  @Test("an initialiser that is not known is no obstacle to weights, and is named without them")
  func unknownInitializers() throws {
    let flatten = layer("Flatten", "\"name\": \"f\"")
    for (config, name) in [
      (
        #""kernel_initializer": {"class_name": "Orthogonal", "config": {"gain": 1.0}}"#,
        "Orthogonal"
      ),
      (
        #""kernel_initializer": {"class_name": "GlorotUniform", "config": {"input_axes": [0]}}"#,
        "input_axes"
      ),
    ] {
      let model = try read(
        "\(flatten), \(layer("Dense", "\"name\": \"d\", \"units\": 2, \(config)"))")
      let error = try #require(throws: ModelError.self) { try model.initialWeights(seed: 0) }
      #expect("\(error)".contains(name) && "\(error)".contains("--initializer"), "\(error)")
    }
  }

  @Test("batch normalisation starts as its initialisers say")
  func normalizationInitializers() throws {
    let constant = #"{"class_name": "Constant", "config": {"value": 0.5}}"#
    let config = """
      "name": "b", "gamma_initializer": "zeros", "moving_mean_initializer": \(constant)
      """
    let model = try read(layer("BatchNormalization", config))
    let again = try Model(json: model.json)
    for model in [model, again] {
      #expect(
        try model.initialWeights(seed: 0)[0].tensors.map(\.values) == [[0], [0], [0.5], [1]])
    }
  }

  // MARK: - Layers that are not there

  @Test(
    "a class that is not there is named with its layer and what to do",
    arguments: [
      ("RandAugment", "such layers do nothing outside training"),
      ("CutMix", "such layers do nothing outside training"),
      ("LSTM", "supported are Activation"),
      ("GlobalAveragePooling3D", "Conv1D and 2D, Conv2DTranspose"),
      ("GRUCell", "ReLU, RepeatVector"), ("Bidirectional", "Permute, Random..., ReLU"),
    ])
  func missing(className: String, advice: String) {
    // In front of a fault in the input's shape, which is a consequence.
    let text = refusal(
      "\(layer(className, "\"name\": \"x\"")), \(layer("GRU", "\"name\": \"y\""))",
      input: "[null, null, 3]")
    #expect(
      text.hasPrefix("layer 'x': class \(className) is not supported (and further: GRU ('y'))"))
    #expect(text.contains(advice), "\(text)")
  }

  @Test(
    "descriptions of other kinds are called what they are",
    arguments: [
      (#"{"format": "layers-model", "modelTopology": {}}"#, "TensorFlow.js"),
      (
        #"{"class_name": "Sequential", "keras_version": "1.2.2", "config": []}"#, "Keras 1 wrote it"
      ),
      (
        #"{"class_name": "Sequential", "config": [{"class_name": "Dense", "config": {"output_dim": 3}}]}"#,
        "Keras 1 wrote it"
      ),
      (
        #"{"class_name": "Functional", "config": {"layers": [{"class_name": "Add"}]}}"#,
        "its config has no input_layers"
      ),
      (#"{"class_name": "Model", "config": {}}"#, "its config has no list of layers"),
      (#"{"tfjsVersion": "1.3.1", "labels": []}"#, "Teachable Machine"),
      (#"{"weights": 3}"#, "it has no class_name"),
    ])
  func otherKinds(text: String, fragment: String) throws {
    let error = try #require(throws: ModelError.self) {
      try Model(json: JSONValue(parsing: text))
    }
    #expect("\(error)".contains(fragment), "\(error)")
  }

  @Test("a class registered by somebody else is not Keras' class of that name")
  func registered() throws {
    let custom = """
      {"class_name": "Flatten", "registered_name": "Mine>Flatten", "config": {"name": "f"}}
      """
    #expect(refusal(custom).contains("class Mine>Flatten is not supported"))
  }
}
