import FixedNet

/// How `train` and `plan` save memory, and what they say about it.
extension PlanOptions {
  /// What `train` plans: where a mini-batch is one image the weights are updated in the backward pass, unless the whole
  /// gradient is needed first.
  package var asTrained: PlanOptions {
    var options = self
    options.updatesInBackward = isTraining && batch == 1 && updateObstacle == nil
    return options
  }
}

extension NetworkPlan {
  /// A line each for what the plan does to need less memory, or why it does not.
  package var savings: [String] {
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
      let count = recomputedLayers.count
      lines.append(
        "computed again in the backward pass: "
          + (count > 4 ? "outputs of \(count) layers" : "the output of \(names)"))
    }
    if loadsInputAgain {
      lines.append("loaded again in the backward pass: the input, whose memory serves others")
    }
    if computesAgain {
      lines.append(
        "that saves \(Format.grouped(recomputationSavedByteCount)) bytes for "
          + "\(Format.grouped(recomputedMultiplyAdds)) multiply-adds an image\(share)")
    }
    return lines
  }

  private var computesAgain: Bool { loadsInputAgain || !recomputedLayers.isEmpty }

  /// What is computed again, as a part of a step's forward and backward pass.
  private var share: String {
    guard let forward = try? model.multiplyAdds(), forward > 0 else { return "" }
    let percent = Double(recomputedMultiplyAdds) / Double(3 * forward) * 100
    return " (\(Format.fixed(percent, 1)) % of a step's)"
  }

  /// Throws: `ToolError` where recomputing was asked for and saves nothing.
  package func checkingRecomputation() throws -> NetworkPlan {
    guard options.recomputes, options.memoryBudget == nil, !computesAgain else {
      return self
    }
    throw ToolError(
      "--recompute: computing outputs of this model again saves no memory; leave it out")
  }
}
