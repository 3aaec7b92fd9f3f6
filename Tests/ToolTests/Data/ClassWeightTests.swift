import FixedNet
import FixedNetFiles
import Foundation
import TestSupport
import Testing

/// train --class-weight. Weights of samples are compared with Keras elsewhere; here those of classes are the same as them.
@Suite("train --class-weight", .serialized)
struct ClassWeightTests {
  private let folder: String
  private static let labels = SmallData.labels.map { Int($0) }
  private static let options = "--model mlp --batch 8 --test-fraction 0 --epochs 3"

  init() throws {
    folder = try Fixtures.temporaryFolder()
    try SmallData.write(SmallData.labels, to: "\(folder)/classes.h5")
    try SmallData.write(SmallData.numbers, to: "\(folder)/numbers.h5")
  }

  private func train(_ options: String) throws -> Finished {
    try Tool.run("train", options, in: folder)
  }

  /// Data that say the weight of every sample.
  private func write(_ weights: [Float], to name: String) throws {
    try HDF5Arrays.write(
      path: "\(folder)/\(name)",
      datasets: [
        (name: "x", shape: [SmallData.count, SmallData.width], values: SmallData.inputs),
        (name: "y", shape: [SmallData.count], values: SmallData.labels),
        (name: "sample_weight", shape: [SmallData.count], values: Self.labels.map { weights[$0] }),
      ])
  }

  @Test("a class' weight is that of each of its samples; --resume keeps it")
  func samples() throws {
    try write([1, 2.5, 0], to: "weighted.h5")
    let samples = try train("\(Self.options) --data weighted.h5 --quiet")
    let classes = try train(
      "\(Self.options) --data classes.h5 --class-weight 1=2.5,2=0 --output run.h5")
    #expect(classes.output.contains("class weights: 0 1.0, 1 2.5, 2 0.0"), "\(classes.output)")
    #expect(classes.weightsHash == samples.weightsHash && classes.weightsHash != nil)
    let plain = try train("\(Self.options) --data classes.h5 --quiet")
    #expect(plain.weightsHash != classes.weightsHash)
    // Those of the data and those of the option are multiplied.
    try write([1, 1, 2], to: "both.h5")
    try write([1, 3, 0.5], to: "product.h5")
    #expect(
      try train("\(Self.options) --data both.h5 --quiet --class-weight 1=3,2=0.25").weightsHash
        == train("\(Self.options) --data product.h5 --quiet").weightsHash)

    let part = Self.options.replacing("--epochs 3", with: "--epochs 1")
    _ = try train("\(part) --data classes.h5 --class-weight 1=2.5,2=0 --quiet --output part.h5")
    let resumed = try train("--resume part.h5 --epochs 3 --quiet")
    #expect(resumed.weightsHash == classes.weightsHash, "\(resumed.errors)")
    Tool.expectRefusal(
      try train("--resume part.h5 --class-weight balanced"), "--class-weight cannot be changed",
      exitCode: 64)
    for value in [JSONValue.array([1, 2]), .array([1, -1, 1]), "balanced"] {
      var file = try KerasFile.read(path: "\(folder)/part.h5")
      file.training?.setOption("class_weight", value)
      try KerasFile.write(file, to: "\(folder)/other.h5")
      Tool.expectRefusal(try train("--resume other.h5 --epochs 3"), "'other.h5': its class_weight")
    }
  }

  @Test("balanced weighs a class by how rare it is, for every optimiser")
  func balanced() throws {
    let counts = (0..<3).map { label in Self.labels.count { $0 == label } }
    #expect(counts.allSatisfy { $0 > 0 } && Set(counts).count > 1)
    try write(
      counts.map { Float(Double(SmallData.count) / (3 * Double($0))) }, to: "balanced.h5")
    #expect(
      try train("\(Self.options) --data classes.h5 --class-weight balanced --quiet").weightsHash
        == train("\(Self.options) --data balanced.h5 --quiet").weightsHash)
    let solver = "--model mlp --test-fraction 0 --optimizer lbfgs --evaluations 6 --quiet"
    let lbfgs = try train("\(solver) --data classes.h5 --class-weight balanced")
    #expect(lbfgs.weightsHash != nil, "\(lbfgs.errors)")
    #expect(try train("\(solver) --data balanced.h5").weightsHash == lbfgs.weightsHash)
    #expect(try train("\(solver) --data classes.h5").weightsHash != lbfgs.weightsHash)
  }

  @Test("what is no weight of a class is refused")
  func refused() throws {
    for text in ["1", "0=-1", "0=1,0=2", "a=1", "0=nan", "0=inf", "-1=2", "0=1,", "even", "0==1"] {
      Tool.expectRefusal(
        try train("--data classes.h5 --class-weight \(text)"), "--class-weight must be balanced",
        exitCode: 64)
    }
    Tool.expectRefusal(
      try train("--model mlp --data classes.h5 --class-weight 3=1"), "has classes 0 to 2, found 3")
    Tool.expectRefusal(
      try train("--model mlp --data numbers.h5 --loss mse --class-weight balanced"),
      "--class-weight is for classes")
  }
}
