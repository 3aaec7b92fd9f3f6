import FixedNet
import RandomNetworks

/// The gradient of each weight tensor along random directions v, |v| = 1, against central differences of the loss,
/// (L(w + h v) - L(w - h v)) / 2h.
struct GradientTrial {
  /// Of the attempts: two at each point.
  private static let steps: [Float] = [1e-2, 1e-3, 1e-2, 1e-3, 1e-2, 1e-3]
  private let network: RandomNetwork
  private let weights: [LayerWeights]
  private let images: ImageSet
  private let planned: Network

  init(_ network: RandomNetwork, _ weights: [LayerWeights]) throws {
    self.network = network
    self.weights = weights
    var options = network.options(threads: network.threads)
    options.batch = min(options.batch, 19)
    images = network.images(options.batch)
    planned = try Network(NetworkPlan(network.model, options: options))
  }

  func run(_ tally: inout Tally) throws {
    for (layer, tensors) in weights.enumerated() {
      for tensor in tensors.tensors.indices {
        try check(layer, tensor, &tally)
      }
    }
  }

  /// ReLU and max pooling have kinks, beside which two differences can agree with each other and with no derivative:
  /// a gradient is wrong where it differs at three points, along steps of two lengths.
  private func check(_ layer: Int, _ tensor: Int, _ tally: inout Tally) throws {
    var draw = Draw(seed: network.seed, stream: UInt64(1000 + 20 * layer + tensor))
    var message = ""
    var point = weights
    for (attempt, step) in Self.steps.enumerated() {
      if attempt > 0, attempt % 2 == 0 { moveAll(&point, &draw) }
      try planned.load(point)
      _ = try planned.computeGradients(images)
      let gradients = planned.gradients[layer].tensors
      // Moving statistics and frozen layers have no gradient.
      guard tensor < gradients.count else { return }
      var direction = draw.values(count(layer, tensor))
      let length = direction.reduce(0) { $0 + $1 * $1 }.squareRoot()
      for index in direction.indices { direction[index] /= length }
      let analytic = zip(gradients[tensor].values, direction).reduce(0.0) {
        $0 + Double($1.0) * Double($1.1)
      }
      if attempt == 0 { tally.directions += 1 }
      let wide = try difference(point, layer, tensor, direction, step)
      let narrow = try difference(point, layer, tensor, direction, step / 2)
      let tolerance = 3e-4 * max(1, wide.loss) + 0.01 * abs(analytic)
      guard abs(wide.slope - narrow.slope) <= tolerance else { return }
      // Richardson: the error of a central difference is proportional to h^2.
      let numeric = (4 * narrow.slope - wide.slope) / 3
      if abs(numeric - analytic) <= tolerance {
        if abs(analytic) > 3 * tolerance { tally.checkedDirections += 1 }
        return
      }
      message =
        "\(weights[layer].layer) weight \(tensor): gradient \(analytic), differences \(wide.slope), \(narrow.slope) of \(wide.loss)"
    }
    tally.failures.append("\(message): \(network)")
  }

  private func count(_ layer: Int, _ tensor: Int) -> Int {
    weights[layer].tensors[tensor].values.count
  }

  private func move(
    _ point: inout [LayerWeights], _ layer: Int, _ tensor: Int, _ direction: [Float], by step: Float
  ) {
    for (index, value) in direction.enumerated() {
      point[layer].tensors[tensor].values[index] += step * value
    }
  }

  private func moveAll(_ point: inout [LayerWeights], _ draw: inout Draw) {
    for layer in point.indices {
      for tensor in point[layer].tensors.indices {
        move(&point, layer, tensor, draw.values(count(layer, tensor)), by: 0.05)
      }
    }
  }

  private func difference(
    _ point: [LayerWeights], _ layer: Int, _ tensor: Int, _ direction: [Float], _ step: Float
  ) throws -> (slope: Double, loss: Double) {
    func loss(_ step: Float) throws -> Double {
      var moved = point
      move(&moved, layer, tensor, direction, by: step)
      try planned.load(moved)
      return try planned.computeGradients(images).meanLoss
    }
    let above = try loss(step)
    return ((above - (try loss(-step))) / Double(2 * step), abs(above))
  }
}
