import CSupport
import FixedNet
import FixedNetCore
import KernelCheck
import Testing

@Suite("Dropout kernel")
struct DropoutTests {
  @Test("every instruction set has the reference's bits", arguments: InstructionSet.available)
  func bits(set: InstructionSet) {
    Trial.run(set, draws: 300) { trial in
      let (count, block) = (trial.random.count(0...200), trial.random.block())
      var rule = DropoutTests.rule(trial)
      let firstImage = trial.random.word()
      trial.shape = "B = \(block) count \(count) \(rule) image \(firstImage)"
      let x = trial.input(count * Int(block))
      let y = trial.compare(["y": x.count]) { kernels, out in
        kernels.dropout(count, block, &rule, firstImage, x.values, out[0])
      }[0]
      trial.expect("y in place", y, from: x) { kernels, y in
        kernels.dropout(count, block, &rule, firstImage, y, y)
      }
      guard block == 16 else { return }
      let lane = trial.random.integer(0...15)
      let image = trial.image(lane, of: x)
      trial.expect("y of image \(lane) alone", trial.image(lane, of: y)) { kernels, y in
        kernels.dropout(count, 1, &rule, firstImage &+ UInt32(lane), image.values, y)
      }
    }
  }

  @Test("behind a rectifier the output tells what was kept", arguments: InstructionSet.available)
  func outputAsMask(set: InstructionSet) {
    Trial.run(set, draws: 200) { trial in
      let (count, block) = (trial.random.count(0...200), trial.random.block())
      var rule = DropoutTests.rule(trial)
      trial.shape = "B = \(block) count \(count) \(rule)"
      let (x, dy) = (trial.input(count * Int(block)), trial.input(count * Int(block)))
      let kernels = cs_kernels_reference().pointee
      kernels.activation_forward(x.count, CS_RELU, x.values, x.values)
      let (y, dx) = (trial.output(x.count), trial.output(x.count))
      kernels.dropout(count, block, &rule, 3, x.values, y.values)
      kernels.dropout(count, block, &rule, 3, dy.values, dx.values)
      kernels.activation_backward(x.count, CS_RELU, x.values, dx.values, dx.values)
      let found = trial.compare(["dx": x.count]) { kernels, out in
        kernels.dropout_backward(x.count, rule.scale, y.values, dy.values, out[0])
      }[0]
      trial.expect("dx of the rectifier's input", dx) { kernels, out in
        kernels.activation_backward(x.count, CS_RELU, x.values, found.values, out)
      }
      trial.expect("dx in place", found, from: dy) { kernels, dx in
        kernels.dropout_backward(x.count, rule.scale, y.values, dx, dx)
      }
    }
  }

  /// The words of Philox.swift, which has test vectors of its own.
  @Test("the kept elements are those that the engine's Philox names")
  func philox() {
    Trial.run(nil, draws: 100) { trial in
      let (count, block) = (trial.random.count(1...100), trial.random.block())
      var rule = DropoutTests.rule(trial)
      let firstImage = trial.random.word()
      trial.shape = "B = \(block) count \(count) \(rule) image \(firstImage)"
      let x = trial.input(count * Int(block), KC_POSITIVE)
      let y = trial.compare(["y": x.count]) { kernels, out in
        kernels.dropout(count, block, &rule, firstImage, x.values, out[0])
      }[0]
      let philox = Philox(
        seed: Philox.join(low: rule.seed.0, high: rule.seed.1),
        stream: Philox.join(low: rule.step, high: rule.stream))
      let wrong = (0..<x.count).first { i in
        let (element, image) = (i / Int(block), firstImage &+ UInt32(i % Int(block)))
        let words = philox.words(at: Philox.join(low: UInt32(element / 4), high: image))
        let word = [words.0, words.1, words.2, words.3][element % 4]
        return y.values[i] != (word >= rule.threshold ? x.values[i] * rule.scale : 0)
      }
      trial.expect("y", at: wrong)
    }
  }

  /// Within five standard deviations; the mean of what is kept stays that of the input.
  @Test("keeps 1 - rate of the elements", arguments: [0.0, 0.1, 0.25, 0.5, 0.9])
  func fraction(rate: Double) {
    let (count, block) = (10_000, 16)
    let total = Double(count * block)
    var rule = DropoutTests.rule(rate, seed: 7, step: 3, stream: 1)
    let x = [Float](repeating: 2, count: count * block)
    var y = x
    InstructionSet.best.kernels.pointee.dropout(count, 16, &rule, 32, x, &y)
    let kept = Double(y.filter { $0 != 0 }.count)
    #expect(abs(kept - total * (1 - rate)) <= 5 * (total * rate * (1 - rate)).squareRoot())
    #expect(y.allSatisfy { $0 == 0 || abs($0 * Float(1 - rate) - 2) < 1e-6 })
    if rate == 0 { #expect(x == y) }
  }

  /// Half of the decisions agree when only one of the seed, the step, the stream and the image
  /// differs, as for independent ones.
  @Test("masks of different steps, streams, seeds and images are independent")
  func independence() {
    let count = 40_000
    func mask(_ rule: cs_dropout, _ image: UInt32) -> [Bool] {
      var rule = rule
      var y = [Float](repeating: 1, count: count)
      InstructionSet.best.kernels.pointee.dropout(count, 1, &rule, image, y, &y)
      return y.map { $0 != 0 }
    }
    let base = mask(DropoutTests.rule(0.5, seed: 1, step: 1, stream: 1), 1)
    let others = [
      mask(DropoutTests.rule(0.5, seed: 2, step: 1, stream: 1), 1),
      mask(DropoutTests.rule(0.5, seed: 1 << 32 + 1, step: 1, stream: 1), 1),
      mask(DropoutTests.rule(0.5, seed: 1, step: 2, stream: 1), 1),
      mask(DropoutTests.rule(0.5, seed: 1, step: 1, stream: 2), 1),
      mask(DropoutTests.rule(0.5, seed: 1, step: 1, stream: 1), 2),
    ]
    for other in others {
      let agreements = zip(base, other).filter { $0 == $1 }.count
      #expect(abs(agreements - count / 2) <= 500)  // five standard deviations
    }
    #expect(base == mask(DropoutTests.rule(0.5, seed: 1, step: 1, stream: 1), 1))
  }

  private static func rule(_ trial: Trial) -> cs_dropout {
    let rate = trial.random.element([0, 0.1, 0.5, 0.875])
    return rule(
      rate, seed: trial.random.seed(), step: trial.random.word(), stream: trial.random.word())
  }

  private static func rule(
    _ rate: Double, seed: UInt64, step: UInt32, stream: UInt32
  ) -> cs_dropout {
    let words = (UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
    return cs_dropout(
      seed: words, step: step, stream: stream, threshold: UInt32((rate * 0x1p32).rounded()),
      scale: Float(1 / (1 - rate)))
  }
}
