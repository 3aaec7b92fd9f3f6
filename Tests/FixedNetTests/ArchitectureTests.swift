import FixedNet
import Testing

/// Models that a short text describes.
@Suite("Architectures")
struct ArchitectureTests {
  private static let colours = Shape.image(height: 8, width: 9, channels: 3)

  @Test("dense layers, ReLU and the outputs of the data")
  func mlp() throws {
    let model = try ModelArchitecture(named: "mlp:64,32").model(
      input: .vector(4), outputs: .classes(3))
    #expect(model.layers.map(\.name) == ["dense", "dense_1", "dense_2"])
    let layers = try #require(model.layers as? [Dense])
    #expect(layers.map(\.units) == [64, 32, 3])
    #expect(layers.map(\.activation) == [.relu, .relu, .softmax])
    // 4 x 64 + 64, 64 x 32 + 32, 32 x 3 + 3
    #expect(try model.parameterCount() == 320 + 2080 + 99)
  }

  @Test("images are flattened, numbers have linear outputs")
  func numbers() throws {
    let architecture = try ModelArchitecture(named: "mlp:5")
    let model = architecture.model(input: Self.colours, outputs: .numbers(2))
    #expect(model.layers.map(\.name) == ["flatten", "dense", "dense_1"])
    #expect((model.layers.last as? Dense)?.activation == .linear)
    #expect(architecture.loss(for: .numbers(2)) == .meanSquaredError)
    #expect(architecture.loss(for: .classes(2)) == nil)
  }

  @Test("convolutions with pooling, as long as there is something to pool")
  func cnn() throws {
    let model = try ModelArchitecture(named: "cnn:4,6,7,9").model(
      input: Self.colours, outputs: .classes(10))
    #expect(
      model.layers.map(\.name) == [
        "conv2d", "max_pooling2d", "conv2d_1", "max_pooling2d_1", "conv2d_2", "max_pooling2d_2",
        "conv2d_3", "flatten", "dense",
      ])
    // 8 x 9, 4 x 4, 2 x 2, 1 x 1: the last convolution has nothing to pool.
    let shapes = try model.shapes()
    #expect(shapes.outputs[5].dimensions == [1, 1, 7])
    #expect(shapes.output.dimensions == [10])
  }

  @Test("a built-in model predicts numbers without its softmax, and classes with it")
  func builtIn() throws {
    let architecture = try ModelArchitecture(named: "lenet-plain")
    let numbers = architecture.model(outputs: .numbers(3))
    #expect((numbers.layers.last as? Dense)?.activation == .linear)
    #expect((numbers.layers.last as? Dense)?.units == 3)
    let classes = architecture.model(outputs: .classes(3))
    #expect((classes.layers.last as? Dense)?.activation == .softmax)
    #expect(try architecture.model().json == BuiltInModel.lenetPlain.model().json)
  }

  @Test(
    "other texts are refused",
    arguments: [
      "mlp:", "mlp:0", "mlp:-3", "mlp:64,", "mlp:6 4", "mlp:65537", "cnn:x", "cnn:+3",
      "mlp:99999999999999999999", "mlp:" + Array(repeating: "1", count: 65).joined(separator: ","),
    ])
  func refused(text: String) {
    #expect {
      try ModelArchitecture(named: text)
    } throws: { error in
      "\(error)".contains("widths from 1 to 65536, such as \(text.prefix(3)):64,32")
    }
  }

  @Test("a name that nothing has is unknown", arguments: ["", "lenet2", "MLP:3", "mlp"])
  func unknown(name: String) throws {
    if name == "mlp" {
      #expect(try ModelArchitecture(named: name) == .builtIn(.mlp))
    } else {
      #expect(throws: ModelError.unknownModel(name)) { try ModelArchitecture(named: name) }
    }
  }

  @Test("layers without names get Keras' default names, beside those that have one")
  func defaultNames() throws {
    let model = Model(
      name: "m", input: .image(height: 6, width: 6, channels: 1),
      layers: [
        Conv2D(filters: 2, kernelSize: (3, 3)),
        Conv2D(name: "conv2d_1", filters: 2, kernelSize: (1, 1)),
        Conv2D(filters: 2, kernelSize: (1, 1)), GlobalAveragePooling2D(), Dense(units: 2),
      ])
    #expect(
      model.layers.map(\.name) == [
        "conv2d", "conv2d_1", "conv2d_2", "global_average_pooling2d", "dense",
      ])
  }

  @Test("JSON for people has lines of at most 80 columns where it can, and says the same")
  func indented() throws {
    let json = BuiltInModel.lenetPlain.model().json
    let text = json.indentedText
    #expect(try JSONValue(parsing: text) == json)
    let lines = text.split(separator: "\n")
    #expect(lines.count > 20)
    #expect(lines.allSatisfy { $0.count <= 100 })
    #expect(JSONValue.array([1, 2]).indentedText == "[1, 2]")
  }
}
