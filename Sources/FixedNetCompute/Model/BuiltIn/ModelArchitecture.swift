/// A model that takes its input and its outputs from the data: a built-in one, or one that a short text describes.
public enum ModelArchitecture: Equatable, Sendable {
  /// A network with a name of its own, such as `lenet`.
  case builtIn(BuiltInModel)
  /// "mlp:64,32": dense layers of so many units with ReLU, then the outputs. Images are flattened first.
  case mlp(units: [Int])
  /// "cnn:32,64": 3x3 convolutions of so many filters with ReLU and padding, each with 2x2 max pooling behind it where
  /// there is more than a row and a column left, then the outputs.
  case cnn(filters: [Int])

  /// What the outputs stand for.
  public enum Outputs: Equatable, Sendable {
    /// Softmax over so many.
    case classes(Int)
    /// So many linear ones.
    case numbers(Int)

    var count: Int {
      switch self {
      case .classes(let count), .numbers(let count): count
      }
    }
  }

  /// The architecture of that name: "lenet", "mlp:64,32".
  /// Throws: `ModelError.unknownModel`; `.option` for widths that no layer has.
  public init(named name: String) throws(ModelError) {
    for (prefix, make) in [("mlp:", ModelArchitecture.mlp), ("cnn:", ModelArchitecture.cnn)]
    where name.hasPrefix(prefix) {
      self = make(try ModelArchitecture.widths(name.dropFirst(prefix.count), of: name))
      return
    }
    self = .builtIn(try BuiltInModel.named(name))
  }

  private static let widthLimit = 65_536
  private static let depthLimit = 64

  private static func widths(_ text: Substring, of name: String) throws(ModelError) -> [Int] {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false)
    let widths = parts.compactMap { part in
      part.allSatisfy { $0.isASCII && $0.isNumber } ? Int(part) : nil
    }
    guard widths.count == parts.count, widths.allSatisfy({ (1...widthLimit).contains($0) }),
      widths.count <= depthLimit
    else {
      let kind = name.prefix { $0 != ":" }
      throw .option(
        key: "the model \(kind):...",
        expected: "1 to \(depthLimit) widths from 1 to \(widthLimit), such as \(kind):64,32",
        found: "'\(OneLine.short(name))'")
    }
    return widths
  }

  /// What the model is made for where nobody says.
  public var defaultInput: Shape {
    switch self {
    case .builtIn(let model): model.defaultInput
    case .mlp, .cnn: .image(height: 28, width: 28, channels: 1)
    }
  }

  /// The loss of a model whose end does not say it: of numbers, the squared error.
  public func loss(for outputs: Outputs?) -> Loss? {
    if case .builtIn(let model) = self, let loss = model.loss { return loss }
    guard case .numbers? = outputs else { return nil }
    if case .builtIn(.perceptron) = self { return nil }
    return .meanSquaredError
  }

  /// The description. nil: what it is made for, 10 classes or as many as the official file has.
  public func model(input: Shape? = nil, outputs: Outputs? = nil) -> Model {
    let (input, outputs) = (input ?? defaultInput, outputs)
    switch self {
    case .builtIn(let builtIn):
      var model = builtIn.model(input: input, classCount: outputs?.count)
      if case .numbers? = outputs { model.endInNumbers() }
      return model
    case .mlp(let units):
      let hidden = units.map { ModelArchitecture.dense($0, .relu) }
      let isVector = input.dimensions.count == 1
      return ModelArchitecture.sequential(
        "mlp", input, (isVector ? [] : [Flatten()]) + hidden, outputs)
    case .cnn(let filters):
      var layers: [any Layer] = []
      var (rows, columns) = (input.dimensions.first ?? 1, input.dimensions.dropFirst().first ?? 1)
      for count in filters {
        layers.append(
          Conv2D(
            filters: count, kernelSize: (3, 3), padding: .same, activation: .relu))
        guard rows > 1, columns > 1 else { continue }
        layers.append(MaxPooling2D(poolSize: (2, 2)))
        (rows, columns) = (rows / 2, columns / 2)
      }
      return ModelArchitecture.sequential("cnn", input, layers + [Flatten()], outputs)
    }
  }

  private static func dense(_ units: Int, _ activation: ActivationFunction) -> any Layer {
    Dense(units: units, activation: activation)
  }

  /// With the layer of the outputs at the end.
  private static func sequential(
    _ name: String, _ input: Shape, _ hidden: [any Layer], _ outputs: Outputs?
  ) -> Model {
    let last =
      switch outputs {
      case .numbers(let count)?: dense(count, .linear)
      case .classes(let count)?: dense(count, .softmax)
      case nil: dense(10, .softmax)
      }
    return Model(name: name, input: input, layers: hidden + [last])
  }
}

extension Model {
  /// Takes the softmax off the last layer: its outputs are numbers.
  fileprivate mutating func endInNumbers() {
    guard var last = layers.last as? Dense, last.activation == .softmax else { return }
    last.activation = .linear
    layers[layers.count - 1] = last
  }
}
