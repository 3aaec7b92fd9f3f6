extension SequentialModel {
  /// The layers as programs run them, each with the name of the layer that it computes the output of.
  ///
  /// - An activation that is no kernel's own (softmax) becomes a layer.
  /// - Rescaling(2) and a sigmoid are one scaled sigmoid; so are tanh and Rescaling(1/2, 1/2).
  /// - An activation behind a linear Dense or Conv2D is applied by its kernel.
  /// - `fuses`: false leaves every layer's output where it can be looked at.
  /// - `keepsLast`: the last activation stays a layer, because a loss may take its place.
  func lowered(fuses: Bool, keepsLast: Bool = true) -> [LoweredLayer] {
    var result: [LoweredLayer] = []
    for layer in layers { result += LoweredLayer.split(layer) }
    if fuses {
      result = LoweredLayer.scaledSigmoids(result)
      result = LoweredLayer.activationsInKernels(result, keepsLast: keepsLast)
    }
    LoweredLayer.rename(&result)
    return result
  }
}

/// A layer of a program.
struct LoweredLayer {
  var layer: any Layer
  /// The layer of the model whose output this is.
  var origin: String
  /// The first layer of the model that is part of it: another one than `origin` where that was absorbed.
  var first: String

  init(layer: any Layer, origin: String, first: String? = nil) {
    self.layer = layer
    self.origin = origin
    self.first = first ?? origin
  }

  /// A layer and its activation apart.
  fileprivate static func split(_ layer: any Layer) -> [LoweredLayer] {
    func parts(_ linear: any Layer, _ function: ActivationFunction) -> [LoweredLayer] {
      let activation = Activation(name: "\(layer.name)/\(function.name)", function: function)
      return [linear, activation].map { LoweredLayer(layer: $0, origin: layer.name) }
    }
    switch layer {
    case var dense as Dense where dense.activation != .linear:
      let function = dense.activation
      dense.activation = .linear
      return parts(dense, function)
    case var convolution as Conv2D where convolution.activation != .linear:
      let function = convolution.activation
      convolution.activation = .linear
      return parts(convolution, function)
    case let softmax as Softmax:
      return [LoweredLayer(layer: softmax.activation, origin: layer.name)]
    case let rectifier as ReLU where rectifier.rectifier.isPlain:
      let activation = Activation(name: layer.name, function: .relu)
      return [LoweredLayer(layer: activation, origin: layer.name)]
    default: return [LoweredLayer(layer: layer, origin: layer.name)]
    }
  }

  private var function: ActivationFunction? { (layer as? Activation)?.function }

  fileprivate static func scaledSigmoids(_ layers: [LoweredLayer]) -> [LoweredLayer] {
    var result: [LoweredLayer] = []
    for next in layers {
      if let last = result.last, isScaledSigmoid(last, next) {
        result.removeLast()
        let activation = Activation(name: next.layer.name, function: .scaledSigmoid)
        result.append(LoweredLayer(layer: activation, origin: next.origin, first: last.first))
      } else {
        result.append(next)
      }
    }
    return result
  }

  private static func isScaledSigmoid(_ first: LoweredLayer, _ second: LoweredLayer) -> Bool {
    if let rescaling = first.layer as? Rescaling, rescaling.isUniform {
      return rescaling.scale == 2 && rescaling.offset == 0 && second.function == .sigmoid
    }
    guard first.function == .tanh, let rescaling = second.layer as? Rescaling, rescaling.isUniform
    else { return false }
    return rescaling.scale == 0.5 && rescaling.offset == 0.5
  }

  fileprivate static func activationsInKernels(_ layers: [LoweredLayer], keepsLast: Bool)
    -> [LoweredLayer]
  {
    var result: [LoweredLayer] = []
    for (index, next) in layers.enumerated() {
      if let function = next.function, function.isInKernels,
        index < layers.count - (keepsLast ? 1 : 0),
        let last = result.last, let fused = last.applying(function)
      {
        result[result.count - 1] = LoweredLayer(
          layer: fused, origin: next.origin, first: last.first)
      } else {
        result.append(next)
      }
    }
    return result
  }

  private func applying(_ function: ActivationFunction) -> (any Layer)? {
    switch layer {
    case var dense as Dense where dense.activation == .linear:
      dense.activation = function
      return dense
    case var convolution as Conv2D where convolution.activation == .linear:
      convolution.activation = function
      return convolution
    default: return nil
    }
  }

  /// Layers' names are slots' names, so they are unique; an activation that was split off may meet one.
  fileprivate static func rename(_ layers: inout [LoweredLayer]) {
    var names: Set<String> = []
    for index in layers.indices {
      guard var activation = layers[index].layer as? Activation else {
        names.insert(layers[index].layer.name)
        continue
      }
      while names.contains(activation.name)
        || layers.contains(where: { !($0.layer is Activation) && $0.layer.name == activation.name })
      {
        activation.name += "'"
      }
      names.insert(activation.name)
      layers[index].layer = activation
    }
  }
}
