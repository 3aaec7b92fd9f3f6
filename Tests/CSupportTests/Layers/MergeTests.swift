import CSupport
import FixedNet
import KernelCheck
import Testing

@Suite("Merges")
struct MergeTests {
  private static let sums = [CS_ADD, CS_SUBTRACT, CS_SUBTRACT_FROM, CS_MULTIPLY]
  private static let extremes = [CS_MAXIMUM, CS_MINIMUM]

  @Test("every instruction set has the reference's bits", arguments: InstructionSet.available)
  func bits(set: InstructionSet) {
    Trial.run(set, draws: 600) { trial in
      var (merge, block) = MergeTests.shape(trial, 1...20, 1...40)
      let isWhole = merge.isWhole
      let values: kc_values? = trial.random.once(in: 3) ? KC_INTEGERS : nil
      let (a, b) = (
        trial.input(merge.count(block), values), trial.input(merge.countOfB(block), values)
      )
      let dy = trial.input(a.count)
      for kind in MergeTests.sums + MergeTests.extremes {
        merge.kind = kind
        trial.shape = "B = \(block) \(merge)"
        let y = trial.compare(["y": a.count]) {
          $0.merge_forward(&merge, block, a.values, b.values, $1[0])
        }[0]
        trial.expect("y in place of a", y, from: a) {
          $0.merge_forward(&merge, block, $1, b.values, $1)
        }
        if isWhole {
          trial.expect("y in place of b", y, from: b) {
            $0.merge_forward(&merge, block, a.values, $1, $1)
          }
        }
        if MergeTests.extremes.contains(kind) {
          for isLast in [Int32(0), 1] {
            trial.compare(["rest": a.count, "dx": b.count], from: [dy, b]) {
              $0.merge_take(&merge, block, isLast, b.values, y.values, $1[0], $1[1])
            }
          }
          continue
        }
        let (factorOfA, factorOfB) = kind == CS_MULTIPLY ? (b.values, a.values) : (nil, nil)
        let da = trial.compare(["da": a.count]) {
          $0.merge_backward_a(&merge, block, factorOfA, dy.values, $1[0])
        }[0]
        trial.expect("da in place", da, from: dy) {
          $0.merge_backward_a(&merge, block, factorOfA, $1, $1)
        }
        let db = trial.compare(["db": b.count]) {
          $0.merge_backward_b(&merge, block, factorOfB, dy.values, $1[0])
        }[0]
        if isWhole {
          trial.expect("db in place", db, from: dy) {
            $0.merge_backward_b(&merge, block, factorOfB, $1, $1)
          }
        }
      }
    }
  }

  @Test("the reference follows the formulas and their central differences")
  func textbook() {
    Trial.run(nil, draws: 60) { trial in
      var (merge, block) = MergeTests.shape(trial, 1...3, 1...5)
      let a = trial.input(merge.count(block), KC_PLAIN)
      let b = trial.input(merge.countOfB(block), KC_PLAIN)
      let dy = trial.input(a.count, KC_PLAIN)
      for kind in MergeTests.sums {
        merge.kind = kind
        trial.shape = "B = \(block) \(merge)"
        let found = trial.compare(["y": a.count, "da": a.count, "db": b.count]) {
          $0.merge_forward(&merge, block, a.values, b.values, $1[0])
          $0.merge_backward_a(&merge, block, b.values, dy.values, $1[1])
          $0.merge_backward_b(&merge, block, a.values, dy.values, $1[2])
        }
        let (exactA, exactB) = (a.doubles, b.doubles)
        trial.expectValues("y", found[0], exactA) { kc_merge(&merge, block, $0, exactB, $1) }
        trial.expectGradient("da", found[1], at: exactA, dy.doubles) {
          kc_merge(&merge, block, $0, exactB, $1)
        }
        trial.expectGradient("db", found[2], at: exactB, dy.doubles) {
          kc_merge(&merge, block, exactA, $0, $1)
        }
      }
    }
  }

  /// Three inputs, the third of them perhaps shared. Integers plus 0, 1/4 and 1/2: none are equal.
  @Test("maximum and minimum give each gradient to one input")
  func extremes() {
    Trial.run(nil, draws: 60) { trial in
      let (shared, block) = MergeTests.shape(trial, 1...3, 1...5)
      let whole = cs_merge(
        kind: CS_MAXIMUM, channels: shared.channels, pixels: shared.pixels,
        channelsOfB: shared.channels, pixelsOfB: shared.pixels)
      let inputs = [whole, whole, shared].enumerated().map { index, merge in
        let input = trial.input(merge.countOfB(block), KC_INTEGERS)
        for i in 0..<input.count { input.values[i] += Float(index) / 4 }
        return input
      }
      let dy = trial.input(inputs[0].count, KC_PLAIN)
      for kind in MergeTests.extremes {
        var (first, second) = (whole, shared)
        (first.kind, second.kind) = (kind, kind)
        trial.shape = "B = \(block) \(second)"
        let (y, rest) = (trial.copy(inputs[0]), trial.copy(dy))
        let found = inputs.map { trial.output($0.count) }
        let kernels = cs_kernels_reference().pointee
        kernels.merge_forward(&first, block, y.values, inputs[1].values, y.values)
        kernels.merge_forward(&second, block, y.values, inputs[2].values, y.values)
        for i in 0..<3 {
          var merge = i < 2 ? first : second
          kernels.merge_take(
            &merge, block, i == 2 ? 1 : 0, inputs[i].values, y.values, rest.values,
            found[i].values)
        }
        let exact = inputs.map(\.doubles)
        for i in 0..<3 {
          trial.expectGradient("dx\(i)", found[i], at: exact[i], dy.doubles) { x, result in
            var both = exact[0]
            kc_merge(&first, block, i == 0 ? x : exact[0], i == 1 ? x : exact[1], &both)
            kc_merge(&second, block, both, i == 2 ? x : exact[2], result)
          }
        }
        trial.expect("rest", at: (0..<rest.count).first { rest.values[$0] != 0 })
      }
    }
  }

  @Test("of equal inputs the first one takes the gradient", arguments: InstructionSet.available)
  func ties(set: InstructionSet) {
    let kernels = set.kernels.pointee
    let inputs: [[Float]] = [[1, 2, 3, 0], [1, 3, 3, 5], [0, 3, 4, 5]]
    for (kind, expected) in [
      (CS_MAXIMUM, [[10, 0, 0, 0], [0, 20, 0, 40], [0, 0, 30, 0]]),
      (CS_MINIMUM, [[0, 20, 30, 40], [0, 0, 0, 0], [10, 0, 0, 0]]),
    ] as [(cs_merge_kind, [[Float]])] {
      var merge = cs_merge(kind: kind, channels: 4, pixels: 1, channelsOfB: 4, pixelsOfB: 1)
      var (y, rest, dx) = (inputs[0], [10, 20, 30, 40] as [Float], [Float](repeating: 0, count: 4))
      for next in inputs[1...] { kernels.merge_forward(&merge, 1, y, next, &y) }
      for (index, input) in inputs.enumerated() {
        kernels.merge_take(&merge, 1, index == 2 ? 1 : 0, input, y, &rest, &dx)
        #expect(dx == expected[index], "input \(index)")
      }
    }
  }

  @Test("a NaN stays, and its gradient goes to the last input", arguments: InstructionSet.available)
  func notANumber(set: InstructionSet) {
    let kernels = set.kernels.pointee
    for kind in MergeTests.extremes {
      var merge = cs_merge(kind: kind, channels: 2, pixels: 1, channelsOfB: 2, pixelsOfB: 1)
      let (a, b): ([Float], [Float]) = ([.nan, 1], [1, .nan])
      var (y, rest, dx): ([Float], [Float], [Float]) = ([0, 0], [1, 2], [0, 0])
      kernels.merge_forward(&merge, 1, a, b, &y)
      #expect(y[0].isNaN && y[1].isNaN)
      kernels.merge_take(&merge, 1, 0, a, y, &rest, &dx)
      #expect(dx == [0, 0] && rest == [1, 2])
      kernels.merge_take(&merge, 1, 1, b, y, &rest, &dx)
      #expect(dx == [1, 2] && rest == [0, 0])
    }
  }

  /// Two channels of two pixels times one number for each channel.
  @Test("squeeze and excite by hand", arguments: InstructionSet.available)
  func excite(set: InstructionSet) {
    let kernels = set.kernels.pointee
    var merge = cs_merge(
      kind: CS_MULTIPLY, channels: 2, pixels: 2, channelsOfB: 2, pixelsOfB: 1)
    let (a, b, dy): ([Float], [Float], [Float]) = ([1, 2, 3, 4], [10, 100], [1, 1, 2, 3])
    var (y, da, db) = (a, a, b)
    kernels.merge_forward(&merge, 1, a, b, &y)
    kernels.merge_backward_a(&merge, 1, b, dy, &da)
    kernels.merge_backward_b(&merge, 1, a, dy, &db)
    #expect(y == [10, 20, 300, 400] && da == [10, 10, 200, 300] && db == [3, 18])
  }

  private static func shape(
    _ trial: Trial, _ channels: ClosedRange<Int32>, _ pixels: ClosedRange<Int32>
  ) -> (cs_merge, block: Int32) {
    var merge = cs_merge()
    merge.channels = trial.random.integer(channels)
    merge.pixels = trial.random.once(in: 4) ? 1 : trial.random.integer(pixels)
    merge.channelsOfB = trial.random.once(in: 2) ? 1 : merge.channels
    merge.pixelsOfB = trial.random.once(in: 2) ? 1 : merge.pixels
    return (merge, trial.random.block())
  }
}

extension cs_merge {
  fileprivate var isWhole: Bool { channelsOfB == channels && pixelsOfB == pixels }
  fileprivate func count(_ block: Int32) -> Int { Int(channels * pixels * block) }
  fileprivate func countOfB(_ block: Int32) -> Int { Int(channelsOfB * pixelsOfB * block) }
}
