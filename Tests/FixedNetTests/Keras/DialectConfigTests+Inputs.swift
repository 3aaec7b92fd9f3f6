import Testing

@testable import FixedNetCompute

extension DialectConfigTests {
  // MARK: - Inputs

  @Test("the input's shape is the layer's, else what Keras noted when it built the model")
  func inputShapes() throws {
    func model(_ config: String, _ beside: String, _ layer: String) throws -> Shape {
      try Model(
        json: JSONValue(
          parsing: """
            {"class_name": "Sequential", "config": {"layers": [{"class_name": "Dense",
            "config": {"units": 2\(layer)}\(beside)}]\(config)}}
            """)
      ).input
    }
    #expect(try model(#", "build_input_shape": [null, 5]"#, "", "") == .vector(5))
    #expect(try model("", #", "build_config": {"input_shape": [16, 6]}"#, "") == .vector(6))
    #expect(try model("", "", #", "input_dim": 7"#) == .vector(7))
    #expect(try model("", "", #", "input_shape": [8]"#) == .vector(8))
    #expect(
      try model(#", "build_input_shape": [null, 5]"#, "", #", "batch_input_shape": [4, 9]"#)
        == .vector(9))
    let error = try #require(throws: ModelError.self) { try model("", "", "") }
    #expect("\(error)".contains("no input shape"))
    #expect(try model("", "", #", "input_dim": 7, "batch_input_shape": [null, 7]"#) == .vector(7))
    for (layer, message) in [
      (#", "input_dim": 7, "batch_input_shape": [null, 8]"#, "input_dim must be 8, as its other"),
      (#", "batch_input_shape": [null, 8], "batch_shape": [null, 8, 8, 1]"#, "batch_input_shape"),
      (#", "batch_shape": [null, 8], "batch_input_shape": 3"#, "batch_input_shape must be [null"),
      (#", "input_shape": 8"#, "input_shape must be [null"),
      (#", "input_dim": [8]"#, "input_dim must be [null"),
    ] {
      let error = try #require(throws: ModelError.self) { try model("", "", layer) }
      #expect("\(error)".contains(message), "\(error)")
    }
  }

  @Test(
    "an input of another rank or open extent is refused with its shape",
    arguments: ["[null, null, null, 3]", "[null, 2, 2, 2, 2]", "[null]", "[\"a\", 3]"])
  func otherInputs(input: String) {
    let text = refusal(layer("Flatten", "\"name\": \"f\""), input: input)
    #expect(text.contains("batch_shape must be") && text.hasSuffix("found \(input)"), "\(text)")
  }

  @Test("rows of features suit layers that look at single values or the last axis, and Flatten")
  func matrices() throws {
    let model = try read(layer("Flatten", "\"name\": \"f\""), input: "[null, 5, 4]")
    #expect(model.input == .matrix(rows: 5, columns: 4))
    #expect(try model.shapes().outputs == [.vector(20)])
    #expect(model.input.takes(.image(height: 5, width: 4, channels: 1)))
    #expect(!model.input.takes(.image(height: 4, width: 5, channels: 1)))
    for (name, config) in [
      ("Conv2D", #""filters": 2, "kernel_size": 1"#), ("MaxPooling2D", ""),
      ("GlobalMaxPooling2D", ""),
    ] {
      let comma = config.isEmpty ? "" : ", "
      let text = refusal(
        layer(name, "\"name\": \"x\"\(comma)\(config)"), input: "[null, 5, 4]")
      #expect(text.contains("but its input is 5x4"), "\(text)")
    }
  }

  @Test("whole numbers must reach a layer that computes in float32 by way of none that does not")
  func wholeNumbers() throws {
    func text(_ layers: String) -> String {
      refusal(layers, input: #"[null, 8, 8, 1], "dtype": "uint8""#)
    }
    let scaled = layer("Rescaling", #""name": "r", "scale": 0.5"#)
    let sigmoid = layer("Activation", #""name": "a", "activation": "sigmoid""#)
    let pool = layer("AveragePooling2D", #""name": "p""#)
    #expect(text("\(scaled), \(sigmoid), \(pool)") == "no error")
    #expect(text("\(sigmoid), \(scaled)").contains("layer 'a': its input must be float32"))
    #expect(text("\(pool), \(scaled)").contains("layer 'p': its input must be float32"))
    let model = try read(scaled, input: #"[null, 8, 8, 1], "dtype": "uint8""#)
    #expect(model.inputType == .uint8)
    #expect(try Model(json: model.json).inputType == .uint8)
    let network = try Network(NetworkPlan(model, options: PlanOptions(batch: 1, isTraining: false)))
    for (value, isTaken) in [(255, true), (0, true), (256, false), (-1, false), (0.5, false)]
      as [(Float, Bool)]
    {
      var pixels = [Float](repeating: 3, count: 64)
      pixels[63] = value
      let images = ImageSet(shape: model.input, pixels: .floats(pixels), labels: [])
      if isTaken {
        #expect(try network.predict(images).outputs.values[63] == value / 2)
      } else {
        let error = try #require(throws: NetworkError.self) { try network.predict(images) }
        #expect("\(error)".contains("uint8") && "\(error)".contains("\(value)"), "\(error)")
      }
    }
  }
}
