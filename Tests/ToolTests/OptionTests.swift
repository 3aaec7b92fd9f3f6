import ArgumentParser
import FixedNet
import Foundation
import TestSupport
import Testing
import ToolSupport

@testable import BenchTool
@testable import EvalTool
@testable import PlanTool
@testable import StudyTool
@testable import TrainTool

/// Options of every tool, drawn at random: `validate` opens no files, so that it runs inside of the test.
@Suite("Options")
struct OptionTests {
  private static let commands: [any ParsableCommand.Type] = [
    Train.self, Eval.self, PlanCommand.self, BenchCommand.self, StudyCommand.self,
  ]

  /// What some option takes, and what hardly any does.
  private static let values = [
    "0", "1", "-1", "2.5", "0.25", "1e-3", "1e999", "-0.0", "nan", "inf", "9223372036854775807",
    "9223372036854775808", "0x10", "١", "", " ", "--", "-", "a\nb", "a\r\nb", "\u{1B}[2J",
    "\u{2028}", "\u{202E}gpj.a", "adam", "momentum", "rmsprop", "truncated-newton", "lbfgs",
    "step:every=2,every=3", "cosine:alpha=0.1", "one-cycle", "exp-range:gamma=", "1MiB", "20x20x1",
    "0x0x0", "mse", "he-normal", "random-normal=0.1", "run.h5", "run.weights.h5", "run.keras",
    "plot.svg", "plot.png", "data.mat", "digits", "mnist", "lenet", "lenet,cnn", "softmax", "all",
    "list", "test", "train", String(repeating: "x", count: 5_000),
  ]

  /// Every "--option" of a help text.
  private static func options(_ command: any ParsableCommand.Type) -> [String] {
    let words = command.helpMessage(columns: 200).split { !($0.isLetter || $0 == "-" || $0 == "2") }
    return Set(words.filter { $0.hasPrefix("--") && $0.count > 2 }.map(String.init)).sorted()
  }

  @Test("whatever they are, they are taken or refused in one line", arguments: 0..<commands.count)
  func random(index: Int) throws {
    let command = Self.commands[index]
    let options = Self.options(command)
    #expect(options.count >= 9)
    var random = SplitMix64(state: UInt64(index))
    var (taken, refusals) = (0, Set<String>())
    for _ in 0..<200 {
      var arguments: [String] = []
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        if Int.random(in: 0..<4, using: &random) > 0 {
          arguments.append(options.randomElement(using: &random) ?? "")
        }
        if Int.random(in: 0..<4, using: &random) > 0 {
          arguments.append(Self.values.randomElement(using: &random) ?? "")
        }
      }
      do {
        _ = try command.parse(arguments)
        taken += 1
      } catch {
        let code = command.exitCode(for: error)
        // --help is no error.
        guard code != .success else { continue }
        let line = command.usageMessage(for: error)
        #expect(code == .validationFailure, "\(arguments)")
        #expect(!line.isEmpty && OneLine.isOne(line), "\(arguments)")
        #expect(line.unicodeScalars.count < 700, "\(arguments)")
        refusals.insert(String(line.prefix(40)))
      }
    }
    // Most are wrong; with none taken, nothing behind the parser would have been reached.
    #expect(taken > 1 && refusals.count > 10, "\(taken) \(refusals.count)")
  }
}

/// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators".
private struct SplitMix64: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
    return value ^ value >> 31
  }
}
