import CSupport
import FixedNet
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
          let isSame = kc_first_difference(sum.values + Int(lane), one, 1) == 1
          let isSameHit = flag.pointee == results[1].values[Int(lane)]
          trial.expect("loss of image \(lane) alone", at: isSame && isSameHit ? nil : 0)
        }
      }
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
  }

  enum Loss {
    case squaredError, logistic
  }
}
