/// Finds the training program that computes outputs again as the options ask.
struct RecomputationChoice {
  private let builder: ProgramBuilder
  private let options: PlanOptions
  private let inference: BuiltProgram

  /// Without a budget a step may take so many times the multiply-adds that it takes when everything is kept.
  private static let costFactor = 1.6

  init(
    _ builder: ProgramBuilder, _ options: PlanOptions, inference: BuiltProgram
  ) {
    self.builder = builder
    self.options = options
    self.inference = inference
  }

  func program() throws(ModelError) -> BuiltProgram {
    // Only what pooling layers find in the place of their convolutions' outputs.
    let plain = try smallest(nil)
    if let budget = options.memoryBudget, try byteCount(plain) <= budget { return plain }
    let flow = builder.flow()
    let search = RecomputationSearch(flow)
    func build(_ retention: Retention) throws(ModelError) -> BuiltProgram {
      try smallest(flow.schedule(retention))
    }
    guard let budget = options.memoryBudget else {
      let limit = (RecomputationChoice.costFactor - 1) * Double(flow.stepCost)
      return try smaller(try build(search.least(costLimit: Int(limit))), plain)
    }
    // Placing may need more than what is live at once.
    var target = budget - flow.sharedByteCount
    for _ in 0..<8 {
      guard let retention = search.cheapest(target) else { break }
      let built = try build(retention)
      let needed = try byteCount(built)
      if needed <= budget { return built }
      target -= needed - budget
    }
    return try smaller(try build(search.least()), plain)
  }

  /// With the gradients of inputs in the inputs' places, or without where that is no larger.
  private func smallest(_ schedule: RecomputationSchedule?) throws(ModelError) -> BuiltProgram {
    let apart = try builder.build(schedule)
    guard builder.replacesSome else { return apart }
    return try smaller(try builder.build(schedule, replacesInputs: true), apart)
  }

  private func smaller(_ first: BuiltProgram, _ second: BuiltProgram) throws(ModelError)
    -> BuiltProgram
  {
    try byteCount(first) < byteCount(second) ? first : second
  }

  private func byteCount(_ built: BuiltProgram) throws(ModelError) -> Int {
    try NetworkPlan.layout(options, training: built, inference: inference).byteCount
  }
}
