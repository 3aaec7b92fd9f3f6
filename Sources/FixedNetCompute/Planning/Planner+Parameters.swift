import FixedNetCore

extension Planner {
  /// Reserves a weight and, for a trainable one in a training plan, its gradient. `inPieces`: a layer that can do with
  /// pieces of the gradient where the weights are updated in the backward pass.
  func reserveParameter(
    layer: String, _ description: WeightDescription, layout: ParameterLayout,
    inPieces: Bool = false
  ) -> PlacedParameter {
    if replay != nil,
      let known = parameters.first(where: {
        $0.layerName == layer && $0.description.name == description.name
      })
    {
      return known
    }
    let name = "\(layer)/\(description.name)"
    let shape = layout.engineShape(description.shape)
    let weight = reserve(
      name, shape: shape, region: description.isTrainable ? .parameters : .statistics,
      scope: .shared, lasting: true)
    func shared(_ part: String, _ region: Region) -> SharedSlot {
      reserve("\(name)/\(part)", shape: shape, region: region, scope: .shared, lasting: true).shared
    }
    var parameter = PlacedParameter(
      layerName: layer, description: description, layout: layout, weight: weight.shared,
      isTrained: isTraining && description.isTrainable && !isFrozen(layer))
    if parameter.isTrained {
      if !(inPieces && options.updatesInBackward) {
        parameter.gradient = shared("gradient", .gradients)
      }
      parameter.state = options.optimizer.slotNames.map { shared($0, .optimizer) }
      if options.isSecondOrder {
        parameter.direction = shared("direction", .directions)
        parameter.product = shared("product", .products)
      }
    }
    parameters.append(parameter)
    return parameter
  }

  /// Reserves a kernel and its bias, where there is one, of a layer that can do with pieces of their gradients.
  func reserveKernel(
    layer: String, _ descriptions: [WeightDescription], layout: ParameterLayout
  ) -> (kernel: PlacedParameter, bias: PlacedParameter?) {
    let kernel = reserveParameter(layer: layer, descriptions[0], layout: layout, inPieces: true)
    guard descriptions.count > 1 else { return (kernel, nil) }
    return (
      kernel, reserveParameter(layer: layer, descriptions[1], layout: .plain, inPieces: true)
    )
  }

  /// Reserves room for `rowCount` rows of a weight's gradient and for the bias', alive during the current step.
  func reservePieces(layer: String, rowCount: Int, columnCount: Int, bias: Bool) -> GradientPieces {
    let slot = reserve(
      "\(layer)/gradient piece", shape: [rowCount + (bias ? 1 : 0), columnCount], region: .scratch,
      scope: .thread)
    return GradientPieces(slot: slot.thread, rowCount: rowCount)
  }

  /// Reserves room for a block's part of the gradients of a layer's weights; nil where they are not trained.
  func reservePartial(
    layer: String, _ first: PlacedParameter, _ second: PlacedParameter?
  ) -> PartialGradients? {
    guard let trained = first.trained else { return nil }
    let slot = reserve(
      "\(layer)/partial", shape: [first.count + (second?.count ?? 0)], region: .gradients,
      scope: .block)
    if !options.updatesInBackward { keepUntilUpdate(slot) }
    return PartialGradients(
      partial: slot.block, first: trained, second: second?.trained,
      updatesInBackward: options.updatesInBackward)
  }

  /// Reserves room for `count` gradients of each part of the batch, in whole cache lines.
  func reserveParts(_ stripes: StripeLayout, layer: String, count: Int) -> GradientStripes {
    let stride = (count + 15) / 16 * 16
    let slot = reserve(
      "\(layer)/partial", shape: [stripes.partCount(blocks: options.blockCount), stride],
      region: .scratch, scope: .shared, lasting: true)
    return GradientStripes(layout: stripes, partial: slot.shared, stride: stride)
  }

  /// Reserves values that the program reads and nothing changes.
  func reserveConstant(_ name: String, _ values: [Float]) -> SharedSlot {
    reserveConstant(name, count: values.count) { values }
  }

  /// `values`: asked for once there is memory.
  func reserveConstant(_ name: String, count: Int, _ values: @escaping () -> [Float]) -> SharedSlot
  {
    let slot = reserve(
      name, shape: [count], region: .constants, scope: .shared, lasting: true
    ).shared
    if replay == nil { constants.append((slot, values)) }
    return slot
  }
}
