import FixedNet
import FixedNetFiles
import Foundation
import TestSupport
import Testing

/// Training in the least memory, by the tools.
@Suite("train in little memory")
struct MemoryToolTests {
  private let folder: String

  init() throws { folder = try Fixtures.temporaryFolder() }

  /// 28 x 28 images, few enough to train on one by one.
  private func writeDigits(to name: String) throws {
    let set = DataSet.digits(trainCount: 300, testCount: 50).train
    guard case .bytes(let bytes) = set.pixels else { return }
    try HDF5Arrays.write(
      path: "\(folder)/\(name)",
      datasets: [
        (name: "x", shape: [set.count, 28, 28, 1], values: bytes.map { Float($0) / 255 }),
        (name: "y", shape: [set.count], values: set.labels.map { Float($0) }),
      ])
  }

  @Test("a budget of 210 KiB trains LeNet-5, as plan says, and computing again changes no bit")
  func budget() throws {
    try writeDigits(to: "digits.h5")
    let options = "--model lenet-plain --data digits.h5 --epochs 2 --batch 1"
    let run = try Tool.run("train", "\(options) --memory-budget 210KiB", in: folder)
    #expect(run.exitCode == 0, "\(run.errors)")
    let line = "plan: 214,528 bytes (209.50 KiB) for batches of 1 on 1 thread ("
    #expect(run.output.contains(line + "a step has 1 block of images to share)"))
    let two = try Tool.run("train", "\(options) --epochs 1 --threads 2", in: folder)
    #expect(two.output.contains(line + "weights are updated in the backward pass, by one)"))
    #expect(run.output.contains("updated in the backward pass"))
    let plan = try Tool.run("plan", "lenet-plain --batch 1 --json", in: folder).report
    #expect(plan["totalBytes"] == 214_528 && plan["updatesInBackward"] == true)

    let again = try Tool.run(
      "train", "\(options) --memory-budget 198KiB --recompute --threads 2", in: folder)
    #expect(again.exitCode == 0, "\(again.errors)")
    #expect(again.output.contains("plan: 200,896 bytes"))
    #expect(
      again.output.contains(
        "computed again in the backward pass: the output of conv1, conv2\n"
          + "that saves 13,632 bytes for 240,000 multiply-adds an image (28.4 % of a step's)"))
    #expect(again.weightsHash == run.weightsHash && run.weightsHash != nil)
    let planAgain = try Tool.run(
      "plan", "lenet-plain --batch 1 --recompute --json", in: folder
    ).report
    #expect(planAgain["totalBytes"] == 200_896)
    #expect(planAgain["recomputed"] == ["conv2", "conv1"])

    let exact = try Tool.run("train", "\(options) --memory-budget 214528", in: folder)
    #expect(exact.output.contains("plan: 214,528 bytes"), "\(exact.errors)")
    #expect(exact.weightsHash == run.weightsHash)
    let less = try Tool.run("train", "\(options) --memory-budget 214527", in: folder)
    #expect(less.output.contains("plan: 200,896 bytes"), "\(less.errors)")
    #expect(less.weightsHash == run.weightsHash)
    Tool.expectRefusal(
      try Tool.run("train", "\(options) --memory-budget 196KiB", in: folder),
      "1 thread with one block of 1 need 200896, with outputs computed again")
    Tool.expectRefusal(
      try Tool.run(
        "train", "--model lenet-plain --data digits.h5 --memory-budget 100KiB", in: folder),
      "with one block of 16 need 811648, with outputs computed again, --batch 1 --threads 1 200896")
  }

  @Test(
    "train --data mnist stays within the plan, the data and 32 MB",
    .enabled(if: Fixtures.shared("data/mnist") != nil, "../shared/data/mnist is absent"),
    arguments: ["lenet --batch 128", "lenet-plain --batch 1"])
  func residentMemory(model: String) throws {
    let data = try #require(Fixtures.shared("data/mnist"))
    let plan = try Tool.run("plan", "\(model) --json", in: folder).report
    guard case .integer(let arena)? = plan["totalBytes"] else {
      Issue.record("no plan")
      return
    }
    let options = "--model \(model) --epochs 1 --quiet".split(separator: " ").map(String.init)
    let measured = try Measured(
      "\(Tool.folder)/train", ["--data", "mnist", "--data-dir", data] + options, in: folder,
      limit: 120)
    #expect(measured.run.exitCode == 0, "\(measured.run.errors)")
    let images = 70_000 * (28 * 28 + 1)
    #expect(measured.peakBytes <= arena + images + 32_000_000)
    #expect(measured.peakBytes > images, "the measure itself")
  }

  @Test("an interrupted run of one image per step continues to the bit")
  func resume() throws {
    try writeDigits(to: "digits.h5")
    let options = "--model lenet-plain --data digits.h5 --batch 1 --optimizer nesterov --quiet"
    let whole = try Tool.run("train", "\(options) --epochs 3", in: folder)
    let first = try Tool.run("train", "\(options) --epochs 1 --output run.h5", in: folder)
    #expect(first.exitCode == 0, "\(first.errors)")
    let resumed = try Tool.run(
      "train", "--resume run.h5 --epochs 3 --quiet --recompute", in: folder)
    #expect(resumed.exitCode == 0, "\(resumed.errors)")
    #expect(resumed.weightsHash == whole.weightsHash && whole.weightsHash != nil)
  }

  @Test("one block of 16 is updated in the backward pass where its gradients do not fit")
  func oneBlock() throws {
    try writeDigits(to: "digits.h5")
    let options = "--model lenet-plain --data digits.h5 --epochs 1 --batch 16"
    let whole = try Tool.run("train", "\(options) --quiet", in: folder)
    let small = try Tool.run("train", "\(options) --memory-budget 800KiB", in: folder)
    #expect(small.output.contains("updated in the backward pass"), "\(small.errors)")
    #expect(small.weightsHash == whole.weightsHash && whole.weightsHash != nil)
    // The same plan in exactly its bytes; in one less, outputs are computed again.
    let match = try #require(small.output.firstMatch(of: /plan: ([0-9,]+) bytes/))
    let byteCount = try #require(Int(match.1.replacing(",", with: "")))
    let exact = try Tool.run("train", "\(options) --memory-budget \(byteCount)", in: folder)
    #expect(exact.output.contains("plan: \(match.1) bytes"), "\(exact.output) \(exact.errors)")
    let less = try Tool.run(
      "train", "\(options) --memory-budget \(byteCount - 1)", in: folder)
    #expect(less.output.contains("computed again in the backward pass: the output of conv"))
    #expect(less.weightsHash == whole.weightsHash)
  }

  @Test("what stands against the update in the backward pass is said")
  func obstacle() throws {
    let plan = try Tool.run("plan", "lenet-plain --batch 1 --clip-global-norm 1", in: folder)
    #expect(
      plan.output.contains("no update in the backward pass: clipping by norm needs"),
      "\(plan.output.prefix(300)) \(plan.errors)")
    Tool.expectRefusal(
      try Tool.run("plan", "perceptron --batch 1 --recompute", in: folder),
      "computing outputs of this model again saves no memory")
    Tool.expectRefusal(
      try Tool.run("plan", "lenet --recompute --inference", in: folder), "--recompute is for",
      exitCode: 64)
  }
}
