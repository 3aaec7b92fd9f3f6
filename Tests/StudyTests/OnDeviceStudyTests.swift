import FixedNet
import FixedNetCore
import Foundation
import TestSupport
import Testing

@testable import FixedNetStudies

@Suite("Study of a device that learns", .serialized)
struct OnDeviceStudyTests {
  /// A build of the library for this machine, where there are make and a compiler.
  private static let here: DeviceBench? = {
    let boards = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../Tools/export/boards").standardized.path
    let found = DeviceBench(
      boards: boards, path: ProcessInfo.processInfo.environment["PATH"] ?? "")
    return found.map { found in
      var bench = DeviceBench(boards: boards, place: .host)
      bench.make = found.make
      return bench
    }
  }()

  private static func options(_ bench: DeviceBench?, threads: Int = 1) -> StudyOptions {
    var options = TrainingStudyTests.options(threads: threads)
    options.bench = bench
    return options
  }

  @Test(
    "a quick run: the library has the engine's weights and answers at every point",
    .enabled(if: here != nil))
  func quick() throws {
    let report = try TrainingStudyTests.report(OnDeviceStudy.self, Self.options(Self.here))
    #expect(report.findings.last?.contains("at 12 of 12 points, on this machine") == true)
    #expect(report.protocolText.contains("in a build for this machine"))
    // The engine's figures do not depend on where the library runs, or on threads.
    let alone = try TrainingStudyTests.report(OnDeviceStudy.self, Self.options(nil, threads: 2))
    #expect(report.csv == alone.csv)
    #expect(report.modelHashes.map(\.sha256) == alone.modelHashes.map(\.sha256))
    #expect(alone.protocolText.contains("It ran nowhere"))
    #expect(alone.findings.last?.contains("at 0 of 12 points: there was no device") == true)
    for report in [report, alone] {
      #expect(report.tables.map(\.rows.count) == [4, 2] && report.csv.count == 1 + 4 * 3)
      for table in report.tables {
        #expect(table.rows.allSatisfy { $0.count == table.columns.count }, "\(table.title)")
      }
      let values = TrainingStudyTests.values(report.figures[0])
      #expect(!values.isEmpty && values.allSatisfy(\.isFinite))
      #expect(report.checks.isEmpty)
    }
    // The last layer alone: its weights, and no more.
    #expect(report.tables[1].rows.map { $0[1] } == ["20,692", "208,636"])
  }

  @Test("an interrupted study that goes on ends as an undisturbed one")
  func resumed() throws {
    let undisturbed = try TrainingStudyTests.report(OnDeviceStudy.self, Self.options(nil))
    var kept: [String: JSONValue] = [:]
    var asked = 0
    #expect(throws: StudyError.interrupted) {
      _ = try OnDeviceStudy().run(
        StudyContext(
          options: Self.options(nil), load: { _ in TrainingStudyTests.digits },
          isInterrupted: {
            asked += 1
            return asked > 21
          },
          save: { kept = try TrainingStudyTests.stored($0) }))
    }
    #expect(kept["lenet-plain, seed 0"] != nil && kept["all layers, noisy, seed 0"] == nil)
    #expect(kept.count > 1)
    let resumed = try OnDeviceStudy().run(
      StudyContext(
        options: Self.options(nil), load: { _ in TrainingStudyTests.digits }, kept: kept))
    #expect(
      TrainingStudyTests.contents(resumed) == TrainingStudyTests.contents(undisturbed))
  }

  @Test("parts that are not what was kept are refused in one line")
  func broken() throws {
    let name = "last layer, shifted, seed 0"
    var kept: [String: JSONValue] = [:]
    _ = try OnDeviceStudy().run(
      StudyContext(
        options: Self.options(nil), load: { _ in TrainingStudyTests.digits },
        save: { kept = try TrainingStudyTests.stored($0) }))
    let whole = try #require(kept[name])
    let hash = String(repeating: "0", count: 64)
    let others: [JSONValue] = [
      [], ["points": []], ["points": .array([[.integer(0), .integer(0), 0.5, 0.5, "x"]])],
      ["points": whole["points"] ?? .null, "device": .null],
      [
        "points": .array(
          [0, 10, 14].map { [.integer($0), .integer($0 + 1), 0.5, 0.5, .string(hash)] })
      ],
    ]
    for part in others {
      kept[name] = part
      #expect(
        throws: StudyError.kept(
          place: "what was kept of '\(name)'", reason: "it cannot be its result")
      ) {
        _ = try OnDeviceStudy().run(
          StudyContext(
            options: Self.options(nil), load: { _ in TrainingStudyTests.digits }, kept: kept))
      }
    }
  }

  @Test("another hash or another answer is no agreement")
  func agreement() {
    let hashes = ["a", "b", "c"].map { String(repeating: $0, count: 64) }
    var result = AdaptationResult(
      points: hashes.enumerated().map {
        .init(images: $0, right: $0, changed: 0.5, plain: 0.5, sha256: $1)
      })
    #expect(result.equalPoints == 0)
    result.device = .init(answers: [0, 1, 2], hashes: hashes, numbers: [:])
    #expect(result.equalPoints == 3)
    result.device?.answers[1] = 0
    #expect(result.equalPoints == 2)
    result.device?.hashes[2] = hashes[0]
    #expect(result.equalPoints == 1)
  }

  @Test("what a board says, among other lines")
  func output() {
    let hash = String(repeating: "7", count: 64)
    let output = DeviceBench.Output(
      "code 15000\nseen 0 right 0 hash \(hash)\nqemu: warning: x\nseen 10 right 3 hash \(hash)\nstep 9\n"
    )
    #expect(output.points.map(\.images) == [0, 10] && output.points.map(\.right) == [0, 3])
    #expect(output.numbers == ["code": 15000, "step": 9])
  }

  @Test("digits that are shifted, and that are noisy")
  func changes() throws {
    var bytes = [UInt8](repeating: 0, count: 2 * 784)
    bytes[784 + 10 * 28 + 5] = 200
    let set = ImageSet(
      shape: .image(height: 28, width: 28, channels: 1), pixels: .bytes(bytes), labels: [1, 2])
    guard
      case .bytes(let shifted) = try ChangedDigits.shifted.images(set, of: "x", first: 0).pixels,
      case .bytes(let noisy) = try ChangedDigits.noisy.images(set, of: "x", first: 0).pixels,
      case .bytes(let later) = try ChangedDigits.noisy.images(set, of: "x", first: 1).pixels
    else {
      Issue.record("not bytes")
      return
    }
    #expect(shifted[784 + 13 * 28 + 9] == 200 && shifted.reduce(0) { $0 + Int($1) } == 200)
    // Half of the noise is below black, where it is cut. Each image has numbers of its own, wherever a set begins.
    let mean = Double(noisy.prefix(784).reduce(0) { $0 + Int($1) }) / 784
    #expect((40...56).contains(mean) && noisy[784..<1568] != noisy[..<784])
    let dot = 10 * 28 + 5
    #expect(Array(later[..<dot]) == Array(noisy[784..<784 + dot]))
    let limit = later[dot] > 0 ? 200 + Int(later[dot]) : 200
    #expect(noisy[784 + dot] > 0 && Int(noisy[784 + dot]) <= limit)
    #expect(throws: StudyError.self) {
      try ChangedDigits.shifted.images(
        ImageSet(shape: .vector(4), pixels: .bytes([1, 2, 3, 4]), labels: [0]), of: "x", first: 0)
    }
  }

  @Test("a bench needs make and a compiler on the path, and a folder that make takes")
  func bench() throws {
    let folder = try Fixtures.temporaryFolder()
    func add(_ program: String) {
      FileManager.default.createFile(
        atPath: "\(folder)/\(program)", contents: nil, attributes: [.posixPermissions: 0o755])
    }
    #expect(DeviceBench(boards: "/b", path: folder) == nil)
    add("cc")
    #expect(DeviceBench(boards: "/b", path: folder) == nil)
    add("make")
    #expect(DeviceBench(boards: "/b", path: "x:\(folder)")?.place == .host)
    #expect(DeviceBench(boards: "/b c", path: folder) == nil)
    for program in ["qemu-system-arm", "arm-none-eabi-gcc", "arm-none-eabi-size"] { add(program) }
    #expect(DeviceBench(boards: "/b", path: folder)?.place == .board)
  }
}
