import CUnpack

/// A gzip file of one member that holds an IDX file or a table, unpacked by a helper, which passes the bytes on through a ring: all
/// unpacked bytes are in memory once.
package struct GzipReader: ~Copyable {
  package enum Failure: Error, Equatable {
    /// The packed data end too early.
    case cutOff
    case damaged(String)
    /// Bytes behind the end of the packed data.
    case trailingBytes(Int)
    /// More than `limit` bytes.
    case tooLong(limit: Int)
    /// The start of something that is no IDX file.
    case other
    case file(FileError)
  }

  /// What the helper says at its end.
  private struct Report {
    var fault: Int
    var count: Int
    var trailing: Int
    var reason: String
  }

  private let path: String
  private let run: HelperRun
  private var position = 0

  static func isGzip(_ bytes: [UInt8]) -> Bool { bytes.starts(with: [0x1F, 0x8B]) }

  /// `descriptor`: `count` bytes. `limit`: bytes that they may unpack to.
  /// `isText`: whether contents may be anything, and not IDX alone.
  init(_ descriptor: Int32, count: Int, path: String, limit: Int, isText: Bool = false)
    throws(Failure)
  {
    self.path = path
    // DEFLATE expands at most 1032-fold.
    let seconds = 1 + min(limit, count * 1032) >> 25
    let kind = isText ? FN_UNPACK_ANY : FN_UNPACK_GZIP
    var request = HelperRequest(kind: Int(kind), memory: 16 << 20, seconds: seconds)
    request.number(limit)
    do {
      run = try HelperRun(
        StartedHelper(.unpacker, input: descriptor), request, room: HelperOutput.ringSize,
        seconds: seconds)
    } catch { throw GzipReader.error(error, path: path) }
  }

  /// A failure before anything was read.
  static func fileError(_ failure: Failure, path: String) -> FileError {
    if case .file(let error) = failure { return error }
    return FileError(path: path, action: "read", reason: "\(failure)")
  }

  private static func error(_ failure: HelperFailure, path: String) -> Failure {
    failure.isSystems
      ? .file(FileError(path: path, action: "read", reason: failure.reason))
      : .damaged(failure.reason)
  }

  /// The next bytes, until `bytes` are full or the member ends. Returns the number of bytes.
  package mutating func read(into bytes: UnsafeMutableRawBufferPointer) throws(Failure) -> Int {
    var filled = 0
    do throws(HelperFailure) {
      while filled < bytes.count {
        let rest = UnsafeMutableRawBufferPointer(rebasing: bytes[filled...])
        let length = try run.read(into: rest)
        guard length > 0 else { break }
        filled += length
      }
    } catch { throw GzipReader.error(error, path: path) }
    position += filled
    if filled < bytes.count { _ = try end() }
    return filled
  }

  /// What is left must be the trailer, right and at the end.
  /// `limit`: the bytes that there were to be in all.
  package mutating func finish(limit: Int) throws(Failure) {
    let rest = UnsafeMutableRawBufferPointer.allocate(byteCount: 64, alignment: 8)
    defer { rest.deallocate() }
    let extra: Int
    do { extra = try run.read(into: rest) } catch { throw GzipReader.error(error, path: path) }
    guard extra == 0 else { throw .tooLong(limit: limit) }
    let report = try end()
    guard report.fault != Int(FN_UNPACK_OTHER) else { throw .other }
    guard report.count == position, report.fault == Int(FN_UNPACK_DONE) else {
      throw .tooLong(limit: limit)
    }
    guard report.trailing == 0 else { throw .trailingBytes(report.trailing) }
  }

  /// What the helper says once it has ended.
  private func end() throws(Failure) -> Report {
    let report: Report
    do throws(HelperFailure) { report = try GzipReader.report(try run.answer()) } catch {
      throw GzipReader.error(error, path: path)
    }
    switch report.fault {
    case Int(FN_UNPACK_CUT): throw .cutOff
    case Int(FN_UNPACK_DAMAGED): throw .damaged(report.reason)
    default: return report
    }
  }

  private static func report(_ output: HelperOutput) throws(HelperFailure) -> Report {
    var records = AnswerRecords(output)
    guard var record = try records.next(), record.tag == Int(FN_RECORD_UNPACKED) else {
      throw .answer
    }
    let report = Report(
      fault: try record.count(), count: try record.count(), trailing: try record.count(),
      reason: String(decoding: try record.text(), as: UTF8.self))
    return report
  }
}
