import FixedNetFiles
import Foundation
import FuzzDriver
import FuzzTargets

/// `fuzz PARSER [libFuzzer's options] CORPUS...` searches for inputs that break a parser; Tests/Fuzz/fuzz.sh builds
/// this with libFuzzer. Without it, and with `fuzz PARSER -replay FILE...`, says what the parser makes of files.
@main
enum Fuzz {
  nonisolated(unsafe) static var target = FuzzTarget.json

  static func main() {
    var rest = CommandLine.arguments
    let program = rest.removeFirst()
    // libFuzzer starts this program again for some of its work, with its own options only.
    let variable = "FIXEDNET_FUZZ"
    let inherited = ProcessInfo.processInfo.environment[variable]
    let name = inherited ?? (rest.isEmpty ? "" : rest.removeFirst())
    guard let target = FuzzTarget(rawValue: name) else {
      let names = FuzzTarget.allCases.map(\.rawValue).joined(separator: ", ")
      fail("fuzz: the first argument must be one of \(names), found '\(name)'")
    }
    setenv(variable, name, 1)
    self.target = target
    if rest.first != "-replay", rest.first != "-dump" {
      var pointers = ([program] + rest).map { strdup($0) } + [nil]
      let status = fuzz_run(Int32(pointers.count - 1), &pointers) { data, count in
        Fuzz.target.run(Array(UnsafeBufferPointer(start: data, count: count)))
        return 0
      }
      if status >= 0 { exit(status) }
    } else if rest.first == "-replay" {
      rest.removeFirst()
    }
    // The records that a helper has of files, beside them: what `answer` starts from.
    if target == .answer, rest.first == "-dump" {
      for path in rest.dropFirst() {
        guard let records = try? KerasFile.records(path: path) else {
          fail("fuzz: cannot read '\(path)'")
        }
        _ = FileManager.default.createFile(atPath: "\(path).answer", contents: Data(records))
      }
      return
    }
    for path in rest {
      guard let data = FileManager.default.contents(atPath: path) else {
        fail("fuzz: cannot read '\(path)'")
      }
      print("\(path): \(target.run([UInt8](data)))")
    }
  }

  static func fail(_ message: String) -> Never {
    FileHandle.standardError.write(Data("\(message)\n".utf8))
    exit(64)
  }
}

/// libFuzzer's hook: mutates, and every other time corrects the checksums.
@_cdecl("LLVMFuzzerCustomMutator")
func mutate(_ data: UnsafeMutablePointer<UInt8>, _ count: Int, _ room: Int, _ seed: UInt32) -> Int {
  let mutated = fuzz_mutate(data, count, room)
  guard seed % 2 == 0 else { return mutated }
  let bytes = Fuzz.target.repaired(Array(UnsafeBufferPointer(start: data, count: mutated)))
  _ = UnsafeMutableBufferPointer(start: data, count: mutated).update(fromContentsOf: bytes)
  return mutated
}
