import CSupport
import FixedNet
import KernelCheck
import Testing

@Suite("Lane network kernels")
struct LaneTests {
  private static func shape(_ random: inout Random) -> cs_lane_networks {
    cs_lane_networks(
      width: random.integer(1...Int32(CS_LANE_NETWORK_MAX_WIDTH)), depth: random.integer(1...5),
      hiddenSlope: random.element([0, 0, 0.01, 0.3]), outputSlope: random.element([0, 1, 0.5]))
  }

  @Test("every instruction set has the reference's bits", arguments: InstructionSet.available)
  func bits(set: InstructionSet) {
    Trial.run(set, draws: 60) { trial in
      var shape = Self.shape(&trial.random)
      let samples = trial.random.integer(1...trial.random.element([3, 64, 70]))
      let (parameters, count) = (shape.parameters * 16, Int(samples))
      let activations = count * Int(shape.depth * shape.width + 1) * 16
      trial.shape = "\(shape), \(samples) samples"
      let (x, target) = (trial.input(count), trial.input(count))
      let w = trial.input(parameters)
      let y = trial.compare(["y": activations]) { kernels, out in
        kernels.lanes_forward(&shape, samples, x.values, w.values, out[0])
      }
      let slots = ["y": activations, "dw": parameters, "loss": 16] as KeyValuePairs
      let accumulates = trial.random.integer(0...1)
      let initial = [y[0], trial.input(parameters), trial.input(16)]
      let found = trial.compare(slots, from: initial) { kernels, out in
        kernels.lanes_backward(
          &shape, samples, x.values, target.values, 1 / Float(samples), w.values, out[0],
          accumulates, out[1], out[2])
      }
      // In two calls, each with its own activations.
      let cut = trial.random.integer(0...samples)
      trial.expect("dw of two calls", found[1], from: initial[1]) { kernels, dw in
        let loss = trial.copy(initial[2])
        for (first, count) in [(0, cut), (cut, samples - cut)] {
          let part = trial.output(activations)
          let at = Int(first)
          kernels.lanes_forward(&shape, count, x.values + at, w.values, part.values)
          kernels.lanes_backward(
            &shape, count, x.values + at, target.values + at, 1 / Float(samples), w.values,
            part.values, first == 0 ? accumulates : 1, dw, loss.values)
        }
        #expect(
          (0..<16).allSatisfy {
            loss.values[$0].bitPattern == found[2].values[$0].bitPattern
              || loss.values[$0].isNaN && found[2].values[$0].isNaN
          })
      }
    }
  }

  /// Not the first of the lanes, and a unit on either side of 0: z = (2, -3), a = (2, -1.5), output 2 - 1.5 * 2 + 0.5.
  @Test("a network of one hidden layer by hand", arguments: InstructionSet.available)
  func byHand(set: InstructionSet) {
    Trial.run(set, draws: 2) { trial in
      var shape = cs_lane_networks(width: 2, depth: 1, hiddenSlope: 0.5, outputSlope: 1)
      let w = trial.input(shape.parameters * 16, KC_PLAIN)
      for (index, value) in ([1, -1, 0, -1, 1, 2, 0.5] as [Float]).enumerated() {
        w.values[index * 16 + 5] = value
      }
      let x = trial.output(1)
      let target = trial.output(1)
      (x.values[0], target.values[0]) = (2, 1.5)
      let (y, dw, loss) = (trial.output(48), trial.output(7 * 16), trial.output(16))
      let kernels = set.kernels.pointee
      kernels.lanes_forward(&shape, 1, x.values, w.values, y.values)
      #expect([0, 1, 2].map { y.values[$0 * 16 + 5] } == [2, -1.5, -0.5])
      kernels.lanes_backward(
        &shape, 1, x.values, target.values, 1, w.values, y.values, 0, dw.values, loss.values)
      // dy = 2 (-0.5 - 1.5) = -4, da = dy (1, 2), dz = da (1, 0.5).
      #expect(loss.values[5] == 4)
      #expect((0..<7).map { dw.values[$0 * 16 + 5] } == [-8, -8, -4, -4, -8, 6, -4])
    }
  }
}

extension cs_lane_networks {
  fileprivate var parameters: Int {
    Int(2 * width + (depth - 1) * (width + 1) * width + width + 1)
  }
}
