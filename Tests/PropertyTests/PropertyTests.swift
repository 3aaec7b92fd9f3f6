import Foundation
import RandomNetworks
import TestSupport
import Testing

/// What holds for every network, tried on networks drawn at random: FIXEDNET_NETWORKS of them (`make properties`: 1,000).
/// One that fails is named by its number: FIXEDNET_FIRST_NETWORK=NUMBER FIXEDNET_NETWORKS=1 tries it alone.
@Suite("Random networks")
struct PropertyTests {
  private static func number(_ variable: String, default fallback: Int) -> Int {
    ProcessInfo.processInfo.environment[variable].flatMap { Int($0) } ?? fallback
  }

  /// 125: Keras has the layers of its file in another order than the model, and so has the memory of the optimiser.
  @Test("networks that once found something", arguments: [125, 288, 480])
  func found(seed: UInt64) throws {
    let folder = try Fixtures.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var tally = Tally()
    try Trial(RandomNetwork(seed: seed), folder: folder).run(&tally)
    #expect(tally.failures.isEmpty, "\(tally.failures)")
  }

  @Test("plan, hash, gradients, files and Keras")
  func properties() async throws {
    let count = Self.number("FIXEDNET_NETWORKS", default: 30)
    let first = Self.number("FIXEDNET_FIRST_NETWORK", default: 0)
    let folder = try Fixtures.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let workers = ProcessInfo.processInfo.activeProcessorCount
    let tally = await withTaskGroup(of: Tally.self) { group in
      for worker in 0..<workers {
        group.addTask {
          var tally = Tally()
          for seed in stride(from: first + worker, to: first + count, by: workers) {
            let network = RandomNetwork(seed: UInt64(seed))
            do {
              try Trial(network, folder: folder).run(&tally)
            } catch {
              tally.failures.append("\(error): \(network)")
            }
          }
          return tally
        }
      }
      return await group.reduce(into: Tally()) { $0.add($1) }
    }
    for failure in tally.failures { Issue.record("\(failure)") }
    print(tally.table)
    #expect(tally.networks == count)
    #expect(tally.winogradNetworks > 0 || count < 120, "none trains by Winograd's convolution")
    #expect(2 * tally.checkedDirections > tally.directions, "kinks, or gradients near 0")

    guard let python = Fixtures.python else {
      print("| in Keras | not tried: needs FIXEDNET_PYTHON or .venv (make test) |")
      return
    }
    let run = try Finished(
      python, ["\(Fixtures.root)/Tests/Python/check_roundtrip.py", folder],
      environment: ["KERAS_BACKEND": "jax"])
    let failed = run.output.split(separator: "\n").filter { $0.hasPrefix("FAIL") }
    #expect(failed.isEmpty && run.exitCode == 0, "\(failed.joined(separator: "\n")) \(run.errors)")
    #expect(run.output.contains("(jax): \(tally.filesForKeras) files, 0 failed"))
    print("| files that Keras on JAX loaded, its predictions ours | \(tally.filesForKeras) |")
  }
}
