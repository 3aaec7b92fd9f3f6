import FixedNet
import Foundation
import TestSupport
import Testing
import ToolSupport

/// A pseudo-terminal of a given width: what a program writes into it can be read back.
private final class PseudoTerminal {
  let master: Int32
  let slave: Int32

  init(columns: Int) throws {
    master = open("/dev/ptmx", O_RDWR | O_NOCTTY)
    // Linux' unlockpt and ptsname: TIOCSPTLCK and TIOCGPTN, whose macros Swift does not see.
    var (locked, number): (Int32, Int32) = (0, -1)
    guard master >= 0, ioctl(master, 0x4004_5431, &locked) == 0,
      ioctl(master, 0x8004_5430, &number) == 0
    else { throw POSIXError(.ENOTTY) }
    slave = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY)
    resize(columns: columns)
    _ = fcntl(master, F_SETFL, O_NONBLOCK)
  }

  deinit {
    close(master)
    if slave >= 0 { close(slave) }
  }

  func resize(columns: Int) {
    var size = winsize(ws_row: 24, ws_col: UInt16(columns), ws_xpixel: 0, ws_ypixel: 0)
    _ = ioctl(master, UInt(TIOCSWINSZ), &size)
  }

  /// What has arrived since the last call.
  func text() -> String {
    var bytes: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = read(master, &part, part.count)
      guard count > 0 else { break }
      bytes += part.prefix(count)
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// The lines that a text draws, without the codes that redraw them.
private func drawings(_ text: String) -> [String] {
  text.replacing("\u{1B}[K", with: "").split { $0 == "\r" || $0 == "\n" || $0 == "\r\n" }
    .map(String.init)
}

@Suite("Lines on a terminal")
struct TerminalTests {
  private static func draw(_ line: inout ProgressLine) {
    line.draw(
      epoch: 2, of: 10, step: 300, stepsPerEpoch: 300, loss: 1.23456, accuracy: 0.98765,
      epochSeconds: 3, stepsDone: 300)
  }

  @Test("the progress line leaves out what there is no room for, the least important part first")
  func widths() throws {
    for (columns, expected) in [
      (
        200,
        "epoch 2/10 [====================]  100 batches/s  loss 1.2346  accuracy 98.77 %  24 s left"
      ),
      (80, "epoch 2/10 [=========]  100 batches/s  loss 1.2346  accuracy 98.77 %  24 s left"),
      (70, "epoch 2/10  100 batches/s  loss 1.2346  accuracy 98.77 %  24 s left"),
      (60, "epoch 2/10  loss 1.2346  accuracy 98.77 %  24 s left"),
      (40, "epoch 2/10  loss 1.2346  24 s left"), (30, "epoch 2/10  loss 1.2346"),
      (20, "epoch 2/10 [======]"), (12, "epoch 2/10"), (8, ""),
    ] as [(Int, String)] {
      let terminal = try PseudoTerminal(columns: columns)
      var line = ProgressLine(descriptor: terminal.slave, isTerminal: true)
      Self.draw(&line)
      let found = drawings(terminal.text()).joined()
      #expect(found == expected, "\(columns) columns: '\(found)'")
      #expect(found.utf8.count < columns)
    }
  }

  @Test("the progress line follows a window that changes")
  func resizing() throws {
    let terminal = try PseudoTerminal(columns: 120)
    var line = ProgressLine(descriptor: terminal.slave, isTerminal: true)
    for columns in [120, 40, 60, 20, 1, 90] {
      terminal.resize(columns: columns)
      Self.draw(&line)
      let text = terminal.text()
      #expect(text.hasPrefix("\r") && text.hasSuffix("\u{1B}[K"))
      #expect(drawings(text).joined().utf8.count < columns)
    }
  }

  @Test("huge figures are cut too, and never beyond the buffer")
  func hugeFigures() throws {
    for columns in [20, 80, 300] {
      let terminal = try PseudoTerminal(columns: columns)
      var line = ProgressLine(descriptor: terminal.slave, isTerminal: true)
      line.draw(
        epoch: .max / 2, of: .max / 2, step: 1 << 30, stepsPerEpoch: 1 << 30, loss: 1e8,
        accuracy: 1, epochSeconds: 1e-9, stepsDone: 1 << 30)
      #expect(drawings(terminal.text()).joined().utf8.count < columns)
    }
  }

  @Test("wide characters count two columns, marks none")
  func wideCharacters() {
    #expect(TextWidth.columns(of: "abc") == 3)
    #expect(TextWidth.columns(of: "数据集") == 6)
    #expect(TextWidth.columns(of: "e\u{301}") == 1)
    #expect(TextWidth.columns(of: "😀") == 2)
    #expect(TextWidth.beginning(of: "数据集", room: 5) == "数据")
    #expect(TextWidth.beginning(of: "a数", room: 2) == "a")
    #expect(TextWidth.beginning(of: "abc", room: 0) == "")
  }

  @Test("train's progress stays within the terminal", arguments: [80, 40, 20])
  func train(columns: Int) throws {
    let terminal = try PseudoTerminal(columns: columns)
    let process = Process()
    process.executableURL = URL(filePath: "\(Tool.folder)/train")
    process.currentDirectoryURL = URL(filePath: try Fixtures.temporaryFolder())
    process.arguments = ["--model", "lenet-plain", "--epochs", "2", "--threads", "1"]
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle(fileDescriptor: terminal.slave)
    try process.run()
    var text = ""
    while process.isRunning {
      text += terminal.text()
      usleep(20_000)
    }
    text += terminal.text()
    #expect(process.terminationStatus == 0)
    let progress = text.split(separator: "\r").filter { $0.contains("\u{1B}[K") }
      .map { $0.prefix { $0 != "\u{1B}" } }
    #expect(progress.count { $0.hasPrefix("epoch ") } > 1)
    #expect(progress.allSatisfy { $0.utf8.count < columns }, "\(progress)")
  }
}
