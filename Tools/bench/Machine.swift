import FixedNet
import Foundation

/// Where and with what the figures were measured.
struct Machine {
  var cpu: String
  /// What this process may use of them, and why no more.
  var cores: Int
  var coresReason: String
  var compiler: String
  var configuration: String
  var instructionSet: String

  init(instructionSet: InstructionSet) {
    cpu = Machine.cpuModel
    let threads = ThreadChoice.all(asked: nil)
    (cores, coresReason) = (threads.count, threads.reason)
    compiler = Machine.compiler
    #if DEBUG
      configuration = "debug"
    #else
      configuration = "release"
    #endif
    self.instructionSet = instructionSet.rawValue
  }

  var text: String {
    let isDebug = configuration == "debug"
    let warning = isDebug ? "\nthis is a debug build: use swift run -c release bench" : ""
    return "\(cpu), \(cores) core\(cores == 1 ? "" : "s") (\(coresReason)); "
      + "\(compiler), \(configuration); \(instructionSet)" + warning
  }

  var json: JSONValue {
    [
      "cpu": .string(cpu), "cores": .integer(cores), "coresReason": .string(coresReason),
      "compiler": .string(compiler),
      "configuration": .string(configuration), "instructionSet": .string(instructionSet),
    ]
  }

  private static var cpuModel: String {
    let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix("model name") }
    let name = line?.split(separator: ":", maxSplits: 1).last ?? "unknown processor"
    return name.trimmingCharacters(in: .whitespaces)
  }

  /// What this program was compiled with, as far as the language tells.
  private static var compiler: String {
    #if compiler(>=6.5)
      "Swift 6.5 or later"
    #elseif compiler(>=6.4)
      "Swift 6.4"
    #elseif compiler(>=6.3)
      "Swift 6.3"
    #else
      "Swift 6.2"
    #endif
  }
}
