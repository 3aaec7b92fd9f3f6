import CSupport
import FixedNet
import Foundation
import KernelCheck
import Testing

@Suite("Squared error and logistic loss kernels")
struct LossTests {
  @Test("every instruction set has the reference's bits", arguments: InstructionSet.available)
  func bits(set: InstructionSet) {
    Trial.run(set, draws: 600) { trial in
      let draw = Draw(trial, trial.random.once(in: 3) ? KC_INTEGERS : nil)
      let z = trial.input(
        draw.count, trial.random.element([KC_INTEGERS, KC_ARGUMENTS, trial.random.values]))
      for loss in [Loss.squaredError, .logistic] {
        let outputs = ["loss": draw.lanes, "hit": draw.lanes, "dz": draw.count] as KeyValuePairs
        let results = trial.compare(outputs) { kernels, out in
          draw.run(loss, kernels, z.values, out[2], out[0], out[1])
        }
        let (sum, dz) = (results[0], results[2])
        let hit = trial.output(draw.lanes).values
        trial.expect("loss without dz", sum) { kernels, sum in
          draw.run(loss, kernels, z.values, nil, sum, hit)
        }
        trial.expect("loss with dz in place", sum) { _, sum in
          trial.expect("dz of the loss in place", dz, from: z) { kernels, dz in
            draw.run(loss, kernels, dz, dz, sum, hit)
          }
        }
        guard draw.block == 16 else { continue }
        let lane = Int32(trial.random.count(0...Int32(draw.lanes) - 1))
        let (image, alone) = (trial.image(lane, of: z), draw.image(lane, trial))
        trial.expect("dz of image \(lane) alone", trial.image(lane, of: dz)) { kernels, dz in
          let (one, flag) = (trial.output(1).values, trial.output(1).values)
          alone.run(loss, kernels, image.values, dz, one, flag)
          let isSame = kc_first_difference(sum.values + Int(lane), one, 1, 0) == 1
          let isSameHit = flag.pointee == results[1].values[Int(lane)]
          trial.expect("loss of image \(lane) alone", at: isSame && isSameHit ? nil : 0)
        }
      }
    }
  }

  @Test("Keras' other losses have the reference's bits", arguments: InstructionSet.available)
  func kerasBits(set: InstructionSet) {
    Trial.run(set, draws: 1600) { trial in
      let draw = Draw(trial, trial.random.element([KC_INTEGERS, KC_PLAIN, nil]))
      let values = trial.random.element([KC_INTEGERS, KC_PLAIN, trial.random.values])
      let z = trial.input(draw.count, values)
      let kind = cs_loss_kind(rawValue: trial.random.integer(0...15))
      var loss = cs_loss(
        kind: kind, weight: draw.weight, targetScale: trial.random.element([1, 0.9, 2]),
        targetOffset: trial.random.element([0, 0.05, -1]), hitThreshold: 0.5,
        delta: trial.random.element([1, 0.3]), alpha: 0.25,
        gamma: trial.random.element([0, 0.5, 1, 2, 3.5]), slope: draw.slope,
        balances: trial.random.integer(0...1))
      trial.shape += " kind \(kind.rawValue)"
      func run(
        _ kernels: cs_kernels, _ draw: Draw, _ z: UnsafePointer<Float>,
        _ dz: UnsafeMutablePointer<Float>?, _ sum: UnsafeMutablePointer<Float>,
        _ hit: UnsafeMutablePointer<Float>
      ) {
        let isJoint = kind.rawValue >= CS_SOFTMAX_CROSS_ENTROPY.rawValue
        (isJoint ? kernels.class_loss : kernels.output_loss)(
          &loss, draw.outputs, draw.block, Int32(draw.lanes), z, draw.target.values, draw.scale, dz,
          sum, hit)
      }
      let outputs = ["loss": draw.lanes, "hit": draw.lanes, "dz": draw.count] as KeyValuePairs
      let results = trial.compare(outputs) { run($0, draw, z.values, $1[2], $1[0], $1[1]) }
      let hit = trial.output(draw.lanes).values
      trial.expect("loss without dz", results[0]) { run($0, draw, z.values, nil, $1, hit) }
      guard draw.block == 16 else { return }
      let lane = Int32(trial.random.count(0...Int32(draw.lanes) - 1))
      let (image, alone) = (trial.image(lane, of: z), draw.image(lane, trial))
      trial.expect("dz of image \(lane) alone", trial.image(lane, of: results[2])) { kernels, dz in
        let (one, flag) = (trial.output(1).values, trial.output(1).values)
        run(kernels, alone, image.values, dz, one, flag)
        let isSame = kc_first_difference(results[0].values + Int(lane), one, 1, 0) == 1
        let isSameHit = flag.pointee == results[1].values[Int(lane)]
        trial.expect("loss of image \(lane) alone", at: isSame && isSameHit ? nil : 0)
      }
    }
  }

  @Test("sample weights have the reference's bits", arguments: InstructionSet.available)
  func weights(set: InstructionSet) {
    Trial.run(set, draws: 200) { trial in
      let draw = Draw(trial, nil)
      let weights = trial.input(draw.lanes, trial.random.element([KC_INTEGERS, KC_PLAIN]))
      let (gradient, losses) = (trial.input(draw.count), trial.input(draw.lanes, KC_PLAIN))
      for n in draw.lanes..<Int(draw.block) {
        for c in 0..<Int(draw.outputs) { gradient.values[c * Int(draw.block) + n] = 0 }
      }
      let outputs = ["loss": draw.lanes, "dz": draw.count] as KeyValuePairs
      let results = trial.compare(outputs, from: [losses, gradient]) { kernels, out in
        kernels.weigh_images(
          draw.outputs, draw.block, Int32(draw.lanes), weights.values, out[1], out[0])
      }
      for n in 0..<draw.lanes {
        let weight = weights.values[n]
        let isRight = results[0].values[n] == (weight == 0 ? 0 : weight * losses.values[n])
        trial.expect("loss \(n)", at: isRight ? nil : n)
      }
    }
  }

  @Test("the reference follows the formulas")
  func textbook() {
    Trial.run(nil, draws: 400) { trial in
      let draw = Draw(trial, trial.random.element([KC_PLAIN, KC_INTEGERS]))
      let values = trial.random.element([KC_PLAIN, KC_INTEGERS])
      let z = trial.input(draw.count, values, scale: trial.random.element([1, 8, 300])).values
      for loss in [Loss.squaredError, .logistic] {
        let outputs = ["dz": draw.count, "loss": draw.lanes, "hit": draw.lanes] as KeyValuePairs
        let found = trial.compare(outputs) { kernels, out in
          draw.run(loss, kernels, z, out[0], out[1], out[2])
        }
        let dz = ExactSums(draw.count)
        let (sum, hit) = (ExactSums(draw.lanes), ExactSums(draw.lanes))
        draw.textbook(loss, z, dz, sum, hit)
        trial.expectNear("\(loss) dz", found[0], dz, terms: 4)
        trial.expectNear("\(loss)", found[1], sum, terms: Int(draw.outputs) + 10)
        trial.expectNear("hit of the \(loss)", found[2], hit, terms: 0)
      }
    }
  }

  /// Expected: the formulas in double, whose exp underflows where it does no harm.
  @Test("the logistic loss of saturated outputs", arguments: InstructionSet.available)
  func saturated(set: InstructionSet) {
    for z in [0, 1e-6, 5, 16.7, 17, 20, 50, 88, 89, 103, 110, 1e4] as [Float] {
      for (sign, target, slope) in [
        (1, 0, 1), (1, 1, 1), (-1, 0, 1), (-1, 1, 1), (1, 1, 2), (-1, 1, 2), (1, 0.25, 1),
      ] as [(Float, Float, Float)] {
        let u = Double(slope * sign * z)
        let loss = max(u, 0) - u * Double(target) + log1p(exp(-abs(u)))
        let sigmoid = u < 0 ? exp(u) / (1 + exp(u)) : 1 / (1 + exp(-u))
        let gradient = Double(slope) * (sigmoid - Double(target))
        for block in [1, 16] {
          let (logits, targets) = (
            [Float](repeating: sign * z, count: block), [Float](repeating: target, count: block)
          )
          var (dz, sum, hit) = (logits, logits, logits)
          set.kernels.pointee.logistic_loss(
            1, Int32(block), Int32(block), logits, targets, slope, 1, 1, &dz, &sum, &hit)
          let last = block - 1
          // A loss below the smallest normal float has fewer digits.
          let isRight = abs(Double(sum[last]) - loss) <= 1e-6 * loss + 0x1p-140
          #expect(isRight, "loss \(sum[last]) of \(sign * z), \(target) is not \(loss)")
          #expect(abs(Double(dz[last]) - gradient) <= 2e-7, "gradient of \(sign * z), \(target)")
          #expect(hit[last] == ((u > 0) == (target > 0.5) ? 1 : 0))
        }
      }
    }
  }

  @Test("an image with a NaN is no hit", arguments: InstructionSet.available)
  func notANumber(set: InstructionSet) {
    let kernels = set.kernels.pointee
    for (z, target) in [
      ([.nan], [0]), ([1, .nan], [1, 0]), ([.nan, 1], [1, 0]), ([0, 1, .nan], [0, 1, 0]),
    ] as [([Float], [Float])] {
      let outputs = Int32(z.count)
      var (loss, hit) = (Float(0), Float(1))
      kernels.logistic_loss(outputs, 1, 1, z, target, 1, 1, 1, nil, &loss, &hit)
      #expect(loss.isNaN && hit == 0)
      (loss, hit) = (0, 1)
      kernels.squared_error(outputs, 1, 1, z, target, 1, 1, nil, &loss, &hit)
      #expect(loss.isNaN && hit == 0)
    }
  }

  /// One draw's extents, target and constants.
  struct Draw {
    let outputs: Int32
    let block: Int32
    let lanes: Int
    let target: KernelBuffer
    let weight: Float
    let slope: Float
    let scale: Float = 0.125

    var count: Int { Int(outputs * block) }

    init(_ trial: Trial, _ values: kc_values?) {
      outputs = trial.random.integer(1...trial.random.element([1, 40]))
      block = trial.random.block()
      lanes = trial.random.count(1...block)
      weight = trial.random.element([1, 0.5, 0.1])
      slope = trial.random.element([1, 2, 0.7])
      target = trial.input(Int(outputs * block), values)
      trial.shape = "B = \(block) outputs \(outputs) lanes \(lanes) slope \(slope)"
    }

    private init(_ draw: Draw, image: KernelBuffer) {
      (outputs, block, lanes, target) = (draw.outputs, 1, 1, image)
      (weight, slope) = (draw.weight, draw.slope)
    }

    func image(_ lane: Int32, _ trial: Trial) -> Draw {
      Draw(self, image: trial.image(lane, of: target))
    }

    func run(
      _ loss: Loss, _ kernels: cs_kernels, _ z: UnsafePointer<Float>,
      _ dz: UnsafeMutablePointer<Float>?, _ sum: UnsafeMutablePointer<Float>,
      _ hit: UnsafeMutablePointer<Float>
    ) {
      switch loss {
      case .squaredError:
        kernels.squared_error(
          outputs, block, Int32(lanes), z, target.values, weight, scale, dz, sum, hit)
      case .logistic:
        kernels.logistic_loss(
          outputs, block, Int32(lanes), z, target.values, slope, weight, scale, dz, sum, hit)
      }
    }

    func textbook(
      _ loss: Loss, _ z: UnsafePointer<Float>, _ dz: ExactSums, _ sum: ExactSums, _ hit: ExactSums
    ) {
      let count = Int32(lanes)
      switch loss {
      case .squaredError:
        kc_squared_error(
          outputs, block, count, z, target.values, weight, scale, dz.values, sum.values, hit.values)
      case .logistic:
        kc_logistic_loss(
          outputs, block, count, z, target.values, slope, weight, scale, dz.values, sum.values,
          hit.values)
      }
    }
  }

  enum Loss {
    case squaredError, logistic
  }
}
