import FixedNet
import FixedNetFiles
import Foundation
import TestSupport
import Testing

/// The scripts that compare our files with Keras accept what Keras made itself, and notice what is wrong.
@Suite(
  "Round trip scripts",
  .enabled(
    if: Fixtures.python != nil, "needs a Python with Keras: FIXEDNET_PYTHON or .venv (make test)"))
struct RoundTripScriptTests {
  private let folder: String

  init() throws { folder = try Fixtures.temporaryFolder() }

  private func run(_ script: String, _ arguments: [String]) throws -> Finished {
    let python = try #require(Fixtures.python)
    return try Finished(
      python, ["\(Fixtures.root)/Tests/Python/\(script)"] + arguments,
      environment: ["KERAS_BACKEND": "jax"])
  }

  @Test("Keras' own files pass check_roundtrip, a changed prediction does not")
  func predictions() throws {
    let source = "\(Fixtures.root)/Tests/Fixtures/keras/p04_mlp"
    for name in ["good", "bad"] {
      for suffix in [".h5", ".io.h5"] {
        try FileManager.default.copyItem(
          atPath: source + suffix, toPath: "\(folder)/\(name)\(suffix)")
      }
    }
    let x = try HDF5Arrays.readFloats(path: "\(folder)/bad.io.h5", dataset: "x")
    var y = try HDF5Arrays.readFloats(path: "\(folder)/bad.io.h5", dataset: "y")
    y.values[y.values.count - 1] += 0.001
    try HDF5Arrays.write(
      path: "\(folder)/bad.io.h5",
      datasets: [
        (name: "x", shape: x.shape, values: x.values),
        (name: "y", shape: y.shape, values: y.values),
      ])
    let checked = try run("check_roundtrip.py", [folder])
    #expect(checked.exitCode == 1, "\(checked.errors.suffix(400))")
    #expect(checked.output.contains("ok   good.h5"), "\(checked.output)")
    #expect(checked.output.contains("FAIL bad.h5"), "\(checked.output)")
    #expect(checked.output.contains("(jax): 2 files, 1 failed"), "\(checked.output)")
    try FileManager.default.removeItem(atPath: "\(folder)/bad.io.h5")
    #expect(try run("check_roundtrip.py", [folder]).exitCode == 0)
    try FileManager.default.removeItem(atPath: "\(folder)/good.io.h5")
    #expect(try run("check_roundtrip.py", [folder]).exitCode == 1)
  }

  @Test("Keras' own training goes on, a changed loss and a lost optimiser are noticed")
  func training() throws {
    let made = try run("make_resume_example.py", [folder])
    #expect(made.exitCode == 0, "\(made.errors.suffix(400))")
    let checked = try run("check_resume.py", [folder])
    #expect(checked.exitCode == 0, "\(checked.output) \(checked.errors.suffix(400))")
    #expect(checked.output.contains("(jax): 4 files, 0 failed"), "\(checked.output)")

    // Other optimisers' files in the place of adam's and momentum's: their losses, or their variables, differ.
    for (name, other) in [("adam", "momentum"), ("momentum", "sgd")] {
      try FileManager.default.removeItem(atPath: "\(folder)/\(name).keras")
      try FileManager.default.copyItem(
        atPath: "\(folder)/\(other).keras", toPath: "\(folder)/\(name).keras")
    }
    let damaged = try run("check_resume.py", [folder])
    #expect(damaged.exitCode == 1)
    for line in ["FAIL adam.keras", "FAIL momentum.keras", "ok   sgd.keras", "4 files, 2 failed"] {
      #expect(damaged.output.contains(line), "\(damaged.output)")
    }
  }
}
