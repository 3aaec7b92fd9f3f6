import FaultInjection
import FixedNetFiles
import Foundation
import TestSupport
import Testing

/// A short version of `make faults`.
@Suite("Faults", .serialized)
struct FaultTests {
  private let bench: FaultBench

  init() throws {
    bench = try FaultBench(tools: Tool.folder, folder: Fixtures.temporaryFolder())
  }

  @Test(
    "killed runs end in the undisturbed run's weights",
    arguments: [FaultCase.all[2], FaultCase.all[4]])
  func kills(_ test: FaultCase) {
    let result = bench.kill(test, count: 5, seed: 1)
    #expect(result.failures == [])
    #expect(result.kills == 5 && result.finished > 0 && result.loads > 0)
  }

  @Test("signals, second runs, full disks and lost folders lose nothing")
  func others() throws {
    let results = try bench.otherFaults(count: 1, seed: 1) { result in
      if let reason = result.skipped { print("\(result.fault): skipped: \(reason)") }
    }
    for result in results { #expect(result.failures == [], "\(result.fault)") }
    #expect(results.count == 13)
  }

  @Test("the harness notices a checkpoint that cannot be loaded, other weights and litter")
  func notices() throws {
    let folder = try Fixtures.temporaryFolder()
    let broken = "\(folder)/tools"
    try FileManager.default.createDirectory(atPath: broken, withIntermediateDirectories: true)
    // A train that writes half a file, in place, and prints another hash every time.
    let script = """
      #!/bin/sh
      while [ $# -gt 0 ]; do
        case $1 in --output|--resume) output=$2;; --batch-history) touch $2;; esac
        shift
      done
      printf half > "$output"
      sleep 0.3
      echo "weights sha256: $$"
      """
    try Executable.write(script, to: "\(broken)/train")
    let result = try FaultBench(tools: broken, folder: folder).kill(.first, count: 3, seed: 2)
    #expect(result.failures.count == 1 && result.finished == 0)
  }
}
