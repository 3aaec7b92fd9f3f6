import FixedNet
import Testing

/// Configurations that are JSON and were made to be expensive, or to fill the screen: one short line, and at once.
@Suite("Hostile configurations")
struct HostileConfigTests {
  private static let input =
    #"{"class_name": "InputLayer", "config": {"name": "i", "batch_shape": [null, 4]}}"#
  private static let million = String(repeating: "x", count: 1 << 20)

  private static func model(_ layers: String, _ name: String = "m") -> String {
    #"{"class_name": "Sequential", "config": {"name": "\#(name)", "layers": [\#(input), \#(layers)]}}"#
  }

  private static func dense(_ name: String, _ more: String = "") -> String {
    #"{"class_name": "Dense", "config": {"name": "\#(name)", "units": 2\#(more)}}"#
  }

  /// Texts of half a mebibyte or more, and a part of what is said of them.
  static let models: [(String, String)] = {
    let list = "[" + String(repeating: "1,", count: 1 << 18) + "1]"
    let names = (0..<1_000).map {
      dense(String(repeating: "e\u{301}\u{316}", count: 200) + "\($0)")
    }
    return [
      (
        model(Array(repeating: "{}", count: 100_000).joined(separator: ",")),
        "100001 layers; at most 1024"
      ),
      (model(#"{"class_name": "\#(million)", "config": {"name": "n"}}"#), "class xxx"),
      (model(#"{"class_name": "\#(million)", "config": {}}"#), "class xxx"),
      (model(#"{"class_name": "\#(million)", "config": {"name": 1}}"#), "has no name"),
      (
        model(
          #"{"class_name": "Dense", "registered_name": "a>\#(million)", "config": {"name": "n"}}"#),
        "class a>xxx"
      ),
      (
        model(
          (0..<1_000).map { #"{"class_name": "Random\#($0)", "config": {"name": "\#($0)"}}"# }
            .joined(separator: ",")), "class Random0 is not supported"
      ),
      (
        #"{"class_name": "Functional", "config": {"layers": ["#
          + (0..<100_000).map { #"{"class_name": "C\#($0)"}"# }.joined(separator: ",") + "]}}",
        "100000 layers; at most 1024 are supported"
      ),
      (#"{"class_name": "\#(million)", "config": []}"#, "class xxx"),
      (model(dense("d"), million), "its name has 1048576 bytes; at most 30000"),
      (model(dense(million)), "unusable name"),
      (model(names.joined(separator: ",")), "bytes together; at most 131072"),
      (
        model(dense("d", #", "\#(String(repeating: "k", count: 1_024))": 1"#)),
        "kkk... must be left out"
      ),
      (model(dense("d", #", "activation": "\#(million)""#)), "activation must be one of"),
      (model(dense("d", #", "dtype": "\#(million)""#)), "dtype must be"),
      (model(dense("d", #", "kernel_constraint": \#(list)"#)), "found a list of 262145: [1, 1,"),
      (model(dense("d", #", "bias_initializer": "\#(million)""#)), "no error"),
      (#"{"keras_version": "1.\#(million)"}"#, "Keras 1 wrote it"),
      (#"{"modelTopology": 1, "format": \#(list)}"#, "TensorFlow.js"),
    ]
  }()

  @Test("a model is refused in a short line", arguments: models.indices)
  func refused(index: Int) throws {
    let (text, part) = HostileConfigTests.models[index]
    var message = "no error"
    let time = try ContinuousClock().measure {
      do {
        _ = try Model(json: JSONValue(parsing: text))
      } catch let error as ModelError { message = error.description }
    }
    #expect(message.contains(part), "\(message.prefix(300))")
    #expect(message.unicodeScalars.count <= 2_000)
    // In an unoptimised build, among others that run: what grows as the square takes minutes.
    #expect(time < .seconds(20))
  }

  @Test("a layer's name is one byte path, whatever letters it is made of")
  func paths() throws {
    // To Swift's characters "/" with an accent is another letter than "/"; to a file it is a path.
    let error = try #require(throws: ModelError.self) {
      try Model(
        json: JSONValue(parsing: HostileConfigTests.model(HostileConfigTests.dense("../\u{301}a"))))
    }
    #expect(error.description.contains("unusable name"))
  }

  @Test("losses that wrap each other are read once each")
  func wrappedLosses() throws {
    // Twice for each would be two to the power of 30.
    var loss = "\"mse\""
    for _ in 0..<30 {
      loss =
        #"{"class_name": "LossFunctionWrapper", "config": {"fn": \#(loss), "reduction": "sum"}}"#
    }
    let read = try #require(try Loss(keras: JSONValue(parsing: loss)))
    #expect(read.name == "mean_squared_error" && read.reduction == .sum)
  }

  @Test("boundaries that do not grow are shown in part")
  func boundaries() throws {
    let numbers = String(repeating: "1, ", count: 100_000) + "1"
    let error = try #require(throws: ModelError.self) {
      try OptimizerConfiguration.parse(
        JSONValue(
          parsing: #"""
            {"class_name": "SGD", "config": {"learning_rate": {"class_name": "PiecewiseConstantDecay",
            "config": {"boundaries": [\#(numbers)], "values": [\#(numbers)]}}}}
            """#))
    }
    #expect(
      error.description.hasPrefix(
        "PiecewiseConstantDecay's boundaries must be growing, found a list of 100001: [1, 1, "))
    #expect(error.description.utf8.count < 200)
  }
}
