import Foundation

/// A program that runs while its parent does things to it. Its output and errors go to files.
public final class ChildProcess {
  public let pid: pid_t
  public let started: Double
  private let output: String
  private let errors: String
  private var status: Int32?

  /// `arguments`: as they are; relative paths are the parent's.
  public init(_ program: String, _ arguments: [String], logs folder: String) throws {
    let name = UUID().uuidString
    output = "\(folder)/\(name).out"
    errors = "\(folder)/\(name).err"
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT, 0o600)
    posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT, 0o600)
    var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) }
    words.append(nil)
    defer { for word in words { free(word) } }
    var pid: pid_t = 0
    let code = posix_spawn(&pid, program, &actions, nil, words, environ)
    guard code == 0 else {
      throw FaultError("cannot start \(program): \(String(cString: strerror(code)))")
    }
    self.pid = pid
    started = ChildProcess.now
  }

  deinit {
    if status == nil {
      kill(pid, SIGKILL)
      _ = wait()
    }
    unlink(output)
    unlink(errors)
  }

  /// Seconds of a clock that nobody sets.
  static var now: Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  /// Whether it has not ended; asks the system.
  public var isRunning: Bool {
    guard status == nil else { return false }
    var code: Int32 = 0
    if waitpid(pid, &code, WNOHANG) == pid { status = code }
    return status == nil
  }

  public func send(_ signal: Int32) { if isRunning { kill(pid, signal) } }

  /// The exit code, or 128 + the signal that ended it; kills it where it takes longer than `limit` seconds, which is 137.
  @discardableResult
  public func wait(limit: Double = 120) -> Int32 {
    let end = ChildProcess.now + limit
    while isRunning {
      if ChildProcess.now > end { kill(pid, SIGKILL) }
      usleep(500)
    }
    let code = status ?? 0
    let signal = code & 0x7f
    return signal == 0 ? (code >> 8) & 0xff : 128 + signal
  }

  /// What it wrote to standard output so far.
  public var outputText: String { text(output) }
  public var errorText: String { text(errors) }

  private func text(_ path: String) -> String {
    FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) } ?? ""
  }
}

/// Why a fault could not be tried, or what it broke.
public struct FaultError: Error, CustomStringConvertible {
  public var description: String
  public init(_ description: String) { self.description = description }
}

/// SplitMix64: moments that a seed decides.
struct Moments {
  private var state: UInt64

  init(seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 }

  /// 0 ..< 1
  mutating func next() -> Double {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return Double((z ^ (z >> 31)) >> 11) / Double(1 << 53)
  }

  mutating func next(below count: Int) -> Int { Int(next() * Double(count)) }
}
