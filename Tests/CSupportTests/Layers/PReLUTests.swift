import CSupport
import FixedNet
import KernelCheck
import Testing

@Suite("PReLU")
struct PReLUTests {
  @Test("every instruction set has the reference's bits", arguments: InstructionSet.available)
  func bits(set: InstructionSet) {
    Trial.run(set, draws: 400) { trial in
      let s = Shape(trial, 1...9, 1...40)
      let x = trial.input(s.count, trial.random.once(in: 3) ? KC_INTEGERS : nil)
      let (alpha, dy) = (trial.input(s.slopeCount), trial.input(s.count))
      let y = trial.compare(["y": s.count]) {
        $0.prelu_forward(
          s.channels, s.pixels, s.slopes, s.block, x.values, alpha.values, $1[0])
      }[0]
      trial.expect("y in place", y, from: x) {
        $0.prelu_forward(s.channels, s.pixels, s.slopes, s.block, $1, alpha.values, $1)
      }
      let found = trial.compare(["dx": s.count, "dalpha": s.slopeCount]) {
        $0.prelu_backward(
          s.channels, s.pixels, s.slopes, s.block, s.lanes, x.values, alpha.values, dy.values,
          $1[0], $1[1])
      }
      trial.expect("dx in place, without dalpha", found[0], from: dy) {
        $0.prelu_backward(
          s.channels, s.pixels, s.slopes, s.block, s.lanes, x.values, alpha.values, $1, $1, nil)
      }
      trial.expect("dalpha with dx in place", found[1]) { kernels, dalpha in
        let dx = trial.copy(dy).values
        kernels.prelu_backward(
          s.channels, s.pixels, s.slopes, s.block, s.lanes, x.values, alpha.values, dx, dx, dalpha)
      }
    }
  }

  @Test("the reference follows the formula and its central differences")
  func textbook() {
    Trial.run(nil, draws: 60) { trial in
      let s = Shape(trial, 1...3, 1...5)
      let x = trial.input(s.count, KC_PLAIN)
      let (alpha, dy) = (trial.input(s.slopeCount, KC_PLAIN), trial.input(s.count, KC_PLAIN))
      for i in 0..<s.count where abs(x.values[i]) < 1e-4 { x.values[i] = 0.5 }
      let found = trial.compare(["y": s.count, "dx": s.count, "dalpha": s.slopeCount]) {
        $0.prelu_forward(
          s.channels, s.pixels, s.slopes, s.block, x.values, alpha.values, $1[0])
        $0.prelu_backward(
          s.channels, s.pixels, s.slopes, s.block, s.lanes, x.values, alpha.values, dy.values,
          $1[1], $1[2])
      }
      let (exactX, exactAlpha) = (x.doubles, alpha.doubles)
      trial.expectValues("y", found[0], exactX) {
        kc_prelu(s.channels, s.pixels, s.slopes, s.block, $0, exactAlpha, $1)
      }
      trial.expectGradient("dx", found[1], at: exactX, dy.doubles) {
        kc_prelu(s.channels, s.pixels, s.slopes, s.block, $0, exactAlpha, $1)
      }
      let real = dy.doubles.enumerated().map {
        $0.offset % Int(s.block) < s.lanes ? $0.element : 0
      }
      trial.expectGradient("dalpha", found[2], at: exactAlpha, real) {
        kc_prelu(s.channels, s.pixels, s.slopes, s.block, exactX, $0, $1)
      }
    }
  }

  @Test("by hand, with Keras' gradient of 0 at 0", arguments: InstructionSet.available)
  func hand(set: InstructionSet) {
    let (x, alpha, dy): ([Float], [Float], [Float]) = ([-2, 0, 3], [0.5, 0.5, 0.5], [1, 1, 1])
    var (y, dx, dalpha) = (x, x, x)
    set.kernels.pointee.prelu_forward(3, 1, 1, 1, x, alpha, &y)
    set.kernels.pointee.prelu_backward(3, 1, 1, 1, 1, x, alpha, dy, &dx, &dalpha)
    #expect(y == [-1, 0, 3] && dx == [0.5, 0, 1] && dalpha == [-2, 0, 0])
    set.kernels.pointee.prelu_backward(1, 3, 1, 1, 1, x, alpha, dy, &dx, &dalpha)
    #expect(dx == [0.5, 0, 1] && dalpha[0] == -2)
  }

  private struct Shape {
    let channels, pixels, slopes, block, lanes: Int32

    init(_ trial: Trial, _ channels: ClosedRange<Int32>, _ pixels: ClosedRange<Int32>) {
      self.channels = trial.random.integer(channels)
      self.pixels = trial.random.once(in: 4) ? 1 : trial.random.integer(pixels)
      slopes = trial.random.once(in: 2) ? 1 : self.pixels
      block = trial.random.block()
      lanes = trial.random.integer(1...block)
      trial.shape = "\(self)"
    }

    var count: Int { Int(channels * pixels * block) }
    var slopeCount: Int { Int(channels * slopes) }
  }
}
