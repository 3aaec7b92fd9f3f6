import FixedNetCore
import Testing

@testable import FixedNetCompute

@Suite("Sequential model")
struct SequentialModelTests {
  @Test("its JSON reads back to the same JSON", arguments: BuiltInModel.allCases)
  func roundTrip(_ builtIn: BuiltInModel) throws {
    let model = builtIn.model()
    let text = model.json.text
    let read = try Model(json: JSONValue(parsing: text))
    #expect(read.json.text == text)
    #expect(try read.shapes() == model.kerasForm([]).model.shapes())
    #expect(try read.shapes().output == model.shapes().output)
  }

  @Test("LeNet's shapes are the textbook's")
  func shapes() throws {
    let model = BuiltInModel.lenetPlain.model()
    let shapes = try [model.input] + model.shapes().outputs
    #expect(
      shapes.map(\.description) == [
        "28x28x1", "24x24x6", "12x12x6", "8x8x16", "4x4x16", "256", "120", "84", "10",
      ])
  }

  private func model(_ layers: String) -> String {
    """
    {"class_name": "Sequential", "config": {"name": "m", "layers": [
      {"class_name": "InputLayer", "config": {"name": "i", "batch_shape": [null, 8, 8, 1]}},
      \(layers)]}}
    """
  }

  /// Keras' defaults where a factor is left out; JSON has no 1.0 that is not 1. nil: refused.
  @Test(
    "a regulariser is read in every form that Keras 2 and 3 write",
    arguments: [
      (#"{"class_name": "L2", "config": {"l2": 0.5}}"#, Regularizer(l2: 0.5)),
      (#"{"class_name": "L2", "config": {"l2": 1.0}}"#, Regularizer(l2: 1)),
      (#"{"class_name": "L2", "config": {"l2": 2}}"#, Regularizer(l2: 2)),
      (#"{"class_name": "L2", "config": {}}"#, Regularizer(l2: 0.01)),
      (#"{"class_name": "L2"}"#, Regularizer(l2: 0.01)),
      (#"{"class_name": "L1", "config": {"l1": 0.5}}"#, Regularizer(l1: 0.5)),
      (#"{"class_name": "L1", "config": {}}"#, Regularizer(l1: 0.01)),
      (#"{"class_name": "L1", "config": {"l1": 0}}"#, Regularizer()),
      (#"{"class_name": "L1L2", "config": {"l1": 0.0, "l2": 3.0}}"#, Regularizer(l2: 3)),
      (#"{"class_name": "L1L2", "config": {"l1": 0.0}}"#, Regularizer()),
      (#"{"class_name": "L1L2", "config": {"l1": 1, "l2": 3.0}}"#, Regularizer(l1: 1, l2: 3)),
      (#"{"class_name": "L1L2", "config": {"l1": 0.25}}"#, Regularizer(l1: 0.25)),
      // Null is the default, in Keras 2 and 3.
      (#"{"class_name": "L2", "config": {"l2": null}}"#, Regularizer(l2: 0.01)),
      (#"{"class_name": "L1", "config": {"l1": null}}"#, Regularizer(l1: 0.01)),
      (#"{"class_name": "L1L2", "config": {"l1": null, "l2": null}}"#, Regularizer()),
      (
        #"""
        {"module": "keras.regularizers", "class_name": "L1L2", "config": {"l1": 0.5, "l2": 0.25},
        "registered_name": null}
        """#, Regularizer(l1: 0.5, l2: 0.25)
      ),
      (
        #"{"module": "tf_keras.src.regularizers", "class_name": "L1", "config": {"l1": 2}}"#,
        Regularizer(l1: 2)
      ),
      (#""l2""#, Regularizer(l2: 0.01)), (#""L2""#, Regularizer(l2: 0.01)),
      (#""l1""#, Regularizer(l1: 0.01)), (#""L1L2""#, Regularizer()), ("null", Regularizer()),
      // Keras 2 reads 0.01 twice, Keras 3 does not know it.
      (#""l1_l2""#, nil),
      (#"{"class_name": "L2", "config": {"l2": "0.5"}}"#, nil),
      (#"{"class_name": "L2", "config": {"l2": -0.5}}"#, nil),
      (#"{"class_name": "L1L2", "config": {"l1": -1, "l2": 1}}"#, nil),
      (#"{"class_name": "L1", "config": {"l1": 1e60}}"#, nil),
      (#"{"class_name": "OrthogonalRegularizer", "config": {"factor": 0.01}}"#, nil),
      (#"{"module": "mine.layers", "class_name": "L2", "config": {"l2": 0.5}}"#, nil),
      (#"{"class_name": "L2", "config": {"l2": 0.5}, "registered_name": "mine>L2"}"#, nil),
    ] as [(String, Regularizer?)])
  func regularizers(json: String, expected: Regularizer?) throws {
    let flatten = #"{"class_name": "Flatten", "config": {"name": "f"}}"#
    let dense = """
      "class_name": "Dense", "config": {"name": "d", "units": 3, "activation": "softmax"
      """
    let options = PlanOptions(batch: 8, isTraining: true)
    for key in ["kernel_regularizer", "bias_regularizer"] {
      let text = model("\(flatten), {\(dense), \"\(key)\": \(json)}}")
      let read = try Model(json: JSONValue(parsing: text))
      guard let expected else {
        let error = #expect(throws: ModelError.self) { try NetworkPlan(read, options: options) }
        #expect("\(error as Any)".contains("layer 'd' asks for \(key)"))
        continue
      }
      for model in [read, try Model(json: JSONValue(parsing: read.json.text))] {
        let both = key == "kernel_regularizer" ? [expected, .none] : [.none, expected]
        #expect(try model.weightDescriptions()[1].map(\.regularizer) == both)
        #expect(throws: Never.self) { try NetworkPlan(model, options: options) }
      }
    }
  }

  private func error(_ layers: String) throws -> String {
    let json = try JSONValue(parsing: model(layers))
    do {
      _ = try Model(json: json)
      return "no error"
    } catch {
      return "\(error)"
    }
  }

  @Test("a config that cannot be honoured is refused with layer, key, expected and found")
  func refusals() throws {
    let conv = #""class_name": "Conv2D", "config": {"name": "c", "filters": 3"#
    #expect(
      try error(#"{"class_name": "Lambda", "config": {"name": "l"}}"#)
        .contains("class Lambda is not supported"))
    #expect(
      try error("{\(conv), \"kernel_size\": [9, 9]}}").contains("an image of at least 9x9"))
    #expect(
      try error("{\(conv), \"kernel_size\": 3, \"groups\": 3}}")
        .contains("groups must be a divisor of the input's 1 channels, found 3"))
    #expect(
      try error("{\(conv), \"kernel_size\": 3, \"dilation_rate\": [0, 2]}}")
        .contains("dilation_rate must be"))
    #expect(
      try error("{\(conv), \"kernel_size\": 3, \"dilation_rate\": [4, 1]}}")
        .contains("an image of at least 9x3"))
    #expect(
      try error("{\(conv), \"kernel_size\": 3, \"data_format\": \"channels_first\"}}")
        .contains("data_format must be"))
    #expect(
      try error("{\(conv), \"kernel_size\": 3, \"activation\": \"gelu_erf\"}}")
        .contains("activation must be one of"))
    #expect(
      try error("{\(conv), \"kernel_size\": 3.5}}").contains("kernel_size must be two whole"))
    #expect(
      try error(#"{"class_name": "Flatten", "config": {"name": "i"}}"#)
        .contains("two layers are called 'i'"))
    #expect(
      try error(
        #"{"class_name": "BatchNormalization", "config": {"name": "b", "axis": 1}}"#
      ).contains("axis must be -1 or 3"))
    #expect(
      try error(#"{"class_name": "Normalization", "config": {"name": "n", "axis": [4]}}"#)
        .contains("axis must be axes from 1 to 3"))
    #expect(
      try error(
        #"{"class_name": "Flatten", "config": {"name": "f", "dtype": "int8_from_float32"}}"#
      ).contains("dtype must be float32, float64"))
  }

  @Test("an input or layer beyond the limits is refused before anything is multiplied")
  func limits() throws {
    for shape in [
      "[null, 16777216, 16777216, 16777216]", "[null, 65536, 65536, 1]", "[null, 16777217]",
    ] {
      let json = try JSONValue(
        parsing: model(#"{"class_name": "Flatten", "config": {"name": "f"}}"#)
          .replacing("[null, 8, 8, 1]", with: shape))
      #expect(throws: ModelError.self) { try Model(json: json) }
    }
    #expect(
      try error(
        #"{"class_name": "Flatten", "config": {"name": "f"}}, "#
          + #"{"class_name": "Dense", "config": {"name": "d", "units": 16777217}}"#
      ).contains("units must be a whole number"))
  }

  @Test("layer names that cannot be paths in a file are refused")
  func names() throws {
    let long = String(repeating: "x", count: 30_001)
    for name in ["..", "a/../b", "/a", "a//b", "a\\u0000b", "a\\n", long] {
      #expect(
        try error(#"{"class_name": "Flatten", "config": {"name": "\#(name)"}}"#)
          .contains("unusable name"), "\(name)")
    }
    #expect(
      try error(#"{"class_name": "Flatten", "config": {"name": "block1/flat"}}"#) == "no error")
  }

  @Test("a layer may be called like a softmax that the plan makes itself")
  func collision() throws {
    let model = Model(
      name: "m", input: .vector(4),
      layers: [
        Dense(name: "d", units: 3, activation: .softmax), Dense(name: "d/softmax", units: 3),
        Activation(name: "end", function: .softmax),
      ])
    #expect(
      try NetworkPlan(model, options: PlanOptions(batch: 8, isTraining: true)).memory.byteCount > 0)
  }

  @Test("same padding puts the odd cell at the end")
  func samePadding() {
    #expect(Padding.same.axis(7, kernel: 4, stride: 2) == (4, 1, 2))
    #expect(Padding.same.axis(28, kernel: 5, stride: 1) == (28, 2, 2))
    #expect(Padding.valid.axis(28, kernel: 5, stride: 2) == (12, 0, 0))
    #expect(Padding.valid.axis(5, kernel: 5, stride: 2) == (1, 0, 0))
    #expect(Padding.valid.axis(4, kernel: 5, stride: 1).output == 0)
  }
}

@Suite("JSON")
struct JSONValueTests {
  @Test("Keras' NaN and Infinity are understood")
  func literals() throws {
    let value = try JSONValue(parsing: #"{"a": NaN, "b": -Infinity, "c": 1e-3, "d": 12}"#)
    guard case .number(let nan)? = value["a"] else {
      Issue.record("no number")
      return
    }
    #expect(nan.isNaN)
    #expect(value["b"] == .number(-.infinity))
    #expect(value["c"] == .number(0.001))
    #expect(value["d"] == .integer(12))
  }

  @Test("numbers, booleans and strings keep their kinds")
  func kinds() throws {
    let value = try JSONValue(parsing: #"[true, 1, 1.5, "1", null, "\u00e9\"\\\n"]"#)
    #expect(value == [true, 1, 1.5, "1", nil, "é\"\\\n"])
    #expect(try JSONValue(parsing: value.text) == value)
  }

  @Test("text that is cut or too deep is refused")
  func refusal() {
    #expect(throws: JSONError.self) { try JSONValue(parsing: #"{"a": [1, 2"#) }
    #expect(throws: JSONError.self) { try JSONValue(parsing: "") }
    let deep = String(repeating: "[", count: 20_000) + String(repeating: "]", count: 20_000)
    #expect(throws: JSONError.tooDeep(limit: 64, at: JSONPlace(line: 1, column: 65))) {
      try JSONValue(parsing: deep)
    }
  }
}
