import FixedNet

/// How `train` and `plan` save memory, and what they say about it.
extension PlanOptions {
  /// What `train` plans: where a mini-batch is one image the weights are updated in the backward pass, unless the whole
  /// gradient is needed first.
  public var asTrained: PlanOptions {
    var options = self
    options.updatesInBackward = isTraining && batch == 1 && updateObstacle == nil
    return options
  }
}

extension NetworkPlan {
  /// A line each for what the plan does to need less memory, or why it does not.
  public var savings: [String] {
    var lines: [String] = []
    if options.updatesInBackward {
      lines.append(
        "each layer's weights are updated in the backward pass, on one thread: no room for gradients"
      )
    } else if options.isTraining, options.batch == 1, let obstacle = options.updateObstacle {
      lines.append("no update in the backward pass: \(obstacle)")
    }
    if !recomputedLayers.isEmpty {
      let names = recomputedLayers.reversed().joined(separator: ", ")
      lines.append("outputs computed again in the backward pass: \(names)")
    }
    return lines
  }

  /// Throws: `ToolError` where recomputing was asked for and saves nothing.
  public func checkingRecomputation() throws -> NetworkPlan {
    guard options.recomputes, recomputedLayers.isEmpty else { return self }
    throw ToolError(
      "--recompute: no convolution of this model has a pooling layer right behind it and something "
        + "to train in front; leave it out")
  }
}
