import FixedNetCore
import Foundation
import TestSupport
import Testing

@testable import FixedNetCompute

/// What Keras writes of schedules: followed, or refused by name.
@Suite("Keras' schedules")
struct KerasScheduleTests {
  private static func parse(_ schedule: JSONValue) throws(ModelError) -> Schedule? {
    try OptimizerConfiguration.parse([
      "class_name": "SGD", "config": ["learning_rate": schedule],
    ]).schedule
  }

  /// Keras' values are float32; those of JAX's power and logarithm are good to a few units in the last place.
  @Test("the rates of Keras' schedules at many steps, and their configurations there and back")
  func schedules() throws {
    let json = try JSONValue(
      parsing: String(
        contentsOfFile: Fixtures.local("optimizers/keras.json"), encoding: .utf8))
    let steps = json["steps"]?.elements ?? []
    #expect(steps.count > 40)
    let rates = json["rates"]?.members ?? [:]
    #expect(rates.count == 11)
    for (name, values) in rates {
      let config = try #require(json["configs"]?[name])
      let schedule = try #require(try Self.parse(config))
      for case (.integer(let step), let value) in zip(steps, values.elements) {
        let expected = value.value
        #expect(abs(schedule.rate(at: step) - expected) < 4e-8, "\(name) at \(step)")
      }
      let written = try #require(schedule.kerasJSON)
      #expect(try Schedule(keras: written) == schedule)
      // Keras' own object, but for names and what is null there.
      for (key, value) in config["config"]?.members ?? [:] where key != "name" && value != .null {
        guard key != "warmup_steps" || name == "warmup" else { continue }
        #expect(written["config"]?[key]?.value == value.value, "\(name): \(key)")
      }
    }
  }

  static let wrongSchedules: [(name: String, config: [String: JSONValue], message: String)] = [
    ("MySchedule", [:], "the learning rate's schedule must be ExponentialDecay, Piece"),
    (
      "ExponentialDecay", ["decay_steps": 10, "decay_rate": 0.5],
      "ExponentialDecay's initial_learning_rate must be a number, found nothing"
    ),
    (
      "ExponentialDecay",
      ["initial_learning_rate": 1, "decay_steps": 0, "decay_rate": 0.5],
      "ExponentialDecay's decay_steps must be a whole number from 1, found 0"
    ),
    (
      "ExponentialDecay",
      ["initial_learning_rate": 1, "decay_steps": 2.5, "decay_rate": 0.5],
      "ExponentialDecay's decay_steps must be a whole number from 1, found 2.5"
    ),
    (
      "InverseTimeDecay",
      ["initial_learning_rate": 1, "decay_steps": 2, "decay_rate": 0.5, "warmup": 1],
      "InverseTimeDecay's warmup must be absent, as it is not known here, found 1"
    ),
    (
      "PolynomialDecay", ["initial_learning_rate": 1, "decay_steps": 2, "power": -1],
      "PolynomialDecay's power must be a number from 0.0"
    ),
    (
      "PiecewiseConstantDecay", ["boundaries": [5, 3], "values": [1, 2, 3]],
      "PiecewiseConstantDecay's boundaries must be growing, found [5, 3]"
    ),
    (
      "PiecewiseConstantDecay", ["boundaries": [5], "values": [1]],
      "PiecewiseConstantDecay's values must be one more than boundaries"
    ),
    (
      "CosineDecayRestarts",
      ["initial_learning_rate": 1, "first_decay_steps": 2, "t_mul": 0.5],
      "CosineDecayRestarts's t_mul must be 1, or from 1.001 to 1000, found 0.5"
    ),
  ]

  @Test(
    "a schedule that is not Keras', or cannot be followed, is refused by name",
    arguments: wrongSchedules)
  func refusesSchedules(
    _ test: (name: String, config: [String: JSONValue], message: String)
  ) throws {
    let json: JSONValue = ["class_name": .string(test.name), "config": .object(test.config)]
    let error = #expect(throws: ModelError.self) { try Self.parse(json) }
    #expect(error?.description.hasPrefix(test.message) == true, "\(error?.description ?? "")")
  }

  @Test("32 boundaries are held, one more is refused")
  func manyPieces() throws {
    let boundaries = Array(1...32)
    let values = (0...32).map { Double($0) / 10 }
    let pieces = try #require(Schedule.Pieces(boundaries: boundaries, values: values))
    for step in 0...40 {
      #expect(Schedule.piecewise(pieces).rate(at: step) == values[min(max(step, 1), 33) - 1])
    }
    #expect(Schedule.Pieces(boundaries: Array(1...33), values: values + [1]) == nil)
    #expect(Schedule.Pieces(boundaries: [1], values: [1]) == nil)
  }
}

extension JSONValue {
  fileprivate var members: [String: JSONValue] {
    if case .object(let members) = self { members } else { [:] }
  }

  fileprivate var elements: [JSONValue] {
    if case .array(let values) = self { values } else { [] }
  }

  /// A number as a double; true and false as 1 and 0; of a list the sum; else NaN.
  fileprivate var value: Double {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    case .bool(let value): value ? 1 : 0
    case .array(let values): values.reduce(0) { $0 + $1.value }
    default: .nan
    }
  }
}
