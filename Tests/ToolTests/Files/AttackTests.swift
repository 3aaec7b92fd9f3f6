import Foundation
import TestSupport
import Testing

/// Files that were made to kill, hang or fill the tools: each ends in one line.
@Suite("Attacks")
struct AttackTests {
  private static let cases: [(tool: String, file: String, options: String, says: String)] = [
    ("eval", "A01_gcol_quadratic_1MB_8s.h5", "", "beyond its heap"),
    ("eval", "A02_json5_depth_bypass.keras", "", "not JSON"),
    ("eval", "A02_json_deep_16MB.keras", "", "config.json"),
    ("eval", "A03_zipbomb_1.5GB.keras", "", "a 32nd part"),
    ("eval", "A04_arena_13kB_2GB.h5", "", "--data"),
    ("eval", "A05_terminal_escape_model_name.h5", "", "--data"),
    ("eval", "A07_toctou_bad_1.h5", "", "damaged"),
    ("eval", "A08_static_parent_crash_spacepad.h5", "", "damaged"),
    ("train", "A09_static_parent_crash_heap_layout.h5", "--epochs 2 --resume", "damaged"),
    ("plan", "A10_duplicate_keys.json", "", "twice"),
    ("eval", "A11_rlimit_lost_under_ulimit_v.h5", "", "memory"),
  ]

  private static let attacks = Fixtures.shared("fixtures/attacks")

  @Test(
    "one line, exit code 1, within two seconds and 256 MB",
    .enabled(if: attacks != nil, "the attacks are not beside this package"),
    arguments: cases)
  func attack(_ tool: String, _ file: String, _ options: String, _ says: String) throws {
    let folder = try Fixtures.temporaryFolder()
    let path = try #require(Self.attacks) + "/" + file
    let arguments = options.split(separator: " ").map(String.init) + [path]
    let measured = try Measured("\(Tool.folder)/\(tool)", arguments, in: folder)
    Tool.expectRefusal(measured.run, says)
    #expect(measured.peakBytes < 256 << 20)
    // Other tests are running: of the processor.
    #expect(measured.cpuSeconds < 2)
    #expect(
      measured.run.errors.unicodeScalars.allSatisfy { $0.value >= 0x20 || $0 == "\n" })
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
  }
}
