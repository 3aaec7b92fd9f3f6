import Foundation
import TestSupport

/// The tests of Brown's dieharder over every random stream, which it reads from `program stream NAME`.
public struct Dieharder {
  /// Numbers of `dieharder -l`: birthdays, overlapping permutations, ones in a stream, runs, monobit, the
  /// Kolmogorov-Smirnov test of the words, bytes.
  static let tests = [0, 1, 8, 15, 100, 204, 205]
  /// Ranks of binary matrices and runs of bits take half a gigabyte each: for the streams that are fast.
  static let longTests = [2, 101]
  static let fastStreams = ["words", "streams", "seeds"]

  private let program: String

  /// `program`: what writes a stream's words.
  public init(program: String) { self.program = program }

  /// A case per stream and test. WEAK, which one in a hundred of truly random numbers is, counts as a pass where two other
  /// seeds are not; FAILED, one in a million, as a failure.
  public func run() throws -> Row {
    try Row.timed(Row("dieharder", unit: "reruns")) { row in
      guard try Finished("/bin/sh", ["-c", "command -v dieharder"]).exitCode == 0 else {
        row.add("dieharder", .failed(reason: "not installed (Debian: dieharder)"))
        return
      }
      for stream in RandomStream.all {
        let isFast = Dieharder.fastStreams.contains(stream.name)
        for test in Dieharder.tests + (isFast ? Dieharder.longTests : []) {
          row.add("\(stream.name), test \(test)", try judge(stream.name, test))
        }
      }
    }
  }

  private func judge(_ stream: String, _ test: Int) throws -> Outcome {
    let first = try assess(stream, test, seed: 1)
    if first == ["PASSED"] { return .passed(error: 0) }
    guard first == ["WEAK"] || first == ["PASSED", "WEAK"] else {
      return .failed(reason: "dieharder says \(first.sorted().joined(separator: ", "))")
    }
    for seed in 2...3 {
      let again = try assess(stream, test, seed: seed)
      guard again == ["PASSED"] else {
        return .failed(
          reason: "WEAK, and \(again.sorted().joined(separator: ", ")) with seed \(seed)")
      }
    }
    return .passed(error: 2)
  }

  /// What dieharder says about a stream: a set, as some tests give several p-values.
  private func assess(_ stream: String, _ test: Int, seed: Int) throws -> Set<String> {
    let command =
      "'\(program)' stream \(stream) --seed \(seed) | "
      + "dieharder -g 200 -d \(test) -D test_name -D assessment -c ,"
    let run = try Finished("/bin/sh", ["-c", command])
    let lines = run.output.split(separator: "\n")
    let found = lines.compactMap { $0.split(separator: ",").last }.map {
      $0.trimmingCharacters(in: .whitespaces)
    }.filter { ["PASSED", "WEAK", "FAILED"].contains($0) }
    guard !found.isEmpty else {
      throw ConformanceError("dieharder -d \(test): \(run.output) \(run.errors)")
    }
    return Set(found)
  }
}

extension RandomStream {
  /// Writes the words of `seed` to standard output until nobody reads them any more.
  public func write(seed: UInt64) {
    signal(SIGPIPE, SIG_DFL)
    var index = 0
    while true {
      let bytes = chunk(seed, index).withUnsafeBytes { Data($0) }
      FileHandle.standardOutput.write(bytes)
      index += 1
    }
  }
}
