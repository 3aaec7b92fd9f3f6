import CSupport
import FixedNet
import Foundation
import KernelCheck
import Testing

@Suite("Softmax and loss kernels")
struct SoftmaxTests {
  @Test("every instruction set has the reference's bits", arguments: InstructionSet.available)
  func bits(set: InstructionSet) {
    Trial.run(set, draws: 400) { trial in
      let (classes, block, lanes) = SoftmaxTests.extents(trial)
      let z = SoftmaxTests.logits(trial, Int(classes * block))
      let dy = trial.input(z.count)
      let p = trial.compare(["p": z.count]) { $0.softmax(classes, block, z.values, $1[0]) }[0]
      trial.expect("p in place", p, from: z) { $0.softmax(classes, block, $1, $1) }
      let gradient = trial.compare(["dz": z.count]) { kernels, out in
        kernels.softmax_backward(classes, block, p.values, dy.values, out[0])
      }[0]
      trial.expect("dz in place", gradient, from: dy) { kernels, dz in
        kernels.softmax_backward(classes, block, p.values, dz, dz)
      }
      if block == 16 {
        let lane = trial.random.integer(0...15)
        let image = trial.image(lane, of: z)
        trial.expect("p of image \(lane) alone", trial.image(lane, of: p)) { kernels, p in
          kernels.softmax(classes, 1, image.values, p)
        }
      }
      SoftmaxTests.compareLoss(trial, classes, block, lanes, z)
    }
  }

  private static func compareLoss(
    _ trial: Trial, _ classes: Int32, _ block: Int32, _ lanes: Int32, _ z: KernelBuffer
  ) {
    let labels = labels(trial, classes, lanes)
    let outputs = ["loss": Int(lanes), "hit": Int(lanes), "dz": z.count] as KeyValuePairs
    let results = trial.compare(outputs) { kernels, out in
      kernels.softmax_cross_entropy(
        classes, block, lanes, z.values, labels, 0.125, out[2], out[0], out[1])
    }
    let (loss, dz) = (results[0], results[2])
    let hit = trial.output(Int(lanes)).values
    trial.expect("loss without dz", loss) { kernels, loss in
      kernels.softmax_cross_entropy(
        classes, block, lanes, z.values, labels, 0.125, nil, loss, hit)
    }
    trial.expect("loss with dz in place", loss) { kernels, loss in
      trial.expect("dz of the loss in place", dz, from: z) { _, dz in
        kernels.softmax_cross_entropy(classes, block, lanes, dz, labels, 0.125, dz, loss, hit)
      }
    }
  }

  @Test("the reference follows the formulas")
  func textbook() {
    Trial.run(nil, draws: 300) { trial in
      let (classes, block, lanes) = SoftmaxTests.extents(trial)
      let count = Int(classes * block)
      let values = trial.random.element([KC_PLAIN, KC_INTEGERS])
      let z = trial.input(count, values, scale: trial.random.element([1, 10, 300])).values
      let dy = trial.input(count, KC_PLAIN).values
      let labels = SoftmaxTests.labels(trial, classes, lanes)
      let (p, gradient, dz) = (ExactSums(count), ExactSums(count), ExactSums(count))
      let (loss, hit) = (ExactSums(Int(lanes)), ExactSums(Int(lanes)))
      let found = trial.compare([
        "p": count, "gradient": count, "dz": count, "loss": Int(lanes), "hit": Int(lanes),
      ]) { kernels, out in
        kernels.softmax(classes, block, z, out[0])
        kernels.softmax_backward(classes, block, out[0], dy, out[1])
        kernels.softmax_cross_entropy(
          classes, block, lanes, z, labels, 0.125, out[2], out[3], out[4])
      }
      kc_softmax(classes, block, z, p.values)
      kc_softmax_backward(classes, block, found[0].values, dy, gradient.values)
      kc_softmax_cross_entropy(
        classes, block, lanes, z, labels, 0.125, dz.values, loss.values, hit.values)
      for (index, (what, exact)) in [
        ("p", p), ("softmax dz", gradient), ("dz", dz), ("loss", loss), ("hit", hit),
      ].enumerated() {
        trial.expectNear(what, found[index], exact, terms: Int(classes))
      }
    }
  }

  @Test("finite for every finite logit", arguments: InstructionSet.available)
  func huge(set: InstructionSet) {
    let z: [Float] = [3.4e38, -3.4e38, 0, 3.4e38]
    for label in 0..<4 {
      var (loss, hit, dz) = (Float.nan, Float.nan, [Float](repeating: .nan, count: 4))
      var labels = [UInt8(label)]
      set.kernels.pointee.softmax_cross_entropy(4, 1, 1, z, &labels, 1, &dz, &loss, &hit)
      #expect(!loss.isNaN && dz.allSatisfy(\.isFinite) && hit == (label == 0 ? 1 : 0))
    }
  }

  @Test("more than 256 classes have labels of two bytes", arguments: InstructionSet.available)
  func manyClasses(set: InstructionSet) {
    let classes = 300
    for block in [1, 16] {
      let labels: [UInt16] = block == 1 ? [299] : [0, 255, 256, 299]
      var z = [Float](repeating: 0, count: classes * block)
      for (image, label) in labels.enumerated() { z[Int(label) * block + image] = 2 }
      var dz = z
      var (loss, hit) = ([Float](repeating: .nan, count: 16), [Float](repeating: .nan, count: 16))
      set.kernels.pointee.softmax_cross_entropy(
        300, Int32(block), Int32(labels.count), z, labels, 1, &dz, &loss, &hit)
      let sum = exp(2.0) + 299
      for (image, label) in labels.enumerated() {
        #expect(abs(Double(loss[image]) - (log(sum) - 2)) < 1e-5 && hit[image] == 1)
        for c in 0..<classes {
          let expected = c == Int(label) ? exp(2.0) / sum - 1 : 1 / sum
          #expect(abs(Double(dz[c * block + image]) - expected) < 1e-6)
        }
      }
    }
  }

  @Test("an image with a NaN is no hit", arguments: InstructionSet.available)
  func notANumber(set: InstructionSet) {
    for bad in [Float.nan, .infinity] {
      for position in 0..<3 {
        var z: [Float] = [2, 1, 0]
        z[position] = bad
        var (loss, hit, labels) = (Float(0), Float(1), [UInt8(position)])
        set.kernels.pointee.softmax_cross_entropy(3, 1, 1, z, &labels, 1, nil, &loss, &hit)
        #expect(loss.isNaN && hit == 0)
      }
    }
  }

  private static func extents(_ trial: Trial) -> (classes: Int32, block: Int32, lanes: Int32) {
    let classes = trial.random.integer(1...40)
    let block = trial.random.block()
    let lanes = trial.random.integer(1...block)
    trial.shape = "B = \(block) classes \(classes) lanes \(lanes)"
    return (classes, block, lanes)
  }

  private static func logits(_ trial: Trial, _ count: Int) -> KernelBuffer {
    if trial.random.once(in: 3) { return trial.input(count, KC_INTEGERS) }
    return trial.input(count, scale: trial.random.element([10, 300]))
  }

  private static func labels(_ trial: Trial, _ classes: Int32, _ lanes: Int32) -> [UInt8] {
    (0..<lanes).map { _ in UInt8(trial.random.integer(0...classes - 1)) }
  }
}
