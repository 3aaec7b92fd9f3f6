import FixedNet

/// How a model from a file is planned to be run.
package enum InferencePlan {
  /// The batch that was asked for, or the largest of 128, 64, ... that the memory allows.
  /// `file`: where the model comes from, for messages. `fusesLayers`: false keeps every layer's output apart.
  /// `threads`: nil: as many as are worth it. `subnormals`: as the model was trained.
  /// Throws: `ToolError`, `ModelError`, `PlanError`.
  package static func make(
    _ model: Model, of file: String, batch: Int?, threads: Int?, loss: Loss?, budget: ByteCount?,
    subnormals: Subnormals, fusesLayers: Bool = true
  ) throws -> (plan: NetworkPlan, threads: ThreadChoice) {
    try ThreadChoice.plan(asked: threads) {
      try make(
        model, of: file, batch: batch, on: $0, loss: loss, budget: budget, subnormals: subnormals,
        fusesLayers: fusesLayers)
    }
  }

  private static func make(
    _ model: Model, of file: String, batch: Int?, on threads: Int, loss: Loss?, budget: ByteCount?,
    subnormals: Subnormals, fusesLayers: Bool
  ) throws -> NetworkPlan {
    var count = batch ?? 128
    while true {
      var options = PlanOptions(batch: count, isTraining: false, threads: threads, loss: loss)
      options.fusesLayers = fusesLayers
      options.subnormals = subnormals
      let plan = try NetworkPlan(model, options: options)
      if plan.memory.byteCount <= MemoryLimit.bytes(for: plan, budget: budget) { return plan }
      guard batch == nil, count > 1 else {
        try MemoryLimit.check(plan, of: file, budget: budget)
        return plan
      }
      count /= 2
    }
  }
}
