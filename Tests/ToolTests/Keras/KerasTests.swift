import FixedNet
import FixedNetFiles
import Foundation
import TestSupport
import Testing

/// Keras 3 itself (JAX backend) opens what `train` writes and predicts what `eval` predicts.
@Suite("Keras")
struct KerasTests {
  private static var data: String? { Fixtures.shared("data/mnist") }
  private let folder: String

  init() throws { folder = try Fixtures.temporaryFolder() }

  @Test(
    "Keras' predictions on 1,000 MNIST images differ from eval's by at most 1e-5",
    .enabled(
      if: Fixtures.python != nil && data != nil,
      "needs ../shared/data/mnist and a Python with Keras: FIXEDNET_PYTHON or .venv (make test)"))
  func predictions() throws {
    let python = try #require(Fixtures.python)
    let data = try #require(Self.data)
    let model = "\(Fixtures.root)/Models/lenet-mnist.h5"
    let keras = try Finished(
      python,
      [
        "\(Fixtures.root)/Tests/Python/predict_mnist.py", model,
        "\(data)/t10k-images-idx3-ubyte.gz", "1000", "keras.h5",
      ], in: folder)
    #expect(keras.exitCode == 0, "\(keras.errors.suffix(400))")
    #expect(keras.output.contains("jax 1000"))
    let eval = try Tool.run(
      "eval", files: [model], "--inputs keras.h5 --outputs ours.h5", in: folder)
    #expect(eval.output.contains("max |difference|: "), "\(eval.errors)")
    let theirs = try HDF5Arrays.readFloats(path: "\(folder)/keras.h5", dataset: "y")
    let ours = try HDF5Arrays.readFloats(path: "\(folder)/ours.h5", dataset: "y")
    #expect(ours.shape == [1000, 10] && theirs.shape == ours.shape)
    let largest = zip(ours.values, theirs.values).map { abs($0 - $1) }.max() ?? .infinity
    #expect(largest <= 1e-5)
  }
}
